// Package controller makes agents run what is saved, and judges what they measure.
//
// It watches the bucket of saved monitors and the agents' heartbeats, and brings each
// agent's managed set in line with the bucket, through commands on agent.<id>.cmd
// alone. Commands are idempotent and ordered by the bucket's revision, so repeating
// one, or sending it late, does no harm.
//
// The leading controller also gives a [judge.Judge] what is saved, heartbeats and
// results, publishes each verdict that changes, and has agents run monitors once more
// where the judge wants to be sure. It keeps incidents of these verdicts and of other
// troubles, and decides who is notified of them. After a restart another controller
// continues where it was (docs/adr/0039, 0042, 0045).
package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/command"
	"netmon/internal/lease"
	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// Controller compares what should run with what does. Make one with New.
type Controller struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger
	// provision makes the streams and the bucket, should they be gone.
	provision func(context.Context) error
	access    Access
	besides   []func(context.Context) error
	// budgetEvery is how often error budgets are looked at; tests do it more often.
	budgetEvery time.Duration
	commands    *command.Sender
	patience    patience
	share       func(Reading) // nil: nobody wants to have it

	mu       sync.Mutex // guards what follows
	store    string
	revision uint64 // of the bucket, as far as it was read
	desired  map[string]wire.Saved
	agents   map[string]*follower
	wg       sync.WaitGroup

	feed     *feed     // of the judge, while this controller leads
	troubles *troubles // that nobody judges, while this controller leads
	placing  *placing  // while this controller leads; guarded by mu
	kept     *keeping  // where monitors are passed on, once incidents are kept; guarded by mu
}

// Access is what a mesh's authority says to its controller. The zero value is
// that of a mesh without identities.
type Access struct {
	// Labels are those that an agent was let in with: they count, and not those
	// that it claims, for what it has to measure.
	Labels func(agent string) (labels map[string]string, known bool)
	Signer *identity.Signer // of commands; nil: nobody asks for a signature
	// Trust is the newest list of those whose commands count, its number, and what
	// is closed when there is another one.
	Trust func() (list wire.SignedTrust, number uint64, changed <-chan struct{})
	// Behind says that an agent has a list with a higher number: another one is to
	// be made, or the error says why not. It may be nil.
	Behind func(has uint64) error
	// CheckSaved says whether the mesh let something be saved.
	CheckSaved func(subject, operation, accepted, proof string, data []byte) error
	// Adopt accepts, once in the life of a mesh, what was saved before anybody had
	// to sign.
	Adopt func(context.Context, jetstream.JetStream) error
}

// New makes a controller that works over nc. provision makes the streams and
// the bucket, or leaves them as they are: it is called before each reading. besides are
// other duties of who leads: each runs while this controller does, until its context ends.
func New(nc *nats.Conn, provision func(context.Context) error, access Access, log *slog.Logger, besides ...func(context.Context) error) (*Controller, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	return &Controller{nc: nc, js: js, log: log, troubles: newTroubles(js, log), provision: provision, access: access, besides: besides, patience: usualPatience, budgetEvery: budgetEvery, desired: map[string]wire.Saved{}, agents: map[string]*follower{},
		commands: command.New(access.Signer, func(ctx context.Context, m *nats.Msg) (*nats.Msg, error) { return nc.RequestMsgWithContext(ctx, m) })}, nil
}

