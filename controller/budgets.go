package controller

import (
	"fmt"
	"slices"
	"time"

	"netmon/history"
	"netmon/wire"
)

// budgets finds monitors whose error budget is spent too fast, by the spans of history
// and the time that it is given. It is pure, and for one goroutine.
type budgets struct {
	last map[string]wire.Trouble // by monitor
}

// budgetRefresh is how often the figures of an error budget that is spent too fast are
// written again: notices repeat them.
const budgetRefresh = time.Hour

func newBudgets(stored []wire.Trouble) *budgets {
	b := &budgets{last: map[string]wire.Trouble{}}
	for _, t := range stored {
		b.last[t.Name] = t
	}
	return b
}

// pace is what was told of a monitor.
func (b *budgets) pace(monitor string) history.Pace {
	switch t := b.last[monitor]; {
	case !t.Wrong:
		return history.PaceFine
	case t.Severity == wire.SeveritySLOFast:
		return history.PaceFast
	}
	return history.PaceSlow
}

// due says whether something is to be told of a monitor. burns are its burn rates now.
func (b *budgets) due(monitor string, burns []history.Burn, now time.Time) bool {
	was := b.last[monitor]
	pace := history.PaceOf(burns, b.pace(monitor))
	return pace != b.pace(monitor) || was.Wrong && burns[0].Known && now.Sub(was.At) >= budgetRefresh
}

// judge says what there is to be told of a monitor. spans reach back over the window of
// its objective, and over all burn windows.
func (b *budgets) judge(m *wire.Saved, spans []wire.HistorySpan, now time.Time) (wire.Trouble, bool) {
	slo := m.SLO.WithDefaults()
	burns := history.BurnsOf(spans, slo.Part(), now)
	if !b.due(m.Name, burns, now) {
		return wire.Trouble{}, false
	}
	u := history.UptimeOf(spans, now.Add(-slo.Window.Std()), now)
	pace := history.PaceOf(burns, b.pace(m.Name))
	t := wire.Trouble{Wrong: pace != history.PaceFine, Severity: wire.SeveritySLOSlow, Why: budgetText(slo, pace, burns, &u)}
	if pace == history.PaceFast {
		t.Severity = wire.SeveritySLOFast
	}
	return b.tell(m.Name, t, now)
}

// end ends what is told of a monitor that has no error budget to watch.
func (b *budgets) end(monitor, why string, now time.Time) (wire.Trouble, bool) {
	if !b.last[monitor].Wrong {
		return wire.Trouble{}, false
	}
	return b.tell(monitor, wire.Trouble{Severity: b.last[monitor].Severity, Why: why}, now)
}

// tell numbers a trouble behind the last one. One that is not after it is of a clock that
// stepped, and comes later.
func (b *budgets) tell(monitor string, t wire.Trouble, now time.Time) (wire.Trouble, bool) {
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
		t.Incident = troubleID(&t)
	}
	t.Why = wire.Clip(t.Why, wire.MaxReason)
	b.last[monitor] = t
	return t, true
}

// budgetText says how fast a budget is spent, and what is left of it.
func budgetText(slo wire.SLO, pace history.Pace, burns []history.Burn, u *history.Uptime) string {
	b := history.BudgetOf(u, slo.Part())
	left := fmt.Sprintf("%s of %s is left", short(b.Left()), short(b.Allowed))
	if b.Left() < 0 {
		left = fmt.Sprintf("overspent by %s", short(-b.Left()))
	}
	of := fmt.Sprintf("(objective %v %% over %s; %s)", slo.Objective, slo.Window, left)
	if pace == history.PaceFine {
		return "it is not spent too fast any more " + of
	}
	worst := burns[len(burns)-1]
	if i := slices.IndexFunc(burns, func(x history.Burn) bool { return x.Firing }); i >= 0 {
		worst = burns[i]
	}
	return fmt.Sprintf("it is spent %.1f times as fast as it lasts over %s, and %.1f times over the last %s %s", worst.LongRate, wire.Duration(worst.Long), worst.ShortRate, wire.Duration(worst.Short), of)
}

// short is a length of time without what nobody wants to know.
func short(d time.Duration) wire.Duration { return wire.Duration(d.Round(time.Second)) }
