package status

import (
	"strings"
	"testing"
	"time"

	"netmon/judge"
	"netmon/wire"
)

// TestNewPast: a day is running only where that is known of half of it; what was before a
// monitor, and what nobody judged, is no data.
func TestNewPast(t *testing.T) {
	today := dayOf(now)
	at := func(day int, hour float64) time.Time {
		return today.AddDate(0, 0, day).Add(time.Duration(hour * float64(time.Hour)))
	}
	span := func(state wire.VerdictState, from, to time.Time, change ...func(*wire.HistorySpan)) wire.HistorySpan {
		s := wire.HistorySpan{Monitor: "a", State: state, Since: from, Until: to}
		for _, c := range change {
			c(&s)
		}
		return s
	}
	muted := func(s *wire.HistorySpan) { s.Muted = true }
	p := pastOf([]wire.HistorySpan{
		span(wire.VerdictUp, at(-9, 18), at(-8, 0), func(s *wire.HistorySpan) { s.New = true }), // it was made in the evening
		span(wire.VerdictUp, at(-8, 0), at(-7, 11)),                                             // then a gap until the next one
		span(wire.VerdictUp, at(-6, 0), at(-5, 6)),
		span(wire.VerdictUnknown, at(-5, 6), at(-4, 0)),
		span(wire.VerdictUp, at(-4, 0), at(-4, 23)),
		span(wire.VerdictDown, at(-4, 23), at(-4, 23.01)),
		span(wire.VerdictUp, at(-4, 23.01), at(-3, 1)),
		span(wire.VerdictDown, at(-3, 1), at(-3, 2), muted),
		span(wire.VerdictUp, at(-3, 2), at(-2, 12)),
		span(wire.VerdictDegraded, at(-2, 12), at(-2, 13)),
		span(wire.VerdictUp, at(-2, 13), at(-1, 0)),
		span(wire.VerdictPaused, at(-1, 0), at(0, 0)),
		span(wire.VerdictUp, at(0, 0), now),
	}, now)
	days, uptime := p.of("a", now, Running)
	for back, want := range map[int]string{20: "unk", 10: "unk", 9: "up", 8: "up", 7: "unk", 6: "up", 5: "unk", 4: "down", 3: "up", 2: "deg", 1: "unk", 0: "up"} {
		if got := days[Days-1-back].State.Class(); got != want {
			t.Errorf("%d days ago: %s, want %s: %+v", back, got, want, days[Days-1-back])
		}
	}
	if uptime == nil || *uptime >= 1 || *uptime < 0.999 {
		t.Errorf("uptime %v", uptime)
	}
	if days[Days-4].Planned != time.Hour || days[Days-4].Down != 0 {
		t.Errorf("maintenance: %+v", days[Days-4])
	}
	if days, _ := p.of("a", now, Down); days[Days-1].State != Down {
		t.Error("it is down, and today says it is not")
	}
	if days, _ := p.of("a", now, Unknown); days[Days-1].State != Running {
		t.Error("it ran today")
	}
	days, _ = p.of("a", now.AddDate(0, 0, 2), Running)
	if days[Days-1].State != Unknown || days[Days-2].State != Unknown || days[Days-3].State != Running || days[Days-3].Date != today {
		t.Errorf("two days later: %+v", days[Days-3:])
	}
	days, uptime = p.of("other", now, Running)
	if days[Days-1].State != Unknown || uptime != nil {
		t.Error("of another one nothing is known")
	}
	days, uptime = (*Past)(nil).of("a", now, Running)
	if days[Days-1].State != Unknown || uptime != nil || days[0].Date != today.AddDate(0, 0, 1-Days) {
		t.Error("without a past nothing is known")
	}
}

// TestRowsOf: each day is in the table, once.
func TestRowsOf(t *testing.T) {
	w := shop()
	s := service(t, Compose(w.Facts, Options{}), "Incoming mail")
	rows := rowsOf(&s.Days, now)
	var text []string
	for _, r := range rows {
		text = append(text, strings.TrimSpace(r.When+": "+r.Word+" "+r.Words)+" "+r.Uptime)
	}
	if first, last := text[0], text[len(text)-1]; first != "1 December: Down 100 %" || !strings.HasPrefix(last, "3 September to 1 October: No data") {
		t.Errorf("%s … %s", first, last)
	}
	inOrder(t, strings.Join(text, "\n"), "13 November: Running not known for 10 h 31 min 100 %", "12 November: No data", "11 November: Too little is known not known for 13 h 29 min", "1 November: Running under maintenance for 2 h", "Slow or partly reachable for 3 h", "Down for 14 min 99.028 %")
	if n := len(rows); n > 20 {
		t.Errorf("%d rows", n)
	}
	var days [Days]Day
	for i := range days {
		days[i].Date = dayOf(now).AddDate(0, 0, i+1-Days)
		days[i].Down = time.Duration(i+1) * time.Second
		days[i].State = Down
	}
	if n := len(rowsOf(&days, now)); n != Days {
		t.Errorf("%d rows for %d days that differ", n, Days)
	}
	days = [Days]Day{}
	if n := len(rowsOf(&days, now)); n != 1 {
		t.Errorf("%d rows for days that are alike", n)
	}
}

func TestLengthText(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1 s", 400 * time.Millisecond: "1 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 40*time.Second: "1 h", 3 * time.Hour: "3 h", 3*time.Hour + 5*time.Minute: "3 h 5 min", 49 * time.Hour: "2 days 1 h", 72 * time.Hour: "3 days", 24 * time.Hour: "24 h"} {
		if got := lengthText(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// TestStripText: a strip says in words what it draws.
func TestStripText(t *testing.T) {
	w := shop()
	s := service(t, Compose(w.Facts, Options{}), "Incoming mail")
	if got, want := stripText(&s.Days), "90 days: 56 running, 1 slow or partly reachable, 2 down, 31 no data"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, ok := stateIn(&wire.IncidentMember{Severity: wire.SeverityUnknown}); ok {
		t.Error("that nothing is known is no disturbance")
	}
	if stateOf(judge.Paused, nil) != Unknown {
		t.Error("paused is not running")
	}
}