// Run controls until ctx ends. Troubles with the broker are logged and tried
// again, for ever; everything it started has ended when it returns.
func (c *Controller) Run(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		begin := time.Now()
		err := c.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		c.log.Warn("controller starts over", "reason", err)
		if time.Since(begin) > time.Minute {
			wait = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// round leads, when no other controller does, until something breaks.
func (c *Controller) round(ctx context.Context) error {
	if err := c.provision(ctx); err != nil {
		return err
	}
	kv, err := retry.Get(ctx, c.nc, func(ctx context.Context) (jetstream.KeyValue, error) { return c.js.KeyValue(ctx, wire.ControlBucket) })
	if err != nil {
		return fmt.Errorf("open bucket %s: %w", wire.ControlBucket, err)
	}
	return lease.New(c.nc, kv, wire.LeaderKey).Run(ctx, func(other wire.Lease) {
		c.log.Info("another controller leads, waiting", "host", other.Host, "since", other.Since)
	}, func(ctx context.Context) error {
		c.log.Info("this controller leads")
		return c.lead(ctx)
	})
}

// lead reads everything again and follows it until something breaks.
func (c *Controller) lead(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer c.wg.Wait()
	defer cancel()

	if c.access.Adopt != nil {
		if err := c.access.Adopt(ctx, c.js); err != nil {
			return fmt.Errorf("accept what was saved before: %w", err)
		}
	}
	saved, err := tail.Open(ctx, c.js, monitorsStream, tail.From{Subjects: []string{monitorsPrefix + ">"}, Last: true})
	if err != nil {
		return fmt.Errorf("read bucket %s: %w", wire.MonitorsBucket, err)
	}
	defer saved.Stop()
	c.feed, c.troubles = newFeed(c.share), newTroubles(c.js, c.log)
	info := saved.Stream()
	c.mu.Lock()
	c.store, c.revision = wire.StoreID(info.Created), info.State.LastSeq
	clear(c.desired)
	clear(c.agents)
	c.kept = nil
	c.mu.Unlock()
	if err := c.loadPlacements(ctx); err != nil {
		return err
	}
	for left := saved.Left(); left > 0; left-- { // all that was there before
		m, meta, err := saved.Next()
		if err != nil {
			return fmt.Errorf("read bucket %s: %w", wire.MonitorsBucket, err)
		}
		c.applySaved(m, meta)
	}

	c.placementFacts()

	beats, err := tail.Open(ctx, c.js, wire.AgentsStream, tail.From{})
	if err != nil {
		return fmt.Errorf("follow stream %s: %w", wire.AgentsStream, err)
	}
	defer beats.Stop()
	c.feed.heardOf(beats.Stream().TimeStamp)
	duties := append([]func(context.Context) error{
		func(ctx context.Context) error { return fmt.Errorf("follow the heartbeats: %w", c.listen(ctx, beats)) },
		func(ctx context.Context) error { return fmt.Errorf("place monitors: %w", c.keepPlaces(ctx, beats)) },
		func(context.Context) error { return fmt.Errorf("follow what is saved: %w", c.followSaved(saved)) },
		func(ctx context.Context) error { return fmt.Errorf("judge: %w", c.judge(ctx)) },
		func(ctx context.Context) error { return fmt.Errorf("keep incidents: %w", c.keepIncidents(ctx)) },
		func(ctx context.Context) error { return fmt.Errorf("write troubles: %w", c.troubles.run(ctx)) },
		func(ctx context.Context) error { return fmt.Errorf("watch error budgets: %w", c.watchBudgets(ctx)) },
	}, c.besides...)
	ended := make(chan error, len(duties))
	for _, duty := range duties {
		c.wg.Go(func() { ended <- duty(ctx) })
	}

	// Streams may be deleted by hand, and recreated, under our feet: they are
	// looked at from time to time.
	check := time.NewTicker(5 * time.Second)
	defer check.Stop()
	for {
		var relisted <-chan struct{}
		if c.access.Trust != nil {
			_, _, relisted = c.access.Trust()
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return err
		case <-relisted:
			c.wakeAll()
		case <-check.C:
			bucket, err := c.js.Stream(ctx, monitorsStream)
			if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && wire.StoreID(bucket.CachedInfo().Created) != c.store {
				return errors.New("the bucket of saved monitors was recreated")
			}
			for _, name := range []string{wire.ResultsStream, wire.AgentsStream, wire.VerdictsStream, wire.IncidentsStream, wire.NoticesStream, wire.HistoryStream, settingsStream} {
				if _, err := c.js.Stream(ctx, name); errors.Is(err, jetstream.ErrStreamNotFound) {
					return fmt.Errorf("the stream %s is gone", name)
				}
			}
		}
	}
}

// listen notes heartbeats until ctx ends. Of those that were kept the last of each
// agent counts; the judge is given all.
func (c *Controller) listen(ctx context.Context, beats *tail.Tail) error {
	type heartbeat struct {
		wire.Alive
		at time.Time
	}
	kept := map[string]heartbeat{}
	for left := beats.Left(); ; {
		if left == 0 && kept != nil {
			for _, a := range kept {
				c.follow(ctx, a.Alive, a.at)
			}
			c.placeFromNow()
			kept = nil
			close(c.feed.ready)
		}
		m, meta, err := beats.Next()
		if err != nil {
			return err
		}
		if a, ok := c.alive(m); ok {
			c.feed.add(fact{at: meta.Timestamp, alive: &a})
			if kept != nil {
				kept[a.Agent] = heartbeat{a, meta.Timestamp}
				c.heardBefore(a, meta.Timestamp)
			} else {
				c.follow(ctx, a, meta.Timestamp)
			}
		}
		if left--; meta.NumPending == 0 { // one that was pushed out meanwhile does not come
			left = 0
		}
	}
}

// alive reads a heartbeat, with the labels that count.
func (c *Controller) alive(m *nats.Msg) (a wire.Alive, ok bool) {
	a, err := wire.DecodeAlive(m.Subject, m.Data)
	if err != nil {
		c.log.Warn("ignored", "error", err)
		return a, false
	}
	if c.access.Labels != nil {
		if granted, known := c.access.Labels(a.Agent); known {
			a.Labels = granted
		}
	}
	return a, true
}

// follow brings the agent of a heartbeat, which the broker got at a moment, to what
// should run there.
func (c *Controller) follow(ctx context.Context, a wire.Alive, at time.Time) {
	c.mu.Lock()
	c.hearLocked(a, at)
	c.mu.Unlock()
	if a.Gone {
		c.gone(a.Agent)
		return
	}
	if a.Leaving || time.Since(at) > wire.OfflineAfter {
		return // its next heartbeat brings it back
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands.Heard(a)
	f, ok := c.agents[a.Agent]
	if !ok {
		f = newFollower(c, a.Agent)
		c.agents[a.Agent] = f
		ctx, f.stop = context.WithCancel(ctx)
		c.wg.Go(func() { f.run(ctx) })
	}
	f.heard(a)
}

// gone ends what was going on with an agent that is gone for good. Its next
// heartbeat starts over.
func (c *Controller) gone(agent string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.agents[agent]; ok {
		f.stop()
		delete(c.agents, agent)
	}
}

func (c *Controller) wakeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.agents {
		f.wake()
	}
}

// want is what should run on an agent, and the revision of the bucket that says so.
func (c *Controller) want(agent string, labels map[string]string) (set map[string]wire.Monitor, store string, revision uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set = map[string]wire.Monitor{}
	for name, s := range c.desired {
		if s.RunsOn(agent, labels) {
			set[name] = s.Monitor
		}
	}
	return set, c.store, c.revision
}
