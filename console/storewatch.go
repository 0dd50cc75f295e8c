package console

import (
	"context"

	"netmon/wire"
)

// Watch calls handle with every saved monitor, then ready, and then handle with
// each change, until ctx ends. saved is nil when the monitor was deleted, and
// when it cannot be read, which problem explains. trouble, when not nil, is called with
// why they cannot be read although the broker is there, and nil when they can be
// again. names, where there are any, are the only ones that are followed.
func (s *Store) Watch(ctx context.Context, names []string, trouble func(error), ready func(), handle func(name string, saved *wire.Saved, problem error)) error {
	return s.watch(ctx, names, trouble, ready, func(e entry) {
		switch {
		case wire.CheckElement(e.key) != nil: // no monitor of ours
		case e.deleted():
			handle(e.key, nil, nil)
		default:
			saved, err := s.decode(e)
			if err != nil {
				handle(e.key, nil, err)
				break
			}
			handle(e.key, &saved, nil)
		}
	})
}
