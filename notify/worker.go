package notify

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/lease"
	"netmon/wire"
)

// worker has one channel, as it is saved, sent by this notifier whenever no other one
// does, and says why not where it cannot.
type worker struct {
	*connection
	name     string
	revision uint64
	channel  *channel // nil where problem says why
	problem  error
	paused   bool

	memory *memory
	ctx    context.Context // ends when no more notices are to be taken
	cancel context.CancelFunc
	done   chan struct{}
}

func newWorker(ctx context.Context, c *connection, name string, revision uint64, ch *channel, problem error) *worker {
	r := &worker{connection: c, name: name, revision: revision, channel: ch, problem: problem, done: make(chan struct{}), memory: &memory{all: map[string]remembered{}}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// start runs it as soon as the previous one has ended.
func (r *worker) start(before *worker) {
	go func() {
		defer close(r.done)
		if before != nil {
			before.stop()
			before.wait()
			r.memory = before.memory
		}
		r.run()
	}()
}

func (r *worker) stop() { r.cancel() }
func (r *worker) wait() { <-r.done }

func (r *worker) run() {
	for r.ctx.Err() == nil {
		problem := r.problem
		if problem == nil {
			problem = r.channel.check(r.o.Policy)
		}
		if problem == nil {
			if err := r.lead(); err != nil && r.ctx.Err() == nil {
				r.o.Log.Warn("channel", "channel", r.name, "error", err)
				r.pause(r.timings.pause)
			}
			continue
		}
		r.reportProblem(problem)
		r.pause(r.timings.check) // a file with a secret may come, or another notifier go
	}
}

func (r *worker) pause(d time.Duration) {
	select {
	case <-r.ctx.Done():
	case <-time.After(d):
	}
}

// reportProblem says why nobody sends, unless another notifier does.
func (r *worker) reportProblem(problem error) {
	key, err := wire.NotifierKey(r.name)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
	defer cancel()
	if _, err := r.control.Get(ctx, key); !errors.Is(err, jetstream.ErrKeyNotFound) {
		return
	}
	r.publishStatus(wire.ChannelStatus{Channel: r.name, Problem: problemText(problem), Revision: r.revision})
}

func problemText(err error) string {
	var lines []string
	for _, e := range wire.FieldErrors(err) {
		lines = append(lines, e.Error())
	}
	return wire.Clip(Line(strings.Join(lines, "; ")), wire.MaxText)
}

// lead waits until no other notifier has the channel, and sends by it then. When the
// worker is stopped, what is being sent has a moment to end, for which the lease is held.
func (r *worker) lead() error {
	key, err := wire.NotifierKey(r.name)
	if err != nil {
		return err
	}
	hold, drop := context.WithCancel(context.WithoutCancel(r.ctx))
	defer drop()
	var mu sync.Mutex
	sending := false
	unstop := context.AfterFunc(r.ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if sending {
			time.AfterFunc(r.timings.grace, drop)
			return
		}
		drop()
	})
	defer unstop()
	waiting := func(l wire.Lease) {
		r.o.Log.Debug("another notifier has the channel", "channel", r.name, "host", l.Host)
	}
	return lease.New(r.nc, r.control, key).Run(hold, waiting, func(held context.Context) error {
		mu.Lock()
		sending = true
		mu.Unlock()
		return newSending(r, held).run()
	})
}
