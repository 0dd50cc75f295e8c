package incident

import (
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestKeeper_ErrorBudget: what is told of an error budget is an incident of its own,
// chosen by the monitor's tags and its severity; it ends by itself or with the monitor.
func TestKeeper_ErrorBudget(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	k := New()
	k.Setting(&wire.Channel{Name: "pager", Kind: "webhook"})
	k.Setting(&wire.Channel{Name: "mail", Kind: "mail"})
	k.Setting(&wire.NoticeRule{Name: "page", Match: wire.Match{Tags: map[string]string{"team": "shop"}, Severity: []wire.Severity{wire.SeveritySLOFast}}, To: []string{"pager"}})
	k.Setting(&wire.NoticeRule{Name: "ticket", Match: wire.Match{Severity: []wire.Severity{wire.SeveritySLOSlow}}, To: []string{"mail"}})
	k.Setting(&wire.NoticeRule{Name: "down", Match: wire.Match{Severity: []wire.Severity{wire.SeverityDown}}, To: []string{"mail"}})
	k.Monitor(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "web.example.org:443", Revision: 1}, Tags: map[string]string{"team": "shop"}})
	k.Advance(at)
	k.Changes()

	k.Verdict(wire.Verdict{Monitor: "web", State: wire.VerdictDown, Since: at, At: at, N: 1, Incident: "web-1", Why: "refused", Revision: 1})
	trouble := func(n uint64, wrong bool, severity wire.Severity, after time.Duration) {
		k.Trouble(wire.Trouble{About: wire.AboutSLO, Name: "web", Wrong: wrong, Severity: severity, Since: at, At: at.Add(after), N: n, Incident: "web-slo", Why: "it is spent 20.0 times as fast as it lasts"})
	}
	trouble(1, true, wire.SeveritySLOFast, 10*time.Second)
	k.Advance(at.Add(time.Minute))
	k.Changes()
	of := func(about string) *wire.Incident {
		for _, i := range k.Open() {
			if i.Members[0].About == about {
				return &i
			}
		}
		return nil
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for _, n := range k.Notices() {
			got = append(got, n.Incident+" "+string(n.Reason)+" "+n.Channel)
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	if i := of(wire.AboutSLO); i == nil || i.ID != "web-slo" || i.Severity != wire.SeveritySLOFast || i.Cause.What != wire.CauseMonitor || i.Summary != "the error budget of web: it is spent 20.0 times as fast as it lasts" {
		t.Errorf("%+v", i)
	}
	told("web-1 opened mail", "web-slo opened pager")

	// The outage is over long before the error budget is fine.
	k.Verdict(wire.Verdict{Monitor: "web", State: wire.VerdictUp, Since: at.Add(2 * time.Minute), At: at.Add(2 * time.Minute), N: 2, Revision: 1})
	k.Advance(at.Add(3 * time.Minute))
	k.Changes()
	told("web-1 resolved mail")
	if of(wire.AboutSLO) == nil {
		t.Fatal("it ended with the outage")
	}
	trouble(2, true, wire.SeveritySLOSlow, 40*time.Minute)
	k.Advance(at.Add(50 * time.Minute))
	k.Changes()
	if i := of(wire.AboutSLO); i.Severity != wire.SeveritySLOSlow {
		t.Errorf("%+v", i)
	}
	k.Notices()
	k.RemoveMonitor("web")
	k.Advance(at.Add(51 * time.Minute))
	k.Changes()
	if i := of(wire.AboutSLO); i != nil && i.State == wire.IncidentOpen {
		t.Errorf("the monitor is deleted: %+v", i)
	}
	resolved := false
	for _, n := range k.Notices() {
		resolved = resolved || n.Incident == "web-slo" && n.Reason == wire.ReasonResolved && n.Channel == "pager"
	}
	if !resolved {
		t.Error("nobody hears that it is over")
	}
}
