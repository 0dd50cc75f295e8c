// Package feed keeps a view model fed from the broker: what is saved, who is
// there, and what is measured.
package feed

import (
	"context"
	"sync"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

const (
	recent     = 5 * time.Minute // of results that a console begins with
	recentMost = 200_000         // of which there must not be more: the last ones do then
	pause      = time.Second     // before what ended is begun again
)

// Options of Run.
type Options struct {
	Client *console.Client
	Model  *view.Mesh
	Names  []string // only these monitors; none is all
	// Back tells that the broker was away and is back: what it says is read anew.
	Back <-chan struct{}
	// Ready, when not nil, is called once the model knows what is stored.
	Ready func()
	// Trouble, when not nil, is told why results cannot be read although the
	// broker is there, and nil when they can be again.
	Trouble func(error)
}

// Run feeds the model until ctx ends. An error says that there is no mesh to
// be read in the first place; a broker that goes away later is waited for.
func Run(ctx context.Context, o Options) error {
	store, err := o.Client.Monitors(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	monitors, agents := make(chan struct{}), make(chan struct{})
	back := [2]chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { share(ctx, o.Back, back[:]) })
	wg.Go(func() {
		ready := sync.OnceFunc(func() { close(monitors) })
		again(ctx, back[0], func(ctx context.Context) { watch(ctx, store, o.Model, ready) })
	})
	wg.Go(func() {
		ready := sync.OnceFunc(func() { close(agents) })
		again(ctx, back[1], func(ctx context.Context) {
			o.Client.FollowAgents(ctx, ready, func(a wire.Alive, seen time.Time) { o.Model.Heartbeat(a, seen, time.Now()) })
		})
	})
	for _, first := range []chan struct{}{monitors, agents} {
		select {
		case <-first:
		case <-ctx.Done():
			return nil
		}
	}
	backfill(ctx, o)
	if o.Ready != nil {
		o.Ready()
	}
	o.follow(ctx)
	return nil
}

// follow gives the model every result until ctx ends.
func (o Options) follow(ctx context.Context) {
	told := ""
	tell := func(err error) {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if o.Trouble != nil && text != told {
			o.Trouble(err)
		}
		told = text
	}
	for ctx.Err() == nil {
		err := o.Client.Follow(ctx, console.Filter{Monitors: o.Names, Last: true, Trouble: tell}, func() { tell(nil) }, func(r wire.Result) error {
			o.Model.Result(r, time.Now())
			return nil
		})
		if err != nil && o.Client.Connected() {
			tell(err)
		}
		if err != nil {
			wait(ctx, pause)
		}
	}
}

// backfill gives the model the results of the last minutes, where they are not
// too many. Those that the snapshot brings once more are known then.
func backfill(ctx context.Context, o Options) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	f := console.Filter{Monitors: o.Names, Since: time.Now().Add(-recent)}
	if n, err := o.Client.Count(ctx, f); err != nil || n > recentMost {
		return
	}
	// An error costs a shorter past, and nothing else.
	_ = o.Client.Results(ctx, f, time.Time{}, func(r wire.Result) error {
		o.Model.Result(r, time.Now())
		return nil
	})
}

// watch tells the model of the saved monitors; those that went while nobody
// told are dropped.
func watch(ctx context.Context, store *console.Store, m *view.Mesh, ready func()) {
	names := map[string]bool{}
	begun := false
	_ = store.Watch(ctx, func() {
		begun = true
		m.Only(names)
		ready()
	}, func(name string, saved *wire.Saved, problem error) {
		if !begun && (saved != nil || problem != nil) {
			names[name] = true
		}
		m.Saved(name, saved, problem, time.Now())
	})
}

// again runs do until ctx ends: anew when it ends, and when the broker is back.
func again(ctx context.Context, back <-chan struct{}, do func(context.Context)) {
	for ctx.Err() == nil {
		one, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); do(one) }()
		select {
		case <-back:
			stop()
			<-done
		case <-done:
			stop()
			wait(ctx, pause)
		}
	}
}

// share passes each of in on to all of out, without waiting for them.
func share(ctx context.Context, in <-chan struct{}, out []chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-in:
			if !ok {
				return
			}
			for _, c := range out {
				select {
				case c <- struct{}{}:
				default:
				}
			}
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
