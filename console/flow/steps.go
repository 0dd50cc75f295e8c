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
		return f, fmt.Errorf("kind: unknown kind %q: one of %s", text, strings.Join(f.kindNames(), ", "))
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

// target takes TARGET, or TARGET from AGENTS, and has it measured.
func (f Flow) target(text string) (Flow, error) {
	target, from, _ := strings.Cut(text, " from ")
	f.draft.Target, f.from = strings.TrimSpace(target), strings.ReplaceAll(from, " ", "")
	if err := f.mistake("target"); err != nil {
		return f, err
	}
	if f.from != "" {
		if _, err := selectors("from", f.from); err != nil {
			return f, err
		}
	}
	f.run, f.fresh = f.measurement(), false
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
	if err := f.mistake("every"); err != nil {
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
	if err := f.mistake("timeout"); err != nil {
		return f, err
	}
	return f.to(stepOptions), nil
}

func duration(field, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s: want a duration such as 500ms, 10s or 1m, got %q", field, text)
	}
	return d, nil
}

// where takes AGENTS, or AGENTS except AGENTS.
func (f Flow) where(text string) (Flow, error) {
	on, except, excepts := strings.Cut(text, " except ")
	sel, err := selectors("where", on)
	if err != nil {
		return f, err
	}
	f.draft.On, f.draft.Except = sel.String(), ""
	if excepts {
		not, err := selectors("except", except)
		if err != nil {
			return f, err
		}
		f.draft.Except = not.String()
	}
	f = f.to(stepName)
	if runs := f.places(); len(runs) > 0 {
		f.note = "runs on " + strings.Join(runs, ", ")
	} else {
		f.note = "no agent that is known is among " + text + ": it starts when one joins"
	}
	return f, nil
}

func selectors(field, text string) (wire.Selectors, error) {
	sel, err := wire.ParseSelectors(text)
	var p wire.Problems
	for _, e := range wire.FieldErrors(err) {
		p.Add(field, e.Err)
	}
	return sel, p.Err()
}

// places lists the agents that the draft runs on.
func (f Flow) places() []string {
	on, errOn := wire.ParseSelectors(f.draft.On)
	var except wire.Selectors
	if f.draft.Except != "" {
		except, _ = wire.ParseSelectors(f.draft.Except)
	}
	var ids []string
	for _, a := range f.world.Agents {
		if errOn == nil && on.Match(a.ID, a.Labels) && !except.Match(a.ID, a.Labels) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// Selectors are what agents can be chosen by: all, their ids, their labels.
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

// freeName is a name that no monitor has.
func (f Flow) freeName() string {
	base := f.world.Name(f.draft.Kind, f.draft.Target)
	name := base
	for i := 2; slices.Contains(f.world.Taken, name); i++ {
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
	f.run = f.draft.Command()
	return f, nil
}
