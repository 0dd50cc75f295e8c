package access

import (
	"fmt"
	"slices"
	"time"

	"netmon/wire"
)

// suspension is what the registry keeps of an agent that is, or was, shut out for a
// while. What people see of it is in wire.Identity.
type suspension struct {
	Times int       `json:"times"` // in a row
	Until time.Time `json:"until"` // the last one
}

// inARow is how soon a suspension follows the previous one, to be longer.
const inARow = 24 * time.Hour

// suspend shuts an agent out for a while: pause, doubled each time in a row, and
// at most longest. done is false where there is nothing to do: it is so already,
// or the name is none of an agent that joined.
func (b *registry) suspend(name, why string, pause, longest time.Duration) (id wire.Identity, done bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[name]
	if e == nil || e.Role != wire.RoleAgent || e.Key == "" || !e.Revoked.IsZero() || !e.Suspended.IsZero() {
		return wire.Identity{}, false, nil
	}
	err = b.change(func(d *draft) error {
		e, now := d.edit(name), b.now().UTC()
		if now.Sub(e.Last.Until) > inARow || e.Last.Until.After(now.Add(longest)) {
			e.Last.Times = 0
		}
		for range e.Last.Times {
			if pause *= 2; pause > longest {
				break
			}
		}
		e.Suspended, e.Until, e.Why = now, now.Add(min(pause, longest)), why
		e.Last = suspension{Times: e.Last.Times + 1, Until: e.Until}
		return nil
	})
	if err != nil {
		return wire.Identity{}, false, err
	}
	return b.show(b.entries[name]), true, nil
}

// resume lets a suspended agent in again. Whom an admin lets in, forgiven, starts
// again.
func (b *registry) resume(name string, forgiven bool) (wire.Identity, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.change(func(d *draft) error {
		e := d.edit(name)
		if e == nil || e.Suspended.IsZero() || !e.Revoked.IsZero() {
			return fmt.Errorf("%q is not suspended: netmon access ls shows who is", name)
		}
		e.Suspended, e.Until, e.Why = time.Time{}, time.Time{}, ""
		if forgiven {
			e.Last = suspension{}
		}
		return nil
	})
	if err != nil {
		return wire.Identity{}, err
	}
	return b.show(b.entries[name]), nil
}

// due are the agents whose suspension is over. One that is to begin was noted by
// a clock that was ahead.
func (b *registry) due() (names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, e := range b.entries {
		if !e.Suspended.IsZero() && e.Revoked.IsZero() && (!b.now().Before(e.Until) || b.now().Before(e.Suspended)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// joined says whether a name is one that joined by a token and was not shut out
// for good.
func (b *registry) joined(name string) bool {
	_, is := b.get(name)
	return is
}

// out says whether the registry knows a name and lets no agent in under it: it was
// shut out for good, or is invited and has not come yet.
func (b *registry) out(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.entries[name]
	return e != nil && (e.Role != wire.RoleAgent || e.Key == "" || !e.Revoked.IsZero())
}
