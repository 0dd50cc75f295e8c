package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/command"
	"netmon/wire"
)

const (
	replyWithin = 5 * time.Second
	outranEvery = 90 * time.Second // longer than the authority wants to be left alone
)

// follower brings one agent to what should run there, one command at a time.
type follower struct {
	c      *Controller
	agent  string
	wakeup chan struct{} // has room for one
	stop   func()        // ends run

	mu     sync.Mutex // guards what follows
	labels map[string]string
	digest string // of what the agent said it runs
	store  string
	trust  uint64 // number of its list of those whose commands count
	tooOld bool   // it cannot check who commands it
	unkept bool   // it obeys the newest list, and could not write it

	// What follows belongs to run's goroutine. have is what the agent runs as far as
	// we know; nil when we must ask.
	have   map[string]uint64
	outran time.Time // when the agent's list was newer than ours last
}

func newFollower(c *Controller, agent string) *follower {
	return &follower{c: c, agent: agent, wakeup: make(chan struct{}, 1)}
}

func (f *follower) wake() {
	select {
	case f.wakeup <- struct{}{}:
	default:
	}
}

// heard notes what a heartbeat says of what runs.
func (f *follower) heard(a wire.Alive) {
	f.mu.Lock()
	f.labels, f.digest, f.store, f.trust = a.Labels, a.Digest, a.Store, a.Trust
	was := f.tooOld
	f.tooOld = f.c.access.Trust != nil && a.Challenge == ""
	if f.tooOld && !was {
		f.c.log.Error("an agent cannot check who commands it, so it gets no commands and keeps running what it has; let it in with a line (netmon token new agent) if it is from before the mesh had identities, else update netmon there", "agent", a.Agent, "version", a.Version)
	}
	f.mu.Unlock()
	f.wake()
}

func (f *follower) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.wakeup:
		}
		err := f.reconcile(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		f.have = nil
		if errors.Is(err, nats.ErrNoResponders) {
			continue // it is away: its next heartbeat wakes us
		}
		f.c.log.Warn("could not bring an agent up to date, trying again", "agent", f.agent, "error", err)
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
	if ready, err := f.introduce(ctx); err != nil || !ready {
		return err
	}
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
	var start []wire.Monitor
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if f.have[name] != revisions[name] {
			start = append(start, want[name])
		}
	}
	var stop []string
	for _, name := range slices.Sorted(maps.Keys(f.have)) {
		if _, ok := want[name]; !ok {
			stop = append(stop, name)
		}
	}
	return f.update(ctx, wantStore, revision, stop, start, revisions)
}

// update has the agent stop and start monitors, and then run these revisions.
func (f *follower) update(ctx context.Context, store string, revision uint64, stop []string, start []wire.Monitor, revisions map[string]uint64) error {
	for _, c := range command.Update(store, revision, stop, start) {
		if _, err := f.send(ctx, c); err != nil {
			return err
		}
	}
	f.applied(revisions, store)
	return nil
}

// introduce brings the agent the newest list of those whose commands count. An
// agent that is too old for one is not ready.
func (f *follower) introduce(ctx context.Context) (ready bool, err error) {
	if f.c.access.Trust == nil {
		return true, nil
	}
	list, number, _ := f.c.access.Trust()
	f.mu.Lock()
	has, tooOld, known := f.trust, f.tooOld, f.unkept
	f.mu.Unlock()
	if has > number && time.Since(f.outran) >= outranEvery {
		f.outran = time.Now()
		f.outrun(has, number)
	}
	if tooOld || has >= number {
		return !tooOld, nil
	}
	r, err := f.send(ctx, wire.Command{Op: wire.OpTrust, Trust: &list})
	unkept := err == nil && r.Error != nil && r.Error.Code == wire.CodeInternal
	switch {
	case unkept && !known: // its next heartbeat has us bring it again
		f.c.log.Warn("an agent obeys the newest list of those whose commands count, but could not store it: a restart would lose it", "agent", f.agent, "error", r.Error)
	case !unkept && err == nil && r.Error != nil:
		err = fmt.Errorf("the list of those whose commands count: %w", r.Error)
	}
	if err != nil {
		return false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unkept = unkept; !unkept {
		f.trust = max(f.trust, number)
	}
	return true, nil
}

// outrun reports that an agent takes no list of ours: whoever was shut out since may
// command it until there is a newer one.
func (f *follower) outrun(has, number uint64) {
	var err error
	if f.c.access.Behind != nil {
		err = f.c.access.Behind(has)
	}
	log := f.c.log.With("agent", f.agent, "has", has, "newest", number)
	if err != nil || f.c.access.Behind == nil {
		log.Error("an agent has a newer list of those whose commands count than there is, and takes no other: the clock of this host was ahead or is behind, or the agent lies", "error", err)
		return
	}
	log.Warn("an agent had a newer list of those whose commands count than there was: another one was made")
}

// compare goes through all names.
func (f *follower) compare(ctx context.Context, want map[string]wire.Monitor, revisions map[string]uint64, store string, revision uint64) error {
	reply, err := f.send(ctx, wire.Command{Op: wire.OpSync, Store: store, Revision: revision, Have: revisions})
	if err != nil {
		return err
	}
	var start []wire.Monitor
	for _, name := range reply.Want {
		if m, ok := want[name]; ok {
			start = append(start, m)
		}
	}
	return f.update(ctx, store, revision, nil, start, revisions)
}

// applied notes that the agent now has this set; its next heartbeat confirms
// or denies it.
func (f *follower) applied(revisions map[string]uint64, store string) {
	f.have = revisions
	f.mu.Lock()
	f.digest, f.store = wire.DigestOf(revisions), store
	f.mu.Unlock()
}

// send sends a command, in pieces where it is long. A monitor that the agent
// refuses is not an error here: the agent keeps it as refused and says so in its
// heartbeats. A stale command is one, since others know more than we do, and so
// is one that the agent does not take from us.
func (f *follower) send(ctx context.Context, c wire.Command) (all wire.Reply, err error) {
	for a := range f.c.commands.SendAll(ctx, f.agent, replyWithin, c) {
		if a.Err == nil {
			a.Err = f.checkReply(a.Reply)
		}
		if a.Err != nil {
			return all, fmt.Errorf("%s %s: %w", c.Op, f.agent, a.Err)
		}
		all.Want, all.Error = append(all.Want, a.Reply.Want...), a.Reply.Error
	}
	return all, nil
}

// checkReply is the error of a reply that ends what is going on, and logs what else an
// agent refuses.
func (f *follower) checkReply(r wire.Reply) error {
	for _, e := range r.Errors {
		switch e.Code {
		case wire.CodeStale, wire.CodeStopping, wire.CodeUnsigned, wire.CodeUnknown, wire.CodeDenied, wire.CodeChallenge:
			return &e
		}
	}
	for _, m := range r.Monitors {
		if m.State == wire.Refused {
			f.c.refused(f.agent, m)
			f.c.log.Warn("agent refuses a monitor", "agent", f.agent, "monitor", m.Name, "reason", m.Errors[0].Error())
		}
	}
	return nil
}
