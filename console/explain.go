package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// Explanation is why a monitor is, or was, in its state.
type Explanation struct {
	Monitor string        `json:"monitor"`
	At      time.Time     `json:"at"`                    // the moment that is explained
	Here    bool          `json:"judged_here,omitempty"` // no controller leads: the console judged
	State   string        `json:"state"`
	Verdict *wire.Verdict `json:"verdict,omitempty"` // that held then; absent where none did
	Rule    wire.Rule     `json:"rule"`              // by which it is judged
	Steps   []string      `json:"steps"`             // the rules that applied, in sentences
	Runs    []wire.Result `json:"runs"`              // around its beginning, as far as they are stored, the oldest first

	saved wire.Saved
}

// explainRuns is how many runs of each agent are told.
const explainRuns = 6

// Explain tells why a saved monitor was in its state at a moment; the zero time is now.
func (c *Client) Explain(ctx context.Context, name string, at time.Time) (Explanation, error) {
	now := time.Now()
	x := Explanation{Monitor: name, At: at, Steps: []string{}, Runs: []wire.Result{}}
	store, err := c.Monitors(ctx)
	if err != nil {
		return x, err
	}
	saved, err := store.Get(ctx, name)
	if err != nil && (at.IsZero() || !errors.Is(err, ErrNotFound)) {
		return x, err
	}
	missing := err != nil
	status := Status{Monitor: name}
	if at.IsZero() {
		x.At = now
		all, err := c.StatusesInIncidents(ctx, []wire.Saved{saved})
		if err != nil {
			return x, err
		}
		status = all[0]
	} else {
		v, ok, err := c.VerdictAt(ctx, name, at)
		switch {
		case err != nil:
			return x, err
		case !ok && missing:
			return x, notFound(name)
		case !ok:
			return x, fmt.Errorf("%w: no verdict on %s is kept that held at %s: netmon get verdicts %s lists those that are", ErrNotFound, name, at.Local().Format(time.DateTime), name)
		}
		status.Since, status.Why, status.Verdict = v.Since, v.Why, &v
		_ = status.State.UnmarshalText([]byte(v.State)) // of a newer judge it is unknown
	}
	x.At, x.Here, x.Verdict, x.State = x.At.UTC(), status.Here, status.Verdict, status.State.String()
	x.saved = saved
	if v := status.Verdict; v != nil {
		x.State = string(v.State)
		if v.Revision != saved.Revision {
			x.judgedRevision(ctx, store, v.Revision)
		}
	}
	x.Rule = x.saved.Rule()
	if x.Runs, err = c.runsAround(ctx, x); err != nil {
		return x, err
	}
	x.explain(status, saved, now)
	if at.IsZero() {
		return x, x.groups(ctx, c)
	}
	return x, nil
}

// judgedRevision takes the monitor as it was when it was judged, where that is kept.
func (x *Explanation) judgedRevision(ctx context.Context, store *Store, revision uint64) {
	history, err := store.History(ctx, x.Monitor)
	if err != nil {
		return
	}
	for _, r := range history {
		if r.Saved != nil && r.Revision <= revision {
			x.saved = *r.Saved
			return
		}
	}
}

