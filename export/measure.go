package export

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"netmon/console"
	"netmon/wire"
)

// able is the agent that measures: the one that is asked for, else the first by name that is
// there, can run the kind and is not set aside; where the module is a saved monitor, one of its own
// before others.
func able(model Model, w want, agent string) (string, error) {
	var ids []string
	best := ""
	for _, a := range model.Agents() {
		switch can := slices.Contains(a.Kinds, w.monitor.Kind); {
		case a.Leaving || a.Gone:
		case a.Agent == agent && !a.Online:
			return "", refuse(http.StatusServiceUnavailable, "agent: %s is offline", agent)
		case a.Agent == agent && !can:
			return "", refuse(http.StatusBadRequest, "agent: %s cannot measure %s: %s", agent, w.monitor.Kind, console.Printable(a.Cannot[w.monitor.Kind]))
		case a.Agent == agent:
			return agent, nil
		case !a.Online || !can || a.Verdict != nil && a.Verdict.Status != wire.AgentAble:
		case best == "", w.placed != nil && w.placed.Matches(a.Agent, a.Labels) && !w.placed.Matches(best, labelsOf(model, best)):
			best = a.Agent
		}
		ids = append(ids, a.Agent)
	}
	switch {
	case agent != "":
		return "", refuse(http.StatusBadRequest, "agent: %w", wire.Unknown("agent", agent, ids))
	case best == "":
		return "", refuse(http.StatusServiceUnavailable, "no agent is there that can measure %s: netmon get agents lists them", w.monitor.Kind)
	}
	return best, nil
}

func labelsOf(model Model, agent string) map[string]string {
	for _, a := range model.Agents() {
		if a.Agent == agent {
			return a.Labels
		}
	}
	return nil
}

// measure has one agent measure, under its policy, and takes its place among those under way.
func (s *Server) measure(ctx context.Context, agent string, m wire.Monitor) (*wire.Result, error) {
	if s.o.Measure == nil {
		return nil, refuse(http.StatusForbidden, "nobody saved a monitor of this target, and nothing is measured from here")
	}
	free, ok := acquire(ctx, s.probes)
	if !ok {
		return nil, refuse(http.StatusServiceUnavailable, "%d measurements are under way, and none of them ended in time: scrape less at once", cap(s.probes))
	}
	defer free()
	a := s.o.Measure(ctx, agent, m)
	var refused *wire.Error
	switch {
	case a.Err == nil && a.Result.Outcome != wire.OK && a.Result.Outcome != wire.Failed:
		return a.Result, refuse(http.StatusServiceUnavailable, "%s could not measure it: %s: %s", agent, a.Result.Failure, a.Result.Error)
	case a.Err == nil:
		a.Result.Agent = agent
		return a.Result, nil
	case errors.Is(a.Err, console.ErrDenied), errors.As(a.Err, &refused) && (refused.Code == wire.CodeDenied || refused.Code == wire.CodeUnsigned || refused.Code == wire.CodeUnknown):
		return nil, refuse(http.StatusForbidden, "who runs this exporter may read, and not measure: that takes an operator: %w", a.Err)
	case refused != nil && refused.Code == wire.CodePolicy:
		return nil, refuse(http.StatusForbidden, "%s %w: netmon policy shows what it may measure", agent, a.Err)
	case refused != nil && refused.Code == wire.CodeInvalid:
		return nil, refuse(http.StatusBadRequest, "%s %w", agent, a.Err)
	}
	return nil, refuse(http.StatusServiceUnavailable, "%s: %w", agent, a.Err)
}
