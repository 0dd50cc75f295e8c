package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"netmon/internal/plural"
	"netmon/internal/timetext"
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

	saved  wire.Saved
	placed string // on some of those that match
}

// explainRuns is how many runs of each agent are listed.
const explainRuns = 6

// Explain says why a saved monitor was in its state at a moment; the zero time is now.
func (c *Client) Explain(ctx context.Context, name string, at time.Time) (Explanation, error) {
	now := time.Now()
	x := Explanation{Monitor: name, At: at, Steps: []string{}, Runs: []wire.Result{}}
	store, err := c.Monitors(ctx)
	if err != nil {
		return x, err
	}
	saved, err := store.Find(ctx, name)
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
			return x, &notThere{fmt.Sprintf("there was no verdict on %s at %s: netmon get verdicts %s lists those that are stored", name, timetext.Zoned(at), name)}
		}
		status.Since, status.Why, status.Verdict = v.Since, v.Why, &v
		_ = status.State.UnmarshalText([]byte(v.State)) // from a newer judge it is unknown
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
	if at.IsZero() && saved.Agents.IsSome() {
		if err := x.chosen(ctx, c, saved); err != nil {
			return x, err
		}
	}
	x.explain(status, saved, now)
	if at.IsZero() {
		x.budget(ctx, c, now)
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
		if x.placed != "" {
			x.say("It runs %s.", x.placed)
		}
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
	x.say("%s %s %s since %s (%s), decided at %s.%s", x.Monitor, is, v.State, timetext.Moment(v.Since, now), Lasting(end.Sub(v.Since)), timetext.Clock(v.At, now), sentence(v.Why))
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
		x.say("To confirm it, %s at once: %s.", plural.Count(c.Asked, "run was requested", "runs were requested"), crossText(c))
	} else if x.Rule.Crosscheck != nil && *x.Rule.Crosscheck == 0 {
		x.say("No runs were requested to confirm it (crosscheck: off).")
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
		x.say("It is flapping: it changed 4 times within 30 minutes, and is reported as one problem until it is stable for %s.", max(10*time.Minute, 10*x.saved.Monitor.WithDefaults().Every.Std()))
	}
	x.incident(s)
	if v.Frozen {
		x.say("The broker was unreachable: this is the last known state.")
	}
	if saved.Revision > v.Revision && !x.saved.SameMeasurement(saved.Monitor) {
		x.say("The monitor was changed later, in revision %d: this verdict is about what it measured before.", saved.Edition)
	}
}

// incident says which incident it is in, and who is notified of that.
func (x *Explanation) incident(s Status) {
	if s.In == nil {
		if len(s.Muted) > 0 {
			x.say("It is muted by %s: nobody would be notified of it, but it is still judged.", ShortList(s.Muted, 8))
		}
		return
	}
	x.say("It is in %s.", InIncidentText(s.In, s.Muted))
	if text := CauseText(s.In.Cause); text != "" {
		x.say("The members of that incident have in common: %s.", text)
	}
	if len(s.Muted) > 0 {
		x.say("Nobody is notified of it while it is muted by %s, but it is still judged.", ShortList(s.Muted, 8))
	}
}

// groups says which groups it belongs to, and how they are.
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
		x.say("It belongs to group %s, which is %s: %d of its %s %s down, and it is down where %d %s.%s", g.Name, v.State, len(v.Down), plural.Count(len(g.Of), "monitor", "monitors"), plural.Of(len(v.Down), "is", "are"), need, plural.Of(need, "is", "are"), sentence(v.Why))
	}
	return nil
}

// agents lists for each agent what its last runs were.
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
				text = "none of its runs from then is stored"
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
	return "finds it down (" + text + " runs bad, over 2 s, and confirmed by more runs; or 5 of the last 12)"
}

// runsText are runs of one agent with their outcomes, the oldest first.
func runsText(runs []wire.Result, now time.Time) string {
	var parts []string
	for _, r := range runs {
		text := timetext.Clock(r.Started, now) + " " + judge.OfResult(&r).Mark() + " "
		if text += string(r.Outcome); r.Failure != "" {
			text += " " + string(r.Failure)
		}
		if r.Asked != "" {
			text += " (cross-check)"
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
