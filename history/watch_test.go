package history

import (
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// budgetDay is the history of one monitor, as a test goes through it.
type budgetDay struct {
	t     *testing.T
	b     *Watch
	m     wire.Saved
	begin time.Time
	now   time.Time
	spans []wire.HistorySpan
	told  []wire.Trouble
}

func newBudgetDay(t *testing.T) *budgetDay {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	d := &budgetDay{t: t, b: NewWatch(nil), begin: now.Add(-30 * 24 * time.Hour), now: now}
	d.m = wire.Saved{Monitor: wire.Monitor{Name: "web"}, SLO: &wire.SLO{Objective: 99.9}}
	d.spans = []wire.HistorySpan{{Monitor: "web", State: wire.VerdictUp, Since: d.begin, Until: now, Open: true}}
	return d
}

// is lets the monitor be in a state for a while, and looks every 30 s.
func (d *budgetDay) is(state wire.VerdictState, muted bool, length time.Duration) {
	if last := &d.spans[len(d.spans)-1]; last.State != state || last.Muted != muted {
		last.Open = false
		d.spans = append(d.spans, wire.HistorySpan{Monitor: "web", State: state, Muted: muted, Since: d.now, Until: d.now, Open: true})
	}
	for end := d.now.Add(length); d.now.Before(end); {
		d.now = d.now.Add(30 * time.Second)
		d.spans[len(d.spans)-1].Until = d.now
		d.look(d.spans)
	}
}

func (d *budgetDay) look(spans []wire.HistorySpan) {
	if t, tell := d.b.Judge(&d.m, spans, d.now); tell {
		d.told = append(d.told, t)
	}
}

// want takes what was told since the last call.
func (d *budgetDay) want(severities ...wire.Severity) []wire.Trouble {
	d.t.Helper()
	told := d.told
	d.told = nil
	var got []wire.Severity
	for _, x := range told {
		s := x.Severity
		if !x.Wrong {
			s = "good"
		}
		got = append(got, s)
	}
	if len(got) != len(severities) {
		d.t.Fatalf("told %v, want %v: %+v", got, severities, told)
	}
	for i := range got {
		if got[i] != severities[i] {
			d.t.Fatalf("told %v, want %v: %+v", got, severities, told)
		}
	}
	return told
}

func TestBudgets_AnOutage(t *testing.T) {
	d := newBudgetDay(t)
	d.is(wire.VerdictUp, false, time.Hour)
	d.want()
	d.is(wire.VerdictDown, false, 10*time.Minute)
	began := d.want(wire.SeveritySLOFast)[0]
	for _, part := range []string{"objective 99.9 % over 30d", "times as fast as it lasts over 1h", "over the last 5m", "is left"} {
		if !strings.Contains(began.Why, part) {
			t.Errorf("%q does not say %q", began.Why, part)
		}
	}
	if began.N != 1 || began.About != wire.AboutSLO || began.Name != "web" || began.Incident == "" || !began.Since.Equal(began.At) {
		t.Errorf("%+v", began)
	}
	d.is(wire.VerdictUp, false, 40*time.Minute) // over 6 hours it was too fast until the last half hour was good
	slower := d.want(wire.SeveritySLOSlow)[0]
	if slower.Incident != began.Incident || !slower.Since.Equal(began.Since) || slower.N != 2 {
		t.Errorf("%+v after %+v", slower, began)
	}
	d.is(wire.VerdictUp, false, 6*time.Hour)
	var severities []wire.Severity
	for range len(d.told) - 1 { // its figures are written again each hour
		severities = append(severities, wire.SeveritySLOSlow)
	}
	over := d.want(append(severities, "good")...)
	if last := over[len(over)-1]; !strings.Contains(last.Why, "not spent too fast any more (objective 99.9 % over 30d; 33m") || last.Incident != began.Incident {
		t.Errorf("%+v", last)
	}
	d.is(wire.VerdictUp, false, time.Hour)
	d.want()
}

// TestBudgets_NothingIsToldOfWhatNobodyKnows: unknown time, gaps and maintenance are
// neither down nor good.
func TestBudgets_NothingIsToldOfWhatNobodyKnows(t *testing.T) {
	d := newBudgetDay(t)
	d.is(wire.VerdictUnknown, false, 2*time.Hour)
	d.is(wire.VerdictDown, true, 2*time.Hour) // planned
	d.is(wire.VerdictUp, false, time.Minute)
	d.now = d.now.Add(time.Hour) // nobody judges
	d.look(d.spans)
	d.look(nil) // and history knows nothing
	d.want()
	d.is(wire.VerdictDown, false, 10*time.Minute)
	d.want(wire.SeveritySLOFast)
	d.is(wire.VerdictUnknown, false, 20*time.Minute)
	d.is(wire.VerdictDown, true, 20*time.Minute)
	d.look(nil)
	d.want() // it is not good, either
}

// TestBudgets_AnotherLeader goes on from what is stored, and tells nothing twice.
func TestBudgets_AnotherLeader(t *testing.T) {
	d := newBudgetDay(t)
	d.is(wire.VerdictDown, false, 10*time.Minute)
	began := d.want(wire.SeveritySLOFast)[0]
	d.b = NewWatch([]wire.Trouble{began})
	d.is(wire.VerdictDown, false, 10*time.Minute)
	d.want()
	d.b = NewWatch([]wire.Trouble{began})
	if over, tell := d.b.End("web", "it is paused", d.now); !tell || over.Wrong || over.N != 2 || over.Incident != began.Incident {
		t.Errorf("%+v %v", over, tell)
	}
	if _, tell := d.b.End("web", "it is paused", d.now.Add(time.Minute)); tell {
		t.Error("its end is told twice")
	}
	d.now = d.now.Add(-time.Hour) // a clock that steps back
	d.look(d.spans)
	d.want()
}
