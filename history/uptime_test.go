package history

import (
	"math"
	"testing"
	"time"

	"netmon/wire"
)

func TestUptimeOf(t *testing.T) {
	t0 := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	span := func(state wire.VerdictState, a, b int) wire.HistorySpan {
		return wire.HistorySpan{Monitor: "web", State: state, Since: t0.Add(time.Duration(a) * time.Minute), Until: t0.Add(time.Duration(b) * time.Minute)}
	}
	muted := span(wire.VerdictDown, 50, 60)
	muted.Muted = true
	open := span(wire.VerdictDown, 95, 100)
	open.Open = true
	spans := []wire.HistorySpan{
		span(wire.VerdictDown, -10, 5), span(wire.VerdictUp, 5, 20), span(wire.VerdictDegraded, 20, 25), span(wire.VerdictDown, 25, 30),
		span(wire.VerdictUnknown, 30, 35), span(wire.VerdictDown, 35, 40), span(wire.VerdictUp, 40, 50), muted, span(wire.VerdictPaused, 60, 70),
		// 70 to 80: nobody judged
		span(wire.VerdictUp, 80, 95), open,
	}
	u := UptimeOf(spans, t0, t0.Add(100*time.Minute))
	m := time.Minute
	if u.Up != 40*m || u.Degraded != 5*m || u.Down != 20*m || u.Unknown != 5*m || u.Paused != 10*m || u.Gap != 10*m || u.MutedDown != 10*m {
		t.Errorf("%+v", u)
	}
	if part, ok := u.Part(false); !ok || math.Abs(part-45.0/65) > 1e-12 {
		t.Errorf("%g of the known time, want 45/65", part)
	}
	if part, ok := u.Part(true); !ok || math.Abs(part-45.0/75) > 1e-12 {
		t.Errorf("%g with maintenance, want 45/75", part)
	}
	if len(u.Outages) != 4 || !u.Outages[0].Cut || u.Outages[1].Down != 10*m || u.Outages[1].Until.Sub(u.Outages[1].Since) != 15*m || !u.Outages[2].Muted || !u.Outages[3].Open {
		t.Errorf("outages %+v", u.Outages)
	}
	if mean, n := u.MTTR(); mean != 15*m || n != 1 {
		t.Errorf("MTTR %s of %d", mean, n)
	}
	if between, ok := u.MTBF(); !ok || between != 45*m/2 {
		t.Errorf("MTBF %s", between)
	}
	if b := BudgetOf(&u, 0.9, 100*m); b.Allowed.Round(time.Second) != 10*m || b.Left().Round(time.Second) != -10*m {
		t.Errorf("budget %+v", b)
	}
	first, last, again := span(wire.VerdictUp, 20, 30), span(wire.VerdictDown, 30, 40), span(wire.VerdictDown, 60, 70)
	first.New, again.New = true, true
	last.Gone, again.Gone = t0.Add(50*m), t0.Add(80*m)
	new := []wire.HistorySpan{first, last, again}
	u = UptimeOf(new, t0, t0.Add(100*m))
	if u.Absent != 50*m || u.Gap != 20*m || u.Known() != 30*m || !u.Since.Equal(t0.Add(20*m)) {
		t.Errorf("it was not there from 0 to 20, 50 to 60 and 80 on: %+v", u)
	}
	if len(u.Outages) != 2 || !u.Outages[0].Until.Equal(t0.Add(40*m)) {
		t.Errorf("an outage ends when the monitor is deleted: %+v", u.Outages)
	}
	if u := UptimeOf(new, t0, t0.Add(10*m)); u.Absent != 10*m || u.Gap != 0 {
		t.Errorf("before it was there: %+v", u)
	}
	if u := UptimeOf(new, t0.Add(52*m), t0.Add(54*m)); u.Absent != 2*m || u.Gap != 0 {
		t.Errorf("while it was deleted: %+v", u)
	}
	if u := UptimeOf(new, t0.Add(35*m), t0.Add(45*m)); u.Absent != 0 || u.Gap != 5*m || !u.Since.IsZero() {
		t.Errorf("while it was there and nobody judged: %+v", u)
	}
	none := UptimeOf(nil, t0, t0.Add(m))
	if _, ok := none.Part(true); ok || none.Gap != m {
		t.Errorf("of nothing: %+v", none)
	}
	unknown := UptimeOf([]wire.HistorySpan{span(wire.VerdictUnknown, 0, 1)}, t0, t0.Add(m))
	if _, ok := unknown.Part(true); ok {
		t.Error("unknown is up")
	}
}

