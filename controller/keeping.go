package controller

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/incident"
	"netmon/wire"
)

const (
	keptEvery  = 5 * time.Second       // how far incidents are decided, where nothing follows from it
	keepLeast  = 20 * time.Millisecond // between two looks
	keepMost   = time.Minute           // between two looks
	keepAtOnce = 5000                  // facts that are applied before it is decided what follows, about
	keepStop   = 2 * time.Second       // the last write, at a stop

	// What changes fast is gathered, so that a large incident is not written for each of
	// its members: incidents are written at so many bytes a second, with bursts.
	keepRate  = 1 << 20
	keepPause = time.Second // at most
)

// input is one thing that a keeping is given, of a stream.
type input struct {
	at     time.Time // when it was stored, by the broker's clock
	from   origin
	number uint64 // in its stream
	size   int    // bytes
	apply  func(*keeping)
}

// origin is where a fact comes from.
type origin int

const (
	fromSettings origin = iota // and monitors: they are read whole at each start
	fromVerdicts
	fromIncidents
	fromAudit
)

// keeping gives a Keeper of incidents what happens, and stores what follows. It is for
// one goroutine.
type keeping struct {
	js      jetstream.JetStream
	log     *slog.Logger
	k       *incident.Keeper
	store   *incidentStore
	notices *noticeQueue
	old     *upkeep
	now     func() time.Time // by the broker's clock; zero while it is not known
	every   time.Duration    // keptEvery

	at     keptAt // as far as it was given
	moved  bool   // by what counts, since that was stored: what it writes itself comes back, and does not
	groups map[string]groupAt

	behind []input         // what came since incidents were decided last, at a start
	passed []wire.Incident // decided while catching up, and not stored yet

	settings map[settingOf]time.Time // that are saved, and when each may go; zero is never
	swept    time.Time               // when those that may go were looked for last
	saved    time.Time               // when that was stored last, by our clock
	ready    time.Time               // not before is the next write

	facts  chan []input // in the order of each stream
	failed chan error   // why keeping ends

	mu       sync.Mutex // guards what follows: monitors come from another goroutine
	monitors []input
	woken    chan struct{} // has room for one
}

// groupAt is the last verdict on a group as it is published.
type groupAt struct {
	sequence uint64
	verdict  wire.GroupVerdict
}

func newKeeping(nc *nats.Conn, now func() time.Time, log *slog.Logger) (*keeping, error) {
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(publishAtOnce+1), jetstream.WithPublishAsyncTimeout(publishWithin))
	if err != nil {
		return nil, err
	}
	return &keeping{js: js, log: log, k: incident.New(), store: &incidentStore{js: js, log: log}, notices: newNoticeQueue(js, log), old: &upkeep{js: js, log: log},
		now: now, every: keptEvery, groups: map[string]groupAt{}, settings: map[settingOf]time.Time{}, facts: make(chan []input, 8), failed: make(chan error, 8), woken: make(chan struct{}, 1)}, nil
}

// add notes what becomes of a monitor. A nil keeping reads it later.
func (g *keeping) add(x input) {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.monitors = append(g.monitors, x)
	g.mu.Unlock()
	select {
	case g.woken <- struct{}{}:
	default:
	}
}

func (g *keeping) takeInputs() []input {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := g.monitors
	g.monitors = nil
	return list
}

// run keeps incidents until ctx ends or somebody else does.
func (g *keeping) run(ctx context.Context) error {
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		if err := g.decide(ctx); err != nil {
			return err
		}
		look.Reset(g.pause())
		select {
		case <-ctx.Done():
			g.stop(ctx)
			return ctx.Err()
		case err := <-g.failed:
			return err
		case list := <-g.facts:
			g.apply(list)
		case <-g.woken:
			g.apply(g.takeInputs())
		case <-look.C:
		}
		g.gather(ctx)
	}
}

