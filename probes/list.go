package probes

import (
	"encoding/json"
	"slices"
	"strings"

	"netmon/wire"
)

// List is the kinds that a program knows, in the order in which people read
// them. The agent, its policy and the commands are given one, so that a program
// of somebody else's measures with kinds of its own.
type List []Kind

// Find returns the kind of this name.
func (l List) Find(name string) (Kind, bool) {
	i := slices.IndexFunc(l, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return l[i], true
}

// Names lists the kinds, for messages: "http, https, icmp".
func (l List) Names() string {
	names := make([]string, len(l))
	for i, k := range l {
		names[i] = k.Name
	}
	return strings.Join(names, ", ")
}

// New builds the probe of a monitor. The error holds every mistake in target
// and options, by field.
func (l List) New(env *Env, kindName, target string, options json.RawMessage) (*Check, error) {
	k, ok := l.Find(kindName)
	if !ok {
		return nil, &wire.FieldError{Path: "kind", Err: wire.Unknown("kind", kindName, strings.Split(l.Names(), ", "))}
	}
	return k.New(env, target, options)
}

// Prepare builds the probe of a monitor with its defaults set. The error holds
// every mistake in it: in what all kinds share, in its target, in its options.
func (l List) Prepare(env *Env, m wire.Monitor) (*Check, error) {
	var p wire.Problems
	p.Add("", m.Validate())
	if k, ok := l.Find(m.Kind); ok && m.Every != 0 && m.Every.Std() < k.MinEvery {
		p.Addf("every", "kind %s allows at least %v, got %q", k.Name, k.MinEvery, m.Every)
	}
	var c *Check
	if m.Kind != "" {
		var err error
		c, err = l.New(env, m.Kind, m.Target, m.Options)
		for _, e := range wire.FieldErrors(err) {
			if e.Path != "target" || m.Target != "" { // it is missing, which was said
				p.Add("", e)
			}
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	full := m.WithDefaults()
	if err := c.FitsIn(full.Timeout.Std(), full.Every.Std()); err != nil {
		return nil, err
	}
	c.Timeout = m.Timeout.Std()
	return c, nil
}

// CheckMonitor reports every mistake in a monitor: see [List.Prepare].
func (l List) CheckMonitor(m wire.Monitor) error {
	_, err := l.Prepare(nil, m)
	return err
}

// Limits bounds the options of monitors, and what is read from targets: what all
// kinds share, then each kind's own.
func (l List) Limits() []wire.Limit {
	all := slices.Clone(limits)
	for _, k := range l {
		all = append(all, k.Limits...)
	}
	return all
}
