package export

import (
	"context"
	"errors"
	"hash/fnv"
	"net/http"
	"slices"
	"time"

	"netmon/console"
	"netmon/wire"
)

// able are the agents that may measure, the first one first: the one that is asked for, else those
// that are there, can run the kind and are not set aside. Where the module is a saved monitor, its
// own come before others; which is asked first depends on the target.
func able(model Model, w want, agent string) (agents []string, err error) {
	var ids, own, others []string
	for _, a := range model.Agents() {
		switch can := slices.Contains(a.Kinds, w.monitor.Kind); {
		case a.Leaving || a.Gone:
		case a.Agent == agent && !a.Online:
			return nil, refuse(http.StatusServiceUnavailable, "agent: %s is offline", agent)
		case a.Agent == agent && !can:
			return nil, refuse(http.StatusBadRequest, "agent: %s cannot measure %s: %s", agent, w.monitor.Kind, console.Printable(a.Unable()[w.monitor.Kind]))
		case a.Agent == agent:
			return []string{agent}, nil
		case !a.Online || !can || a.Verdict != nil && a.Verdict.Status != wire.AgentAble:
		case w.placed != nil && w.placed.Matches(a.Agent, a.Labels):
			own = append(own, a.Agent)
		default:
			others = append(others, a.Agent)
		}
		ids = append(ids, a.Agent)
	}
	agents = append(rotated(own, w.monitor.Target), rotated(others, w.monitor.Target)...)
	switch {
	case agent != "":
		return nil, refuse(http.StatusBadRequest, "agent: %w", wire.Unknown("agent", agent, ids))
	case len(agents) == 0:
		return nil, refuse(http.StatusServiceUnavailable, "no agent is there that can measure %s: netmon get agents lists them", w.monitor.Kind)
	}
	return agents, nil
}

// rotated begins a list where the target says, so that not all targets are one agent's.
func rotated(list []string, target string) []string {
	if len(list) < 2 {
		return list
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(target))              // to memory
	first := int(h.Sum32() % uint32(len(list))) // #nosec G115 -- agents are few
	return slices.Concat(list[first:], list[:first])
}

// measure has one of the agents measure, under its policy, and takes its place among those under way.
// Of those that may not, or have too much to do, the next one is asked. The run has the time that is
// left of the scrape.
func (s *Server) measure(ctx context.Context, agents []string, m *wire.Monitor) (r *wire.Result, err error) {
	if s.o.Measure == nil {
		return nil, refuse(http.StatusForbidden, "nobody saved a monitor of this target, and nothing is measured from here")
	}
	free, ok := acquire(ctx, s.probes)
	if !ok {
		return nil, refuse(http.StatusServiceUnavailable, "%d measurements are under way, and none of them ended in time: scrape less at once", cap(s.probes))
	}
	defer free()
	most := m.Timeout
	for i, agent := range agents {
		if end, ok := ctx.Deadline(); ok {
			m.Timeout = max(min(most, wire.Duration((time.Until(end)-probeOffset).Truncate(time.Millisecond))), wire.Duration(probeLeast))
		}
		a := s.o.Measure(ctx, agent, *m)
		var refused *wire.Error
		errors.As(a.Err, &refused)
		if a.Err == nil {
			a.Result.Agent = agent
		}
		if first := reasonOf(agent, a, refused); i == 0 || first == nil {
			r, err = a.Result, first
		}
		if refused == nil || refused.Code != wire.CodePolicy && refused.Code != wire.CodeLimit || ctx.Err() != nil {
			break
		}
	}
	return r, err
}

// reasonOf is why an agent measured nothing, nil where it did.
func reasonOf(agent string, a console.Asked, refused *wire.Error) error {
	switch {
	case a.Err == nil && a.Result.Outcome != wire.OK && a.Result.Outcome != wire.Failed:
		return refuse(http.StatusServiceUnavailable, "%s could not measure it: %s: %s", agent, a.Result.Failure, a.Result.Error)
	case a.Err == nil:
		return nil
	case errors.Is(a.Err, console.ErrDenied), refused != nil && (refused.Code == wire.CodeDenied || refused.Code == wire.CodeUnsigned || refused.Code == wire.CodeUnknown):
		return refuse(http.StatusForbidden, "who runs this exporter may read, and not measure: that takes an operator: %w", a.Err)
	case refused != nil && refused.Code == wire.CodePolicy:
		return refuse(http.StatusForbidden, "%s %w: netmon policy shows what it may measure", agent, a.Err)
	case refused != nil && refused.Code == wire.CodeInvalid:
		return refuse(http.StatusBadRequest, "%s %w", agent, a.Err)
	}
	return refuse(http.StatusServiceUnavailable, "%s: %w", agent, a.Err)
}