func TestBurnsOf(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	spans := []wire.HistorySpan{
		{State: wire.VerdictUp, Since: now.Add(-100 * time.Hour), Until: now.Add(-10 * time.Minute)},
		{State: wire.VerdictDown, Since: now.Add(-10 * time.Minute), Until: now, Open: true},
	}
	burns := BurnsOf(spans, 0.999, now)
	if len(burns) != 3 || !burns[0].Firing || math.Abs(burns[0].LongRate-1000.0/6) > 0.01 || math.Abs(burns[0].ShortRate-1000) > 0.01 || !burns[1].Firing || !burns[2].Firing {
		t.Errorf("%+v", burns)
	}
	spans[1].Until = now.Add(-6 * time.Minute)
	spans = append(spans, wire.HistorySpan{State: wire.VerdictUp, Since: now.Add(-6 * time.Minute), Until: now})
	if burns := BurnsOf(spans, 0.999, now); burns[0].Firing || !burns[0].Known {
		t.Errorf("it is up again: %+v", burns[0])
	}
	if burns := BurnsOf(nil, 0.999, now); burns[0].Known || burns[0].Firing {
		t.Errorf("of nothing: %+v", burns[0])
	}
}

func TestPaceOf(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	const h, m = time.Hour, time.Minute
	up, down, unknown, gap := wire.VerdictUp, wire.VerdictDown, wire.VerdictUnknown, wire.VerdictState("")
	type part struct {
		state wire.VerdictState
		back  time.Duration // it begins so long before now
	}
	for name, c := range map[string]struct {
		parts []part
		was   Pace
		want  Pace
	}{
		"up for long":                        {[]part{{up, 80 * h}}, PaceFine, PaceFine},
		"down for 30 s of the last hour":     {[]part{{up, 80 * h}, {down, 30 * time.Second}}, PaceFine, PaceFine},
		"down for a minute":                  {[]part{{up, 80 * h}, {down, m}}, PaceFine, PaceFast},
		"up again for 6 minutes":             {[]part{{up, 80 * h}, {down, 7 * m}, {up, 6 * m}}, PaceFast, PaceFine},
		"up again for 6 minutes after 20":    {[]part{{up, 80 * h}, {down, 26 * m}, {up, 6 * m}}, PaceFast, PaceFast}, // over 6 hours
		"up again for 31 minutes":            {[]part{{up, 80 * h}, {down, 40 * m}, {up, 31 * m}}, PaceFast, PaceSlow},
		"up again for 7 hours":               {[]part{{up, 80 * h}, {down, 8 * h}, {up, 7 * h}}, PaceSlow, PaceFine},
		"a little, for days":                 {[]part{{up, 80 * h}, {down, 60 * h}, {up, 60*h - 4*m}, {down, 2 * h}, {up, 2*h - m}}, PaceFine, PaceSlow},
		"unknown since, and it was too fast": {[]part{{up, 80 * h}, {down, 9 * m}, {unknown, 6 * m}}, PaceFast, PaceFast},
		"unknown since, and it was fine":     {[]part{{up, 80 * h}, {down, 26 * m}, {unknown, 6 * m}}, PaceFine, PaceFine},
		"nobody judged, and it was fine":     {[]part{{up, 80 * h}, {gap, 2 * h}}, PaceFine, PaceFine},
		"nobody judged, and it was slow":     {[]part{{up, 80 * h}, {gap, 7 * h}}, PaceSlow, PaceSlow},
		"unknown is not down":                {[]part{{up, 80 * h}, {unknown, 40 * m}, {up, 2 * m}}, PaceFine, PaceFine},
		"known for a moment only":            {[]part{{down, 2 * m}}, PaceFine, PaceFine},
		"new, and down from the beginning":   {[]part{{down, 6 * m}}, PaceFine, PaceFast},
		"nothing is known":                   {nil, PaceFine, PaceFine},
	} {
		t.Run(name, func(t *testing.T) {
			var spans []wire.HistorySpan
			for i, p := range c.parts {
				until := now
				if i+1 < len(c.parts) {
					until = now.Add(-c.parts[i+1].back)
				}
				if p.state != gap {
					spans = append(spans, wire.HistorySpan{State: p.state, Since: now.Add(-p.back), Until: until})
				}
			}
			if got := PaceOf(BurnsOf(spans, 0.999, now), c.was); got != c.want {
				t.Errorf("got %v, want %v: %+v", got, c.want, BurnsOf(spans, 0.999, now))
			}
		})
	}
}

func TestReachOf(t *testing.T) {
	series := []wire.HistorySeries{
		{Agent: "paris", Rows: []wire.HistoryRow{{Rollup: wire.Rollup{Runs: 10, OK: 8, Failed: 1, Broken: 1, Covered: 3, CoveredFailed: 2, CoveredOK: 1, Skipped: 4, Missed: 2}}}},
		{Agent: "tokyo", Rows: []wire.HistoryRow{{Rollup: wire.Rollup{Runs: 2, Broken: 2}}}},
	}
	got := ReachOf(series)
	if len(got) != 2 || got[0].Good != 9 || got[0].Of != 12 || got[0].NotMeasured != 6 || got[0].Broken != 1 {
		t.Errorf("%+v", got)
	}
	if _, ok := got[1].Part(); ok {
		t.Error("who could not measure reached it")
	}
}
