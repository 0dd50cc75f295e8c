package incident

import (
	"fmt"
	"hash/fnv"
	"time"

	"netmon/wire"
)

// key names one thing that can be wrong.
type key struct{ about, name string }

// fact is how one thing is, whoever says so.
type fact struct {
	key
	wrong     bool
	flaps     bool // it is not still: what is open stays open
	severity  wire.Severity
	since, at time.Time
	why       string
	blame     *wire.Blame
	n         uint64 // of the message that says so
	id        string // of the incident, by whoever found it; "" is none
}

// monitor is what is known about one.
type monitor struct {
	saved    wire.Saved
	known    bool // it is saved
	host     string
	verdict  *wire.Verdict
	troubles map[string]fact // the newest with it, by what they are about
	groups   []string        // that it is of, by name
}

// aboutMonitors is what is about a monitor, by whose name it goes; troublesOfMonitors is
// what of it no verdict says.
var (
	aboutMonitors      = []string{wire.AboutMonitor, wire.AboutCertificate, wire.AboutSLO}
	troublesOfMonitors = aboutMonitors[1:]
)

// fact is what a verdict on a monitor comes to.
func (m *monitor) fact() fact {
	v := m.verdict
	f := fact{key: key{wire.AboutMonitor, v.Monitor}, since: v.Since, at: v.At, why: v.Why, blame: v.Blame, n: v.N, id: v.Incident, flaps: v.Flapping}
	switch v.State {
	case wire.VerdictDown:
		f.wrong, f.severity = true, wire.SeverityDown
	case wire.VerdictDegraded:
		f.wrong, f.severity = true, wire.SeverityDegraded
	case wire.VerdictUnknown:
		f.wrong, f.severity = v.Incident != "", wire.SeverityUnknown
	case wire.VerdictPaused:
		f.flaps = false
	}
	switch {
	case !m.known:
		f.wrong, f.flaps, f.why = false, false, "it was deleted"
	case m.saved.Paused:
		f.wrong, f.flaps, f.why = false, false, "it is paused"
	}
	return f
}

func factOfAgent(v *wire.AgentVerdict) fact {
	f := fact{key: key{wire.AboutAgent, v.Agent}, severity: wire.SeverityAgent, since: v.Since, at: v.At, why: v.Why, blame: v.Blame, n: v.N, id: v.Incident}
	f.wrong = !v.Gone && (v.Status != wire.AgentAble || v.Blame != nil)
	if f.wrong && f.id == "" {
		f.id = idOf(v.Agent, fmt.Sprintf("agent %s %d", v.Agent, v.At.UnixNano()))
	}
	return f
}

func factOfMesh(v *wire.MeshVerdict) fact {
	f := fact{key: key{wire.AboutBroker, wire.AboutBroker}, wrong: v.Frozen, severity: wire.SeverityBroker, since: v.Since, at: v.At, why: v.Why, n: v.N}
	f.blame = &wire.Blame{Class: wire.BlameBroker, Sure: true, Why: v.Why}
	f.id = idOf(wire.AboutBroker, fmt.Sprint(v.Since.UnixNano()))
	return f
}

func factOfTrouble(t *wire.Trouble) fact {
	f := fact{key: key{t.About, t.Name}, wrong: t.Wrong, severity: t.Severity, since: t.Since, at: t.At, why: t.Why, n: t.N, id: t.Incident}
	if severityRank(f.severity) == len(wire.Severities) {
		f.severity = wire.Severity(t.About)
	}
	return f
}

// idOf is a token of at most 57 bytes.
func idOf(name, first string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s", name, first)
	return fmt.Sprintf("%.40s-%016x", name, h.Sum64())
}

// severityRank is 0 for the worst; what is not known is the least.
func severityRank(s wire.Severity) int {
	for i := range wire.Severities {
		if wire.Severities[i].Severity == s {
			return i
		}
	}
	return len(wire.Severities)
}

// worse says whether a is worse than b; anything is worse than none.
func worse(a, b wire.Severity) bool { return severityRank(a) < severityRank(b) }
