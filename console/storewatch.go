package console

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Watch calls take with every saved monitor, then ready, and then take with
// each change, until ctx ends. saved is nil when the monitor was deleted, and
// when it cannot be read, which problem explains.
func (s *Store) Watch(ctx context.Context, ready func(), take func(name string, saved *wire.Saved, problem error)) error {
	w, err := s.kv.WatchAll(ctx)
	if err != nil {
		return noMesh("watch the saved monitors", err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case ctx.Err() != nil:
				return nil
			case !ok:
				return errors.New("watch the saved monitors: it ended")
			case e == nil:
				ready()
			case wire.CheckElement(e.Key()) != nil: // no monitor of ours
			case e.Operation() != jetstream.KeyValuePut:
				take(e.Key(), nil, nil)
			default:
				m, err := decodeEntry(e.Key(), e.Value(), e.Revision())
				if err != nil {
					take(e.Key(), nil, err)
					continue
				}
				take(e.Key(), &m, nil)
			}
		}
	}
}
