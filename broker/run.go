package broker

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// How Run watches the server.
const (
	healthEvery = 2 * time.Second
	// The longest wait between two attempts to come back.
	restartAtMost = 30 * time.Second
)

// Run watches the server until ctx ends, then stops it and waits for its end;
// that takes at most about three seconds. So far nothing makes going on
// impossible: it returns nil.
//
// A server that once failed to write, because its disk was full, continues to
// serve but acknowledges nothing any more, also after there is room again.
// Run drops the ballast, or waits for room, and has the server load its streams
// again; clients stay connected. It starts the server again, at the same address, where
// that does not do, and once where results of an older netmon are to be compressed from now on.
func (b *Broker) Run(ctx context.Context) error {
	defer b.stop(b.clustered())
	tick := time.NewTicker(healthEvery)
	defer tick.Stop()
	wait := healthEvery
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		why := b.stuck()
		if why == "" {
			wait = healthEvery
			b.compress(ctx)
			continue
		}
		b.log.Error("the broker cannot store anything: agents keep their results until there is space", "store", b.store, "error", why)
		b.comeBack(ctx, wait)
		// Back too early, it is stuck again soon: be slower each time.
		wait = min(2*wait, restartAtMost)
		tick.Reset(max(healthEvery, wait/2))
	}
}

// stuck says why the server can no longer store anything, or "".
func (b *Broker) stuck() string {
	srv := b.server()
	switch {
	case srv == nil || !b.options().JetStream:
		return ""
	case !srv.Running():
		return "the server ended by itself"
	case !srv.JetStreamEnabled():
		return "the server switched JetStream off"
	}
	for _, e := range srv.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if strings.Contains(e.Error, "write error") {
			return e.Error
		}
	}
	return ""
}

// comeBack waits for room in the store, or makes it from the ballast, and has the
// server load its streams again. It tries until it succeeds or ctx ends.
func (b *Broker) comeBack(ctx context.Context, wait time.Duration) {
	for {
		err := hasDiskSpace(b.store)
		if err != nil && b.ballast.drop() {
			b.log.Warn("freed the ballast on the broker's disk", "store", b.store, "room", sizeText(b.ballast.size))
			err = nil
		}
		if err == nil {
			if err = b.reload(ctx); err == nil {
				b.log.Info("the broker stores again", "store", b.store)
				select {
				case b.reloaded <- struct{}{}: // agents send what they held back: be faster
				default:
				}
				return
			}
			b.log.Error("restart of the broker", "error", err, "again_in", wait)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// reload has the server load its streams again, or starts another server where it
// is one of a cluster or does not do it. What is in memory only is gone: the lease of
// the controller, which makes that bucket again, and consumers, which readers do.
func (b *Broker) reload(ctx context.Context) error {
	if b.clustered() || !b.reloadJetStream() {
		return b.Restart(ctx)
	}
	return nil
}

// reloadJetStream reports whether it did it.
func (b *Broker) reloadJetStream() bool {
	b.restarting.Lock()
	defer b.restarting.Unlock()
	srv, o := b.server(), b.options()
	if srv == nil || !srv.Running() {
		return false
	}
	err := srv.ShutdownJetStream()
	if err == nil {
		err = srv.EnableJetStream(&server.JetStreamConfig{StoreDir: o.StoreDir, SyncInterval: o.SyncInterval, SyncAlways: o.SyncAlways,
			MaxMemory: o.JetStreamMaxMemory, MaxStore: o.JetStreamMaxStore, Domain: o.JetStreamDomain, Strict: !o.NoJetStreamStrict})
	}
	if err != nil {
		b.log.Warn("the server does not load its streams again: restarting it", "error", err)
		return false
	}
	return true
}

// Restart stops the server and starts it again at the same address and on the
// same store, without releasing the store in between. After an error the
// broker is down, and Restart may be called again.
func (b *Broker) Restart(ctx context.Context) error { return b.restart(ctx, nil) }

// restart is Restart; prepare, when not nil, is called while no server runs.
func (b *Broker) restart(ctx context.Context, prepare func() error) error {
	b.restarting.Lock()
	defer b.restarting.Unlock()
	b.mu.Lock()
	srv, closed := b.srv, b.closed
	b.srv = nil
	b.mu.Unlock()
	if closed {
		return fmt.Errorf("restart the broker: it is closed")
	}
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	if prepare != nil {
		if err := prepare(); err != nil {
			return fmt.Errorf("restart the broker: %w", err)
		}
	}
	srv, err := startServer(ctx, b.options(), b.log, b.often)
	if err != nil {
		return explainStart(err, b.options())
	}
	b.mu.Lock()
	b.srv = srv
	b.mu.Unlock()
	return nil
}

// clustered says whether clients could go to another server.
func (b *Broker) clustered() bool {
	return b.options().Cluster.Port != 0 || b.options().Gateway.Port != 0
}
