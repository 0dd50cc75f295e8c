package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

const (
	replyWithin = 5 * time.Second
	syncPiece   = 2000      // names in one sync
	startBytes  = 200 << 10 // of monitors in one start, well under the payload limit
)

// follower brings one agent to what should run there, one command at a time.
type follower struct {
	c     *Controller
	agent string
	poked chan struct{} // has room for one

	mu     sync.Mutex // guards what follows
	labels map[string]string
	digest string // of what the agent said it runs
	store  string

	// have is what the agent runs as far as we know; nil when we must ask.
	// It belongs to run's goroutine.
	have map[string]uint64
}

func newFollower(c *Controller, agent string) *follower {
	return &follower{c: c, agent: agent, poked: make(chan struct{}, 1)}
}

func (f *follower) wake() {
	select {
	case f.poked <- struct{}{}:
	default:
	}
}

// heard notes what a heartbeat says of what runs.
func (f *follower) heard(a wire.Alive) {
	f.mu.Lock()
	f.labels, f.digest, f.store = a.Labels, a.Digest, a.Store
	f.mu.Unlock()
	f.wake()
}

func (f *follower) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.poked:
		}
		err := f.reconcile(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		f.have = nil
		if errors.Is(err, nats.ErrNoResponders) {
			continue // it is away: its next heartbeat wakes us
		}
		f.c.log.Warn("agent not brought up to date, trying again", "agent", f.agent, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
			f.wake()
		}
	}
}

// reconcile sends what is missing. Where our own memory of the agent agrees
// with its heartbeat, that is the difference alone; else everything is compared.
func (f *follower) reconcile(ctx context.Context) error {
	f.mu.Lock()
	labels, digest, store := f.labels, f.digest, f.store
	f.mu.Unlock()
	want, wantStore, revision := f.c.want(f.agent, labels)
	revisions := make(map[string]uint64, len(want))
	for name, m := range want {
		revisions[name] = m.Revision
	}
	if store == wantStore && digest == wire.DigestOf(revisions) {
		f.have = revisions
		return nil
	}
	if f.have == nil || store != wantStore || digest != wire.DigestOf(f.have) {
		return f.compare(ctx, want, revisions, wantStore, revision)
	}
	var start []string
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if f.have[name] != revisions[name] {
			start = append(start, name)
		}
	}
	var stop []string
	for _, name := range slices.Sorted(maps.Keys(f.have)) {
		if _, ok := want[name]; !ok {
			stop = append(stop, name)
		}
	}
	for names := range slices.Chunk(stop, syncPiece) {
		if _, err := f.send(ctx, wire.Command{Op: wire.OpStop, Store: wantStore, Revision: revision, Names: names}); err != nil {
			return err
		}
	}
	if err := f.start(ctx, want, start, wantStore, revision); err != nil {
		return err
	}
	f.settled(revisions, wantStore)
	return nil
}

// compare goes through all names in pieces.
func (f *follower) compare(ctx context.Context, want map[string]wire.Monitor, revisions map[string]uint64, store string, revision uint64) error {
	names := slices.Sorted(maps.Keys(want))
	pieces := slices.Collect(slices.Chunk(names, syncPiece))
	if len(pieces) == 0 {
		pieces = [][]string{nil}
	}
	var missing []string
	after := ""
	for i, piece := range pieces {
		c := wire.Command{Op: wire.OpSync, Store: store, Revision: revision, After: after, Have: map[string]uint64{}}
		if i < len(pieces)-1 {
			c.Through = piece[len(piece)-1]
			after = c.Through
		}
		for _, name := range piece {
			c.Have[name] = revisions[name]
		}
		reply, err := f.send(ctx, c)
		if err != nil {
			return err
		}
		missing = append(missing, reply.Want...)
	}
	if err := f.start(ctx, want, missing, store, revision); err != nil {
		return err
	}
	f.settled(revisions, store)
	return nil
}

// start sends monitors by name, in pieces.
func (f *follower) start(ctx context.Context, want map[string]wire.Monitor, names []string, store string, revision uint64) error {
	c := wire.Command{Op: wire.OpStart, Store: store, Revision: revision}
	size := 0
	flush := func() error {
		if len(c.Monitors) == 0 {
			return nil
		}
		_, err := f.send(ctx, c)
		c.Monitors, size = nil, 0
		return err
	}
	for _, name := range names {
		m, ok := want[name]
		if !ok {
			continue
		}
		n := len(m.Name) + len(m.Target) + len(m.Options) + 150
		if size += n; size > startBytes {
			if err := flush(); err != nil {
				return err
			}
			size = n
		}
		c.Monitors = append(c.Monitors, m)
	}
	return flush()
}

// settled notes that the agent now has this set; its next heartbeat confirms
// or denies it.
func (f *follower) settled(revisions map[string]uint64, store string) {
	f.have = revisions
	f.mu.Lock()
	f.digest, f.store = wire.DigestOf(revisions), store
	f.mu.Unlock()
}

// send makes one request. A monitor that the agent refuses is not an error
// here: the agent keeps it as refused and says so in its heartbeats. A stale
// command is one, since others know more than we do.
func (f *follower) send(ctx context.Context, c wire.Command) (wire.Reply, error) {
	subject, err := wire.CommandSubject(f.agent)
	if err != nil {
		return wire.Reply{}, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return wire.Reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, replyWithin)
	defer cancel()
	msg, err := f.c.nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return wire.Reply{}, fmt.Errorf("%s %s: %w", c.Op, f.agent, err)
	}
	r, err := wire.DecodeReply(msg.Data)
	if err != nil {
		return wire.Reply{}, fmt.Errorf("%s %s: decode reply: %w", c.Op, f.agent, err)
	}
	for _, e := range r.Errors {
		if e.Code == wire.CodeStale || e.Code == wire.CodeStopping {
			return r, fmt.Errorf("%s %s: %s", c.Op, f.agent, e.Error())
		}
	}
	for _, m := range r.Monitors {
		if m.State == wire.Refused {
			f.c.log.Warn("agent refuses a monitor", "agent", f.agent, "monitor", m.Name, "reason", m.Errors[0].Error())
		}
	}
	return r, nil
}
