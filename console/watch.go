package console

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Connected says whether the broker is there at this moment.
func (c *Client) Connected() bool { return c.nc.IsConnected() }

// Watch tells of every saved monitor, and then of every change, until ctx
// ends. A nil monitor means that the one of this name is gone. What cannot be
// decoded is gone, too. It waits for a broker that is away.
func (s *Store) Watch(ctx context.Context, take func(name string, m *wire.Saved)) error {
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
			case !ok:
				return noMesh("watch the saved monitors", ErrUnreachable)
			case e == nil: // all that were saved before have been told
			case e.Operation() != jetstream.KeyValuePut:
				take(e.Key(), nil)
			default:
				if m, err := wire.DecodeSaved(e.Value(), e.Revision()); err == nil {
					take(e.Key(), &m)
				} else {
					take(e.Key(), nil)
				}
			}
		}
	}
}
