package history

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"netmon/wire"
)

// Watch finds monitors whose error budget is spent too fast, by the spans of history
// and the time that it is given. It is pure, and for one
// goroutine: a controller asks it of now, and a back-test of what was.
type Watch struct {
	last map[string]wire.Trouble // by monitor
}

// WatchEvery is how often error budgets are looked at.
const WatchEvery = 30 * time.Second

// budgetRefresh is how often the figures of an error budget that is spent too fast are
// written again: notices repeat them.
const budgetRefresh = time.Hour

// NewWatch continues from the troubles that were told last.
func NewWatch(stored []wire.Trouble) *Watch {
	b := &Watch{last: map[string]wire.Trouble{}}
	for _, t := range stored {
		b.last[t.Name] = t
	}
	return b
}

// Troubled are the monitors of which something was reported.
func (b *Watch) Troubled() []string { return slices.Sorted(maps.Keys(b.last)) }

// Pace is what was reported of a monitor.
func (b *Watch) Pace(monitor string) Pace {
	switch t := b.last[monitor]; {
	case !t.Wrong:
		return PaceFine
	case t.Severity == wire.SeveritySLOFast:
		return PaceFast
	}
	return PaceSlow
}

// Due says whether something is to be reported of a monitor. burns are its burn rates now.
func (b *Watch) Due(monitor string, burns []Burn, now time.Time) bool {
	was := b.last[monitor]
	pace := PaceOf(burns, b.Pace(monitor))
	return pace != b.Pace(monitor) || was.Wrong && burns[0].Known && now.Sub(was.At) >= budgetRefresh
}

// Judge says what there is to be reported of a monitor. spans reach back over the window of
// its objective, and over all burn windows.
func (b *Watch) Judge(m *wire.Saved, spans []wire.HistorySpan, now time.Time) (wire.Trouble, bool) {
	slo := m.SLO.WithDefaults()
	burns := BurnsOf(spans, slo.Part(), now)
	if !b.Due(m.Name, burns, now) {
		return wire.Trouble{}, false
	}
	u := UptimeOf(spans, now.Add(-slo.Window.Std()), now)
	pace := PaceOf(burns, b.Pace(m.Name))
	t := wire.Trouble{Wrong: pace != PaceFine, Severity: wire.SeveritySLOSlow, Why: budgetText(slo, pace, burns, &u)}
	if pace == PaceFast {
		t.Severity = wire.SeveritySLOFast
	}
	return b.tell(m.Name, t, now)
}

// End ends what is reported of a monitor that has no error budget to watch.
func (b *Watch) End(monitor, why string, now time.Time) (wire.Trouble, bool) {
	if !b.last[monitor].Wrong {
		return wire.Trouble{}, false
	}
	return b.tell(monitor, wire.Trouble{Severity: b.last[monitor].Severity, Why: why}, now)
}

// tell numbers a trouble behind the last one. One that is not after it is of a clock that
// stepped, and comes later.
func (b *Watch) tell(monitor string, t wire.Trouble, now time.Time) (wire.Trouble, bool) {
	last := b.last[monitor]
	t.About, t.Name, t.At, t.N = wire.AboutSLO, monitor, now.UTC(), last.N+1
	if !t.At.After(last.At) {
		return wire.Trouble{}, false
	}
	t.Since, t.Incident = t.At, last.Incident
	switch {
	case t.Wrong && last.Wrong:
		t.Since = last.Since
	case t.Wrong:
		t.Incident = t.ID()
	}
	t.Why = wire.Clip(t.Why, wire.MaxReason)
	b.last[monitor] = t
	return t, true
}

// budgetText says how fast a budget is spent, and what is left of it.
func budgetText(slo wire.SLO, pace Pace, burns []Burn, u *Uptime) string {
	b := BudgetOf(u, slo.Part(), slo.Window.Std())
	left := fmt.Sprintf("%s of %s is left", short(b.Left()), short(b.Allowed))
	if b.Left() < 0 {
		left = fmt.Sprintf("overspent by %s", short(-b.Left()))
	}
	of := fmt.Sprintf("(objective %v %% over %s; %s)", slo.Objective, slo.Window, left)
	if pace == PaceFine {
		return "it is not spent too fast any more " + of
	}
	worst := burns[len(burns)-1]
	if i := slices.IndexFunc(burns, func(x Burn) bool { return x.Firing }); i >= 0 {
		worst = burns[i]
	}
	return fmt.Sprintf("it is spent %.1f times as fast as it lasts over %s, and %.1f times over the last %s %s", worst.LongRate, wire.Duration(worst.Long), worst.ShortRate, wire.Duration(worst.Short), of)
}

// short is a length of time without what nobody wants to know.
func short(d time.Duration) wire.Duration { return wire.Duration(d.Round(time.Second)) }
