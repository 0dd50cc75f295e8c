package probes

import (
	"sync"
)

const (
	// DefaultBodies is what the bodies of all runs of one process may take together
	// where [Env.Bodies] does not say, bytes.
	DefaultBodies = 64 << 20
	// BodySmall is what each run may take even of the quarter that is kept for
	// those that need little, bytes.
	BodySmall = 256 << 10
)

// BodyBudget is the memory for what targets sent and runs hold to compare it. Who
// finds no room does not wait, which would show in what is measured: it lets go of
// what it has, so that others get on.
type BodyBudget struct {
	Most int64

	mu   sync.Mutex // guards what follows
	used int64
	peak int64
}

// BodyBudget is the budget of all runs with this env.
func (e *Env) BodyBudget() *BodyBudget {
	if e == nil {
		return &BodyBudget{Most: DefaultBodies}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bodies == nil {
		e.bodies = &BodyBudget{Most: e.Bodies}
		if e.Bodies <= 0 {
			e.bodies.Most = DefaultBodies
		}
	}
	return e.bodies
}

// State is what is taken now, and what was at most, bytes.
func (b *BodyBudget) State() (used, peak int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.peak
}

// Claim takes n bytes for a run that has own already; false when there is no room.
// A quarter is for runs that hold little, so that large bodies do not make small
// ones fail.
func (b *BodyBudget) Claim(n, own int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.Most
	if own+n > BodySmall {
		most -= most / 4
	}
	if b.used+n > most {
		return false
	}
	b.used += n
	b.peak = max(b.peak, b.used)
	return true
}

// Release gives n bytes back.
func (b *BodyBudget) Release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
}

// Taken is how much is in use.
func (b *BodyBudget) Taken() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
