package status

import (
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// now is the moment of pages that are made of facts.
var now = time.Date(2026, 12, 1, 10, 31, 20, 0, time.UTC)

// world are facts that a test makes.
type world struct{ Facts }

func newWorld() *world {
	return &world{Facts{At: now, Rows: map[string]view.Row{}, Read: true}}
}

// monitor adds one that is public under a heading, in a state. Each private thing of it
// has a mark.
func (w *world) monitor(name, heading, public string, is judge.State, change ...func(*wire.Verdict)) {
	m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "https", Target: "target-" + name + ".secret.example:8443"}, Author: "author-secret@desk", Tags: map[string]string{"team": "tag-secret"}}
	if heading != "" {
		m.Tags[DefaultTag] = heading
	}
	if public != "" {
		m.Tags[NameTag] = public
	}
	v := &wire.Verdict{Monitor: name, State: wire.VerdictState(is.String()), Since: now.Add(-14 * time.Minute), Why: "why-secret: connect to 192.0.2.99:443: refused from agent-secret"}
	if is == judge.Down || is == judge.Degraded {
		v.Quorum.Down, v.Quorum.Up = []string{"agent-secret-paris"}, []string{"agent-secret-oslo"}
		v.Evidence = []wire.Evidence{{Agent: "agent-secret-paris", Outcome: wire.Failed, Failure: wire.FailRefused, Text: "text-secret 192.0.2.99", ID: "id-secret"}}
		v.Blame = &wire.Blame{Class: wire.BlameTarget, Names: []string{"agent-secret-paris"}, Why: "blame-secret"}
	}
	for _, c := range change {
		c(v)
	}
	w.Monitors = append(w.Monitors, m)
	slices.SortFunc(w.Monitors, func(a, b wire.Saved) int { return strings.Compare(a.Name, b.Name) })
	w.Rows[name] = view.Row{Name: name, Kind: m.Kind, Target: m.Target, State: is, Since: v.Since, Why: v.Why, Verdict: v}
}

// wrong adds an incident of some members, each of which is wrong from so many minutes ago
// on, and until so many, where that is not 0.
func (w *world) wrong(id string, members ...wire.IncidentMember) {
	x := &wire.Incident{ID: id + "-private-id-secret", State: wire.IncidentResolved, Summary: "summary-secret", Opened: now, At: now, Ack: &wire.Ack{By: "ack-secret", Text: "ack-text-secret"},
		Cause: wire.Cause{What: wire.CauseHost, Name: "cause-secret"}, Members: members, Log: []wire.Entry{{At: now, What: wire.EntryOpened, Text: "log-secret", By: "by-secret"}},
		Channels: []wire.ChannelState{{Channel: "channel-secret", Error: "error-secret"}}, Blame: &wire.Blame{Names: []string{"agent-secret"}, Why: "blame-secret"}}
	for _, m := range members {
		if m.Wrong() {
			x.State = wire.IncidentOpen
		}
		if m.Until.After(x.Resolved) {
			x.Resolved = m.Until
		}
	}
	w.Incidents = append(w.Incidents, x)
}

func member(name string, severity wire.Severity, since, until time.Duration) wire.IncidentMember {
	m := wire.IncidentMember{About: wire.AboutMonitor, Name: name, Severity: severity, Since: now.Add(-since), Why: "member-why-secret", Blame: &wire.Blame{Class: wire.BlameTarget, Names: []string{"agent-secret"}, Why: "blame-secret"}}
	if until > 0 {
		m.Until = now.Add(-until)
	}
	return m
}

