package console

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
)

const (
	followEvery  = 10 * time.Second // for who stays connected
	followWithin = 3 * time.Second  // for one try
	followGrace  = time.Second      // that a short command waits for the first one, at its end
)

// following keeps the identity of a console up with the authority of the mesh. A
// command that ends at once does so, too: many a person runs no others.
type following struct {
	cancel context.CancelFunc
	first  chan struct{} // closed when it was asked once
	ended  chan struct{}
}

// follow asks over nc, now and then, until stop is called. What fails is asked
// again; the admin sees who did not follow.
func follow(nc *nats.Conn, folder string) *following {
	ctx, cancel := context.WithCancel(context.Background())
	f := &following{cancel, make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(f.ended)
		for first := true; ; first = false {
			if nc.IsConnected() {
				try, cancel := context.WithTimeout(ctx, followWithin)
				_, _ = identity.Follow(try, nc, folder, nil) // told where it matters: netmon access authority
				cancel()
			}
			if first {
				close(f.first)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(followEvery):
			}
		}
	}()
	return f
}

func (f *following) stop() {
	select {
	case <-f.first:
	case <-time.After(followGrace):
	}
	f.cancel()
	<-f.ended
}
