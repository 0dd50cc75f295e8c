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
	followGrace  = 2 * time.Second  // that a short command waits for the first one, at its end
)

// following keeps the identity of a console up with the authority of the mesh. A
// command that ends at once does so, too: many a person runs no others.
type following struct {
	cancel context.CancelFunc
	first  chan struct{} // closed when it was asked once
	soon   chan struct{} // asks at once; has room for one
	ended  chan struct{}
}

// follow asks over nc, now and then, until stop is called. What fails is asked
// again; the admin sees who did not follow.
func follow(nc *nats.Conn, folder string) *following {
	ctx, cancel := context.WithCancel(context.Background())
	f := &following{cancel, make(chan struct{}), make(chan struct{}, 1), make(chan struct{})}
	go func() {
		defer close(f.ended)
		for first := true; ; first = false {
			if nc.IsConnected() {
				try, cancel := context.WithTimeout(ctx, followWithin)
				_, _ = identity.Follow(try, nc, folder, nil) // reported where it matters: netmon access authority
				cancel()
			}
			if first {
				close(f.first)
			}
			select {
			case <-ctx.Done():
				return
			case <-f.soon:
			case <-time.After(followEvery):
			}
		}
	}()
	return f
}

// again asks at once: something was announced. f may be nil.
func (f *following) again() {
	if f == nil {
		return
	}
	select {
	case f.soon <- struct{}{}:
	default:
	}
}

func (f *following) stop() {
	select {
	case <-f.first:
	case <-time.After(followGrace):
	}
	f.cancel()
	<-f.ended
}