// gather applies all that is there already, and of what comes until it is time to
// write again.
func (g *keeping) gather(ctx context.Context) {
	limit := time.NewTimer(time.Until(g.ready))
	defer limit.Stop()
	waits := time.Until(g.ready) > 0
	for n := 0; n < keepAtOnce; {
		select {
		case list := <-g.facts:
			g.apply(list)
			n += len(list)
			continue
		case <-g.woken:
			g.apply(g.takeInputs())
			continue
		default:
		}
		if !waits {
			return
		}
		select {
		case list := <-g.facts:
			g.apply(list)
			n += len(list)
		case <-g.woken:
			g.apply(g.takeInputs())
		case <-limit.C:
			waits = false
		case <-ctx.Done():
			return
		}
	}
}

// apply gives the keeper the facts of one stream.
func (g *keeping) apply(list []input) {
	for i := range list {
		x := &list[i]
		g.passed = append(g.passed, g.k.Pass(x.at)...)
		if x.apply != nil {
			x.apply(g)
		}
		g.moved = g.moved || x.apply != nil || x.from == fromAudit
		switch x.from {
		case fromVerdicts:
			g.at.Verdicts = x.number
		case fromIncidents:
			g.at.Incidents = x.number
			g.old.passed(x.size)
		case fromAudit:
			g.at.Audit = x.number
		}
		if x.at.After(g.at.At) {
			g.at.At = x.at
		}
	}
}

// decide stores what follows from what was applied, and from the time.
func (g *keeping) decide(ctx context.Context) error {
	now := g.now()
	if now.IsZero() {
		return nil
	}
	if now.After(g.at.At) {
		g.at.At = now
	}
	g.k.Advance(now)
	incidents, groups := append(g.passed, g.k.Changes()...), g.k.Groups()
	g.passed = nil
	for _, n := range g.k.Notices() {
		g.notices.want(n)
	}
	again, old, err := g.old.due(ctx, g.k.Open, incidents)
	if err != nil {
		return err
	}
	incidents = append(incidents, again...)
	if len(incidents)+len(groups) > 0 || old || g.moved && time.Since(g.saved) >= g.every {
		bytes, err := g.store.write(ctx, incidents, groups, g.at)
		if err != nil {
			return err
		}
		g.saved, g.moved = time.Now(), false
		g.ready = g.saved.Add(min(keepPause, time.Duration(bytes)*time.Second/keepRate))
		g.old.wrote(incidents)
		if err := g.publishGroups(ctx, groups); err != nil {
			return err
		}
	}
	g.sweep(ctx, now)
	return g.notices.publish(ctx)
}

// publishGroups publishes verdicts on groups, each behind the previous one.
func (g *keeping) publishGroups(ctx context.Context, list []wire.GroupVerdict) error {
	for _, v := range list {
		subject, err := wire.GroupVerdictSubject(v.Group)
		m := nats.NewMsg(subject)
		if err == nil {
			m.Data, err = json.Marshal(&v)
		}
		if err != nil {
			g.log.Error("could not publish a verdict on a group", "group", v.Group, "error", err)
			continue
		}
		at, err := storeOver(ctx, g.js, g.log, wire.VerdictsStream, m, g.groups[v.Group].sequence)
		if err != nil {
			return err
		}
		g.groups[v.Group] = groupAt{at, v}
	}
	return nil
}

// pause is how long nothing is to do, if nothing happens.
func (g *keeping) pause() time.Duration {
	wait := keepMost
	if now, next := g.now(), g.k.Next(); now.IsZero() {
		wait = 100 * time.Millisecond
	} else if !next.IsZero() {
		wait = min(wait, next.Sub(now))
	}
	if g.moved {
		wait = min(wait, g.every-time.Since(g.saved))
	}
	return max(keepLeast, min(wait, g.notices.pause()))
}

// stop writes how far it came, for as long as a stop may take.
func (g *keeping) stop(ctx context.Context) {
	if !g.moved || !g.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepStop)
	defer cancel()
	g.saved = time.Time{}
	if err := g.decide(ctx); err != nil {
		g.log.Debug("could not store how far incidents are decided", "error", err)
	}
}