// past gives monitors a history: up for 60 days but for an outage, a slow time, maintenance
// and a gap; nothing from before.
func (w *world) past(names ...string) {
	var spans []wire.HistorySpan
	day := 24 * time.Hour
	for i, name := range names {
		begin := now.Add(-60 * day)
		add := func(state wire.VerdictState, from, to time.Duration, muted bool) {
			spans = append(spans, wire.HistorySpan{Monitor: name, State: state, Since: begin.Add(from), Until: begin.Add(to), Muted: muted, New: from == 0})
		}
		shift := time.Duration(i) * 3 * day
		add(wire.VerdictUp, 0, 10*day+shift, false)
		add(wire.VerdictDown, 10*day+shift, 10*day+shift+14*time.Minute, false)
		add(wire.VerdictUp, 10*day+shift+14*time.Minute, 20*day+shift, false)
		add(wire.VerdictDegraded, 20*day+shift, 20*day+shift+3*time.Hour, false)
		add(wire.VerdictUp, 20*day+shift+3*time.Hour, 30*day, false)
		add(wire.VerdictDown, 30*day, 30*day+2*time.Hour, true)
		add(wire.VerdictUp, 30*day+2*time.Hour, 40*day, false)
		add(wire.VerdictUp, 42*day, 60*day, false) // a gap of two days before
	}
	w.Facts.Past = pastOf(spans, now)
}

// pastOf is the past of the monitors that spans are of, and of those that a world has.
func pastOf(spans []wire.HistorySpan, now time.Time) *Past {
	names := []string{"dns", "checkout", "web", "imap"}
	for _, s := range spans {
		names = append(names, s.Monitor)
	}
	return NewPast(names, spans, now)
}

// shop is a mesh to look at.
func shop() *world {
	w := newWorld()
	w.monitor("web", "Shop", "Online shop", judge.Up)
	w.monitor("checkout", "Shop", "Checkout", judge.Degraded)
	w.monitor("search-v2", "Shop", "Search with a rather long name that wraps on a telephone", judge.Up)
	w.monitor("mx1", "Mail", "Incoming mail", judge.Down)
	w.monitor("imap", "Mail", "Mailboxes", judge.Up)
	w.monitor("dns", "yes", "Name servers", judge.Up)
	w.monitor("backup", "Mail", "Archive", judge.Unknown)
	w.monitor("private-db", "", "", judge.Down)
	w.past("web", "checkout", "mx1", "imap", "dns", "search-v2")
	w.wrong("a", member("mx1", wire.SeverityDown, 14*time.Minute, 0), member("private-db", wire.SeverityDown, 15*time.Minute, 0))
	w.wrong("b", member("checkout", wire.SeverityDegraded, 40*time.Minute, 0))
	w.wrong("c", member("web", wire.SeverityDown, 50*time.Hour, 49*time.Hour), member("checkout", wire.SeverityDown, 50*time.Hour-20*time.Second, 49*time.Hour))
	w.wrong("d", member("web", wire.SeverityDown, 50*24*time.Hour, 50*24*time.Hour-14*time.Minute))
	w.wrong("e", member("private-db", wire.SeverityDown, 9*time.Hour, 8*time.Hour))
	w.Settings = []wire.Setting{
		&wire.Window{Name: "patch-night", Match: wire.Match{Monitors: []string{"imap", "mx1"}}, Weekly: "Sun 02:00-04:00", Saving: wire.Saving{Author: "author-secret", Change: "change-secret"}},
		&wire.Window{Name: "move_of_name_servers", Match: wire.Match{Monitors: []string{"dns"}}, From: now.Add(-time.Hour), To: now.Add(time.Hour)},
		&wire.Window{Name: "window-secret", Match: wire.Match{Monitors: []string{"private-db"}}, From: now.Add(-time.Hour), To: now.Add(time.Hour)},
		&wire.Silence{ID: "silence-secret", Text: "silence-text-secret", From: now.Add(-time.Hour), Until: now.Add(time.Hour)},
		&wire.Group{Name: "group-secret", Of: []string{"web"}},
	}
	return w
}

func made(t *testing.T, p Page) Site {
	t.Helper()
	s, err := Make(&p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// service is one of a page, by name.
func service(t *testing.T, p Page, name string) Service {
	t.Helper()
	for _, sec := range p.Sections {
		for _, s := range sec.Services {
			if s.Name == name {
				return s
			}
		}
	}
	t.Fatalf("there is no %q on the page", name)
	return Service{}
}

func inOrder(t *testing.T, text string, want ...string) {
	t.Helper()
	rest := text
	for _, w := range want {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Fatalf("%q is missing, or in another place than %q; there is\n%s", w, want, text)
		}
		rest = after
	}
}

// each calls do with each file of a site, in order.
func each(s Site, do func(name string, f *File)) {
	var names []string
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		do(name, s[name])
	}
}
