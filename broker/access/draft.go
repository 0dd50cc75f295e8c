package access

import (
	"maps"
	"slices"

	"netmon/identity"
)

// draft is a change of the registry that is not on disk yet.
type draft struct {
	registry *registry
	changed  map[string]*entry
}

// edit is a copy of an entry that may be changed; nil if there is none.
func (d *draft) edit(name string) *entry {
	if e := d.changed[name]; e != nil {
		return e
	}
	e := d.registry.entries[name]
	if e == nil {
		return nil
	}
	c := *e
	c.Old, c.Over, c.Sessions = slices.Clone(e.Old), slices.Clone(e.Over), slices.Clone(e.Sessions)
	d.changed[name] = &c
	return &c
}

// set puts an entry in place of what has its name.
func (d *draft) set(e *entry) { d.changed[e.Name] = e }

// change does something to the registry, which holds, as a whole, once it is on
// disk. It needs mu.
func (b *registry) change(do func(*draft) error) error {
	d := &draft{b, map[string]*entry{}}
	if err := do(d); err != nil || len(d.changed) == 0 {
		return err
	}
	next := maps.Clone(b.entries)
	maps.Copy(next, d.changed)
	if err := b.write(next); err != nil {
		return err
	}
	for name, e := range d.changed {
		b.index(name, b.entries[name], e)
	}
	b.entries = next
	return nil
}

// index notes by what an entry is found, in place of what it was found by before.
func (b *registry) index(name string, before, now *entry) {
	if before != nil {
		for _, secret := range before.tokens() {
			delete(b.byToken, secret)
			delete(b.byJoin, identity.JoinID(secret))
		}
		for _, key := range before.keys() {
			delete(b.byKey, key)
		}
	}
	for _, secret := range now.tokens() {
		b.byToken[secret] = name
		b.byJoin[identity.JoinID(secret)] = secret
	}
	for _, key := range now.keys() {
		b.byKey[key] = name
	}
	if delete(b.acting, name); len(now.Sessions)+len(now.Over) > 0 {
		b.acting[name] = true
	}
}

// tokens are the secrets of those that were made for an entry.
func (e *entry) tokens() (all []string) {
	if e.TokenHash != "" {
		all = append(all, e.TokenHash)
	}
	if e.Renewal != nil {
		all = append(all, e.Renewal.TokenHash)
	}
	return all
}

// keys are those that an entry has, or had.
func (e *entry) keys() (all []string) {
	for _, key := range []string{e.Key, e.Next} {
		if key != "" {
			all = append(all, key)
		}
	}
	for _, o := range e.Old {
		all = append(all, o.Key)
	}
	for _, o := range e.Over {
		all = append(all, o.Key)
	}
	for _, s := range e.Sessions {
		all = append(all, s.Key)
	}
	return all
}
