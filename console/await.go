package console

import (
	"context"
	"slices"
	"time"

	"netmon/judge"
)

// Each calls look at once and after each change of the model, until look says that it
// is done, or ctx ends: at most once in least, and, if most is not 0, at least once in
// most. The error is look's, or that of ctx.
func (m *Model) Each(ctx context.Context, least, most time.Duration, look func() (done bool, err error)) error {
	changed, stop := m.Subscribe()
	defer stop()
	var often <-chan time.Time
	if most > 0 {
		t := time.NewTicker(most)
		defer t.Stop()
		often = t.C
	}
	for {
		if done, err := look(); done || err != nil {
			return err
		}
		wait(ctx, nil, least) // several changes are one look
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-often:
		}
	}
}

// awaitLeast is between two looks at a state that is waited for.
const awaitLeast = 10 * time.Millisecond

// AwaitState waits until a monitor, or a group, is in a state, and returns its status then, or the
// last one. The error is [ErrNotFound] where it is not saved, or is that of ctx. The
// model has to run meanwhile.
func (m *Model) AwaitState(ctx context.Context, name string, want judge.State) (Status, error) {
	var is Status
	err := m.Each(ctx, awaitLeast, 0, func() (bool, error) {
		select {
		case <-m.ready:
		default:
			return false, nil
		}
		s, ok := m.Status(name)
		if g, is := m.Group(name); !ok && is {
			s, ok = GroupStatus(g), true
		}
		switch {
		case ok:
			is = s
		case m.Problems()[name] == "" && !slices.Contains(m.o.Groups, name):
			return false, notFound(name)
		}
		return ok && is.State == want, nil
	})
	return is, err
}