// runsAround reads the runs that were known when the verdict was made: the newest
// of each agent.
func (c *Client) runsAround(ctx context.Context, x Explanation) ([]wire.Result, error) {
	def := x.saved.Monitor.WithDefaults()
	back := explainRuns*def.Every.Std() + def.Timeout.Std() + 15*time.Second
	from, to := x.At.Add(-back), x.At
	if v := x.Verdict; v != nil {
		to = v.At.Add(time.Second) // what was measured at the same moment belongs to it
		if x.Here || to.After(x.At) {
			to = x.At
		}
		from = v.At.Add(-back)
		if v.Since.Add(-back).Before(from) && v.At.Sub(v.Since) < back {
			from = v.Since.Add(-back)
		}
	}
	byAgent := map[string][]wire.Result{}
	err := c.Results(ctx, Filter{Monitors: []string{x.Monitor}, Since: from}, to, func(r wire.Result, off time.Duration) error {
		r.Started = r.Started.Add(-off)
		byAgent[r.Agent] = append(byAgent[r.Agent], r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := []wire.Result{}
	for _, runs := range byAgent {
		slices.SortStableFunc(runs, func(a, b wire.Result) int { return a.Started.Compare(b.Started) })
		out = append(out, runs[max(0, len(runs)-explainRuns):]...)
	}
	slices.SortStableFunc(out, func(a, b wire.Result) int { return a.Started.Compare(b.Started) })
	return out, nil
}

// Lines writes the explanation.
func (x Explanation) Lines(w io.Writer) {
	for _, s := range x.Steps {
		fmt.Fprintln(w, Printable(s))
	}
}

func (x *Explanation) say(format string, args ...any) {
	x.Steps = append(x.Steps, fmt.Sprintf(format, args...))
}

// explain makes the sentences.
func (x *Explanation) explain(s Status, saved wire.Saved, now time.Time) {
	v := s.Verdict
	if v == nil {
		x.say("%s is %s.%s", x.Monitor, s.State, sentence(s.Why))
		for _, a := range s.Agents {
			if a.Why != "" {
				x.say("%s: %s.", a.Agent, a.Why)
			}
		}
		return
	}
	is, end := "is", now
	if x.At.Before(now.Add(-time.Second)) {
		is, end = "was", x.At
	}
	x.say("%s %s %s since %s (%s), decided at %s.%s", x.Monitor, is, v.State, Moment(v.Since, now), Lasting(end.Sub(v.Since)), v.At.Local().Format("15:04:05.000"), sentence(v.Why))
	if v.Was != "" {
		x.say("Before that it was %s.", v.Was)
	}
	if x.Here {
		x.say("No controller leads: this console judged, by the same rules.")
	}
	if v.State == wire.VerdictPaused {
		return
	}
	x.quorum(v)
	x.agents(v, now)
	if c := v.Cross; c != nil {
		x.say("To make sure, %s to be made at once: %s.", count(c.Asked, "run was asked for", "runs were asked for"), crossText(c))
	} else if x.Rule.Crosscheck != nil && *x.Rule.Crosscheck == 0 {
		x.say("Nobody was asked to measure at once to make sure (crosscheck: off).")
	}
	if b := v.Blame; b != nil {
		sure := "sure"
		if !b.Sure {
			sure = "not sure"
		}
		x.say("Blame: %s (%s): %s.%s", b.Class, sure, blameMeaning(b.Class), sentence(b.Why))
	}
	if len(x.saved.DependsOn) > 0 {
		x.say("It depends on %s: while one of these is down for an agent, what that agent finds does not count.", strings.Join(x.saved.DependsOn, ", "))
	}
	if v.Flapping {
		x.say("It is flapping: it changed 4 times within 30 minutes, and is told of as one trouble until it stays the same for %s.", max(10*time.Minute, 10*x.saved.Monitor.WithDefaults().Every.Std()))
	}
	x.incident(s)
	if v.Frozen {
		x.say("The broker was away: this is the last that is known.")
	}
	if saved.Revision > v.Revision && !x.saved.SameMeasurement(saved.Monitor) {
		x.say("The monitor was changed since, in revision %d: of what it measures now nothing was judged then.", saved.Revision)
	}
}

// incident tells which incident it is in, and who is told of that.
func (x *Explanation) incident(s Status) {
	if s.In == nil {
		if len(s.Muted) > 0 {
			x.say("It is muted by %s: nobody would be told of it; it is judged all the same.", ShortList(s.Muted, 8))
		}
		return
	}
	x.say("It is in %s.", InIncidentText(s.In, s.Muted))
	if text := CauseText(s.In.Cause); text != "" {
		x.say("What belongs to that incident has in common: %s.", text)
	}
	if len(s.Muted) > 0 {
		x.say("Nobody is told of it while it is muted by %s; it is judged all the same.", ShortList(s.Muted, 8))
	}
}

// groups tells which groups it belongs to, and how they are.
func (x *Explanation) groups(ctx context.Context, c *Client) error {
	list, err := c.ListSettings(ctx, wire.SortGroup)
	if err != nil && len(list) == 0 {
		return err
	}
	var verdicts map[string]wire.GroupVerdict
	for _, s := range list {
		g, ok := s.(*wire.Group)
		if !ok || !slices.Contains(g.Of, x.Monitor) {
			continue
		}
		if verdicts == nil {
			if verdicts, err = c.GroupVerdicts(ctx); err != nil {
				return err
			}
		}
		v, judged := verdicts[g.Name]
		if !judged {
			x.say("It belongs to group %s, which was not judged yet.", g.Name)
			continue
		}
		need, _ := g.Rule.Need(len(g.Of))
		x.say("It belongs to group %s, which is %s: %d of its %s %s down, and it is down where %d %s.%s", g.Name, v.State, len(v.Down), count(len(g.Of), "monitor", "monitors"), plural(len(v.Down), "is", "are"), need, plural(need, "is", "are"), sentence(v.Why))
	}
	return nil
}

// quorum tells who counts, and how many it takes.
func (x *Explanation) quorum(v *wire.Verdict) {
	q := &v.Quorum
	able, placed := len(q.Down)+len(q.Slow)+len(q.Up), view.Placed(q)
	if placed == 0 {
		x.say("It is placed on no agent that is known.")
		return
	}
	x.say("It is placed on %s, of which %d can say how it is%s.", count(placed, "agent", "agents"), able, ableNote(q, x.saved))
	rule := q.Rule
	if rule == "" {
		rule = x.Rule.Quorum.String()
	}
	unit := "of them"
	if x.Rule.Quorum.Kind == wire.QuorumDistinct {
		unit = "values of " + x.Rule.Quorum.Label
	}
	bad := len(q.Down)
	switch {
	case able == 0:
		x.say("The quorum is %s: with nobody able to say, it is unknown.", rule)
	case v.State == wire.VerdictDown:
		x.say("The quorum is %s: %d %s %s to find it down, and %d %s: it is down.", rule, q.Need, unit, plural(q.Need, "has", "have"), bad, plural(bad, "does", "do"))
	case v.State == wire.VerdictDegraded && bad > 0 && len(q.Slow) == 0:
		x.say("The quorum is %s: %d %s %s to find it down, and %d does not reach that: it is degraded.", rule, q.Need, unit, plural(q.Need, "has", "have"), bad)
	case v.State == wire.VerdictDegraded:
		x.say("The quorum is %s: %d %s %s to find it down; %d %s, and %d %s it slow: it is degraded.", rule, q.Need, unit, plural(q.Need, "has", "have"), bad, plural(bad, "does", "do"), len(q.Slow), plural(len(q.Slow), "finds", "find"))
	case v.State == wire.VerdictUp:
		x.say("The quorum is %s: %d %s would have to find it down, nobody does, and %d %s it good: it is up.", rule, q.Need, unit, len(q.Up), plural(len(q.Up), "finds", "find"))
	default:
		x.say("The quorum is %s: %d %s %s to find it down; %d %s, and %d %s it good: that is too little to say.", rule, q.Need, unit, plural(q.Need, "has", "have"), bad, plural(bad, "does", "do"), len(q.Up), plural(len(q.Up), "finds", "find"))
	}
}

// ableNote names those who cannot say, and why.
func ableNote(q *wire.VerdictQuorum, m wire.Saved) string {
	var parts []string
	if len(q.Blind) > 0 {
		parts = append(parts, ShortList(q.Blind, 8)+" cannot measure it (blind: the last 2 runs there were broken)")
	}
	if len(q.Silent) > 0 {
		def := m.Monitor.WithDefaults()
		parts = append(parts, fmt.Sprintf("%s is silent (no run began within %s: 2.5 × every and the timeout, 15s at least; or too few so far)", ShortList(q.Silent, 8), max(15*time.Second, judge.Silence(def.Every.Std(), def.Timeout.Std()))))
	}
	if len(q.Aside) > 0 {
		why := "its trouble is its own: netmon get verdicts --agent " + q.Aside[0]
		if len(m.DependsOn) > 0 {
			why += ", or what it depends on is down there"
		}
		parts = append(parts, ShortList(q.Aside, 8)+" is set aside ("+why+")")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, "; ")
}

// agents tells of each agent what its last runs were.
func (x *Explanation) agents(v *wire.Verdict, now time.Time) {
	runs := map[string][]wire.Result{}
	for _, r := range x.Runs {
		runs[r.Agent] = append(runs[r.Agent], r)
	}
	for _, l := range []struct {
		ids  []string
		text string
	}{
		{v.Quorum.Down, downText(x.Rule)},
		{v.Quorum.Slow, "finds it slow"},
		{v.Quorum.Up, "finds it good"},
		{v.Quorum.Blind, "cannot measure it"},
		{v.Quorum.Silent, "is silent"},
		{v.Quorum.Aside, "is set aside"},
	} {
		for _, id := range l.ids {
			text := runsText(runs[id], now)
			if text == "" {
				text = "no run of it is stored from then"
			}
			x.say("  %s %s: %s", id, l.text, text)
		}
	}
	for _, e := range v.Evidence {
		x.say("  evidence: %s [%s]", EvidenceText(e, now), e.ID)
	}
}

// downText says which rules find a monitor down for an agent: see docs/verdicts.md.
func downText(r wire.Rule) string {
	text := strings.Replace(r.WithDefaults().Down.String(), "/", " of its last ", 1)
	if c := r.WithDefaults().Crosscheck; *c == 0 {
		return "finds it down (" + text + " runs bad, over 2 s)"
	}
	return "finds it down (" + text + " runs bad, over 2 s, and made sure by more runs; or 5 of the last 12)"
}

// runsText are runs of one agent with their outcomes, the oldest first.
func runsText(runs []wire.Result, now time.Time) string {
	var parts []string
	for _, r := range runs {
		text := Moment(r.Started, now) + " " + judge.OfResult(&r).Mark() + " "
		if text += string(r.Outcome); r.Failure != "" {
			text += " " + string(r.Failure)
		}
		if r.Asked != "" {
			text += " (to make sure)"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

func blameMeaning(class wire.BlameClass) string {
	for _, b := range wire.BlameClasses {
		if b.Class == class {
			return b.Meaning
		}
	}
	return "a newer judge says so"
}

// sentence is text as a sentence behind another one; "" where there is none.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return " " + strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

func count(n int, one, many string) string {
	return fmt.Sprintf("%d %s", n, plural(n, one, many))
}

// plural is the form of a word that goes with so many.
func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
