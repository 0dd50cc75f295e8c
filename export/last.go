package export

import (
	"fmt"
	"maps"
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
func (s *Server) last(model Model, m *wire.Saved, agent string) (a answer, err error) {
	a = answer{from: m.Name, monitor: m.Monitor}
	if m.Paused {
		return a, refuse(http.StatusServiceUnavailable, "%s is paused: nothing measures it", m.Name)
	}
	if why := unreadable(model, console.PartResults, time.Now()); why != "" {
		return a, refuse(http.StatusServiceUnavailable, "%s", why)
	}
	now := time.Now()
	verdict, state := verdictOn(model, m.Name)
	shares := map[string]view.Share{}
	if verdict != nil {
		maps.Insert(shares, view.Shares(&verdict.Quorum))
	}
	var first answer
	var why string // of the first by name that cannot be taken
	note := func(text string, args ...any) {
		if why == "" {
			why = fmt.Sprintf(text, args...)
		}
	}
	found := false
	agents := model.Agents()
	for i := range agents {
		x := &agents[i]
		if agent != "" && x.Agent != agent || !m.RunsOn(x.Agent, x.Labels) {
			continue
		}
		found = true
		r, numbers, is := s.o.Mesh.series.last(m.Name, x.Agent, now)
		switch {
		case agent == "" && shares[x.Agent] == view.Aside:
			note("%s is set aside: its results do not count", x.Agent)
		case is == unheard, is == elsewhere:
			note("%s has no result of it yet", x.Agent)
		case is == offline:
			note("%s is offline", x.Agent)
		case is == changed:
			note("%s has no result of it since its last change", x.Agent)
		case is == stale:
			note("the last result of %s is %v old: with its interval of %v it says nothing about now", x.Agent, now.Sub(r.Started).Round(time.Second), m.Every)
		case r.Outcome != wire.OK && r.Outcome != wire.Failed:
			note("%s could not measure it: %s: %s", x.Agent, console.Printable(string(r.Failure)), console.Printable(r.Error))
		case agent != "", agrees(state, r.Outcome):
			a.result, a.row = r, numbers
			return a, nil
		case first.result == nil:
			first = a
			first.result, first.row = r, numbers
		}
	}
	switch {
	case first.result != nil:
		return first, nil
	case !found && agent != "":
		return a, refuse(http.StatusBadRequest, "agent: %q is not known, or %s does not run there", agent, m.Name)
	case !found:
		return a, refuse(http.StatusServiceUnavailable, "no agent runs %s", m.Name)
	}
	return a, refuse(http.StatusServiceUnavailable, "there is no result of %s that says how it is now: %s", m.Name, why)
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
