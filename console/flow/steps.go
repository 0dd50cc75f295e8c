package flow

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

func (f Flow) kind(text string) (Flow, error) {
	i := slices.IndexFunc(f.world.Kinds, func(k Kind) bool { return k.Name == text })
	if i < 0 {
		return f, fmt.Errorf("kind: %w", wire.Unknown("kind", text, f.kindNames()))
	}
	if text != f.draft.Kind {
		f.draft.Kind = text
		f.draft.Target, f.draft.Options, f.draft.Every, f.draft.Timeout, f.all = "", nil, 0, 0, false
	}
	return f.to(stepTarget), nil
}

func (f Flow) kindNames() []string {
	names := make([]string, len(f.world.Kinds))
	for i, k := range f.world.Kinds {
		names[i] = k.Name
	}
	return names
}

// target takes TARGET, or TARGET from AGENTS, and asks for a measurement.
func (f Flow) target(text string) (Flow, error) {
	target, from, _ := strings.Cut(text, " from ")
	f.draft.Target, f.from = strings.TrimSpace(target), strings.TrimSpace(from)
	if err := f.mistake("target", text); err != nil {
		return f, err
	}
	if f.from != "" {
		sel, err := selectors("from", f.from, wire.ParsePlacement)
		if err != nil {
			return f, err
		}
		f.from = sel.String()
	}
	f.command, f.fresh = f.measurement(), false
	return f, nil
}

func (f Flow) kept(text string) (Flow, error) {
	keep, err := yesNo(text)
	switch {
	case err != nil:
		return f, err
	case keep:
		return f.to(f.keep + 1), nil
	}
	return f.Back(), nil
}

func (f Flow) every(text string) (Flow, error) {
	d, err := duration("every", text)
	if err != nil {
		return f, err
	}
	if d != f.draft.Every {
		f.draft.Every, f.draft.Timeout = d, 0
	}
	if err := f.mistake("every", text); err != nil {
		return f, err
	}
	return f.to(stepTimeout), nil
}

func (f Flow) timeout(text string) (Flow, error) {
	d, err := duration("timeout", text)
	if err != nil {
		return f, err
	}
	f.draft.Timeout = d
	if err := f.mistake("timeout", text); err != nil {
		return f, err
	}
	return f.to(stepOptions), nil
}

func duration(field, text string) (time.Duration, error) {
	d, err := wire.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: want a duration such as 500ms, 10s or 1m, got %q", field, text)
	}
	return d, nil
}

// where takes AGENTS, or AGENTS except AGENTS.
func (f Flow) where(text string) (Flow, error) {
	on, except, excepts := strings.Cut(text, " except ")
	sel, err := selectors("where", on, wire.ParsePlacement)
	if err != nil {
		return f, err
	}
	f.draft.On, f.draft.Except = sel.String(), ""
	if excepts {
		not, err := selectors("except", except, wire.ParseSelectors)
		if err != nil {
			return f, err
		}
		f.draft.Except = not.String()
	}
	f = f.to(stepTags)
	switch runs, some := f.places(); {
	case len(runs) > 0 && some >= len(runs):
		f.note = fmt.Sprintf("asks for %d of %d agents that match, so it runs on all of them: %s", some, len(runs), strings.Join(runs, ", "))
	case len(runs) > 0 && some > 0:
		f.note = fmt.Sprintf("runs on %d of these, which the controller chooses: %s", some, strings.Join(runs, ", "))
	case len(runs) > 0:
		f.note = "runs on " + strings.Join(runs, ", ")
	default:
		f.note = "no agent matches " + text + " yet: the monitor starts when one joins"
	}
	return f, nil
}

func selectors(field, text string, read func(string) (wire.Selectors, error)) (wire.Selectors, error) {
	sel, err := read(text)
	var p wire.Problems
	for _, e := range wire.FieldErrors(err) {
		p.Add(field, e.Err)
	}
	return sel, p.Err()
}

// places are the agents that the draft may run on, and on how many of them it does; 0 is
// on all.
func (f Flow) places() (ids []string, some int) {
	on, errOn := wire.ParsePlacement(f.draft.On)
	some, _ = on.Some()
	var except wire.Selectors
	if f.draft.Except != "" {
		except, _ = wire.ParseSelectors(f.draft.Except)
	}
	for _, a := range f.world.Agents {
		if errOn == nil && on.Match(a.ID, a.Labels) && !except.Match(a.ID, a.Labels) {
			ids = append(ids, a.ID)
		}
	}
	return ids, some
}

// selectors are what agents can be chosen by: all, their ids, their labels.
func (f Flow) selectors() []string {
	labels := map[string]bool{}
	out := []string{wire.Everywhere}
	for _, a := range f.world.Agents {
		out = append(out, a.ID)
		for k, v := range a.Labels {
			labels[k+"="+v] = true
		}
	}
	return append(out, slices.Sorted(maps.Keys(labels))...)
}

// noTags is the answer that gives a monitor no tags.
const noTags = "none"

// tags takes NAME=VALUE, several by spaces or commas.
func (f Flow) tags(text string) (Flow, error) {
	f.draft.Tags = nil
	if text != noTags {
		var p wire.Problems
		for _, tag := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
			if !strings.Contains(tag, "=") {
				p.Addf("tags", "want NAME=VALUE such as team=shop, got %q", tag)
			}
			f.draft.Tags = append(f.draft.Tags, tag)
		}
		if err := p.Err(); err != nil {
			return f, err
		}
	}
	if err := f.mistake("tags", text); err != nil {
		return f, err
	}
	return f.to(stepName), nil
}

func (f Flow) name(text string) (Flow, error) {
	if err := wire.CheckToken(text); err != nil {
		return f, fmt.Errorf("name: %w", err)
	}
	if slices.Contains(f.world.Taken, text) {
		return f, fmt.Errorf("name: a monitor %q exists already", text)
	}
	f.draft.Name = text
	if err := f.world.Check(f.draft); err != nil { // all of it, once more
		return f, err
	}
	return f.to(stepConfirm), nil
}

// FreeName is a name that no monitor has, made from what it measures.
func (w World) FreeName(kind, target string) string {
	base := w.Name(kind, target)
	name := base
	for i := 2; slices.Contains(w.Taken, name); i++ {
		suffix := fmt.Sprintf("-%d", i)
		name = base[:min(len(base), wire.MaxToken-len(suffix))] + suffix
	}
	return name
}

func (f Flow) confirm(text string) (Flow, error) {
	yes, err := yesNo(text)
	switch {
	case err != nil:
		return f, err
	case !yes:
		return f.Leave(), nil
	}
	f.command = f.draft.Command()
	return f, nil
}
