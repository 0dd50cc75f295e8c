package export

import (
	"fmt"
	"net/http"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// last is the last result of a saved monitor: on the agent that is asked for, else on one whose
// outcome agrees with the verdict, the first by name, else on the first. One that the judge set
// aside is chosen by name only. A result that is too old, or could not measure, is an error: it
// says nothing about now.
func (s *Server) last(model Model, m *wire.Saved, agent string) (*wire.Result, error) {
	if m.Paused {
		return nil, refuse(http.StatusServiceUnavailable, "%s is paused: nothing measures it", m.Name)
	}
	if why := unreadable(model, console.PartResults, time.Now()); why != "" {
		return nil, refuse(http.StatusServiceUnavailable, "%s", why)
	}
	now := time.Now()
	verdict, state := verdictOn(model, m.Name)
	shares := map[string]view.Share{}
	if verdict != nil {
		for id, share := range view.Shares(&verdict.Quorum) {
			shares[id] = share
		}
	}
	var first *wire.Result
	var why string // of the first by name that cannot be taken
	note := func(text string, args ...any) {
		if why == "" {
			why = fmt.Sprintf(text, args...)
		}
	}
	found := false
	agents := model.Agents()
	for i := range agents {
		a := &agents[i]
		if agent != "" && a.Agent != agent || !m.RunsOn(a.Agent, a.Labels) {
			continue
		}
		found = true
		x, ok := s.o.Mesh.last(m.Name, a.Agent)
		switch {
		case agent == "" && shares[a.Agent] == view.Aside:
			note("%s is set aside: its results do not count", a.Agent)
		case !a.Online:
			note("%s is offline", a.Agent)
		case !ok || x.result.Revision != 0 && x.result.Revision > m.Revision:
			note("%s has no result of it yet", a.Agent)
		case x.result.Target != m.Target || x.result.Kind != m.Kind:
			note("%s has no result of it since its last change", a.Agent)
		case now.Sub(x.measured) > max(leastFresh, judge.Silence(m.Every.Std(), m.Timeout.Std())):
			note("the last result of %s is %v old: with its interval of %v it says nothing about now", a.Agent, now.Sub(x.measured).Round(time.Second), m.Every)
		case x.result.Outcome != wire.OK && x.result.Outcome != wire.Failed:
			note("%s could not measure it: %s: %s", a.Agent, x.result.Failure, console.Printable(x.result.Error))
		case agent != "", agrees(state, x.result.Outcome):
			return x.result, nil
		case first == nil:
			first = x.result
		}
	}
	switch {
	case first != nil:
		return first, nil
	case !found && agent != "":
		return nil, refuse(http.StatusBadRequest, "agent: %q is not known, or %s does not run there", agent, m.Name)
	case !found:
		return nil, refuse(http.StatusServiceUnavailable, "no agent runs %s", m.Name)
	}
	return nil, refuse(http.StatusServiceUnavailable, "there is no result of %s that says how it is now: %s", m.Name, why)
}

// agrees says whether an outcome is that of a verdict: a degraded monitor is not down.
func agrees(state judge.State, o wire.Outcome) bool {
	switch state {
	case judge.Up, judge.Degraded:
		return o == wire.OK
	case judge.Down:
		return o == wire.Failed
	}
	return false
}

// verdictOn is the verdict on a monitor that holds, and its state.
func verdictOn(model Model, name string) (*wire.Verdict, judge.State) {
	for _, row := range model.Snapshot(view.Query{Names: []string{name}, Calm: true}).Monitors {
		return row.Verdict, row.State
	}
	return nil, judge.Unknown
}
