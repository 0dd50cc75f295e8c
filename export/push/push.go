package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

// Destination is where results and verdicts go.
type Destination struct {
	Name    string        // its kind and address for people, without secrets
	File    string        // names the file of its position; "" keeps none
	Sink    Sink          // sends to it
	Most    int           // results and verdicts in one batch
	Every   time.Duration // how long what comes is gathered
	Repeats bool          // states of monitors are repeated once a minute
	Apart   bool          // results and verdicts go in requests of their own
	Grace   time.Duration // for what is under way when the work is to end; 0 is 10 s
	Warning string        // what an operator should know of how it is reached
}

// filing is a sink that keeps part of its position itself.
type filing interface {
	// resume continues at a position, and may change it; found is false for a new one.
	resume(at *Position, found bool) error
	prepare(at *Position) error // before a batch
	note(at *Position)          // after it
}

// Options are what a Pusher works with.
type Options struct {
	JetStream    jetstream.JetStream
	Folder       string // of positions
	All          bool   // a new destination gets all that is stored, not only what comes next
	Destinations []Destination
	Tags         *Tags // filled by Run; sinks may read them
	Log          *slog.Logger
	Say          func(line string) // what an operator should know, a line each; nil says nothing
}

// Pusher sends to destinations. Close lets go of their positions.
type Pusher struct {
	Options
	tags       *Tags
	deliveries []*delivery
	pause      time.Duration // after the first try that failed
	most       bounds

	saying sync.Mutex
}

// New takes the positions of all destinations, which are those of this mesh.
func New(ctx context.Context, o Options) (*Pusher, error) {
	p := &Pusher{Options: o, tags: o.Tags, pause: pauseFirst, most: bounds{aheadMost, windowMost}}
	if p.tags == nil {
		p.tags = &Tags{}
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	monitors, err := retry.Stream(ctx, o.JetStream, monitorsStream)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", monitorsStream, err)
	}
	mesh := wire.StoreID(monitors.CachedInfo().Created)
	var errs []error
	for _, to := range o.Destinations {
		d := &delivery{Destination: to, o: p, log: p.Log.With("destination", to.Name), results: make(chan chunk), changes: make(chan change),
			line: timeline{states: map[string]*state{}}, seen: numbers{}, reported: map[string]time.Time{}, counting: counting{is: Stats{Destination: to.Name}}}
		if to.Warning != "" {
			d.log.Warn(to.Warning)
		}
		if err := d.openStore(mesh); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", to.Name, err))
		}
		p.deliveries = append(p.deliveries, d)
	}
	if err := errors.Join(errs...); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// openStore takes the position, by the destination and the mesh: two meshes may send to the
// same receiver.
func (d *delivery) openStore(mesh string) error {
	found := false
	if d.File != "" {
		var err error
		if d.store, d.at, found, err = openStore(d.o.Folder, fileName(d.File, "", mesh)); err != nil {
			return err
		}
	}
	if f, ok := d.Sink.(filing); ok {
		return f.resume(&d.at, found)
	}
	return nil
}

// Close lets others take the positions.
func (p *Pusher) Close() {
	for _, d := range p.deliveries {
		if c, ok := d.Sink.(io.Closer); ok {
			_ = c.Close() // all of it was synced
		}
		d.store.close()
	}
}

// Stats is what became of each destination. It may be asked while Run runs.
func (p *Pusher) Stats() []Stats {
	out := make([]Stats, len(p.deliveries))
	for i, d := range p.deliveries {
		out[i] = d.counting.get()
	}
	return out
}

func (p *Pusher) say(format string, args ...any) {
	if p.Say == nil {
		return
	}
	p.saying.Lock()
	defer p.saying.Unlock()
	p.Say(fmt.Sprintf(format, args...))
}

// Run sends until ctx ends, which is no error, or until nothing can be sent to any
// destination. What is under way then is finished within 10 s, and the
// positions are stored.
func (p *Pusher) Run(ctx context.Context) error {
	err := p.run(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // it was just beginning
	}
	return err
}

func (p *Pusher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	follow, err := p.tags.open(ctx, p.JetStream)
	if err != nil {
		return fmt.Errorf("read the saved monitors: %w", err)
	}
	from, err := p.places(ctx)
	if err != nil {
		cancel(nil)
		_ = follow()
		return err
	}
	var running sync.WaitGroup
	ended := make([]error, len(p.deliveries))
	left := atomic.Int64{}
	left.Store(int64(len(p.deliveries)))
	src := newSource(p.JetStream, p.Log, p.most)
	for i, d := range p.deliveries {
		cur := src.open(d.at.Results, d.at.Results.same(from))
		running.Go(func() {
			if ended[i] = d.carry(ctx, cur); ctx.Err() != nil {
				return
			}
			if left.Add(-1) == 0 {
				cancel(nil)
			} else {
				p.say("%v: nothing more is sent there", ended[i])
			}
		})
	}
	start := func(what string, run func() error) {
		running.Go(func() {
			if err := run(); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	start("read the saved monitors", follow)
	start("read stream "+wire.ResultsStream, func() error { return src.run(ctx, from) })
	running.Wait()
	for _, s := range p.Stats() {
		p.say("%s: %s", s.Destination, s.summary())
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		ended = append(ended, cause)
	}
	return errors.Join(ended...)
}

// carry reads for one destination, and sends, until ctx ends or nothing can be sent there
// any more.
func (d *delivery) carry(ctx context.Context, cur *cursor) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var reading sync.WaitGroup
	read := func(stream string, read func() error) {
		reading.Go(func() {
			if err := read(); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("read stream %s: %w", stream, err))
			}
		})
	}
	read(wire.ResultsStream, func() error {
		defer cur.close()
		for {
			results, err := cur.read(ctx)
			if err != nil {
				return err
			}
			select {
			case d.results <- chunk{results, cur.behind}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	})
	at := d.at.Verdicts
	read(wire.VerdictsStream, func() error {
		return readVerdicts(ctx, d.o.JetStream, at, d.log, func(t *tail.Tail) { d.tail.Store(t) }, d.changes)
	})
	err := d.run(ctx)
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	cancel(nil)
	reading.Wait()
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	return nil
}

// places resolves where each destination continues, and is where the first of them is.
func (p *Pusher) places(ctx context.Context) (first Place, err error) {
	var infos [2]*jetstream.StreamInfo
	for i, name := range []string{wire.ResultsStream, wire.VerdictsStream} {
		s, err := retry.Stream(ctx, p.JetStream, name)
		if err != nil {
			return first, fmt.Errorf("open stream %s: %w", name, err)
		}
		infos[i] = s.CachedInfo()
	}
	held, err := lastVerdicts(ctx, p.JetStream)
	if err != nil {
		return first, fmt.Errorf("read stream %s: %w", wire.VerdictsStream, err)
	}
	for _, d := range p.deliveries {
		if d.at.Results.Life.IsZero() {
			d.at.Minute = due(time.Now()) - 1
		}
		d.place(infos[0], &d.at.Results, p.All)
		d.place(infos[1], &d.at.Verdicts, p.All)
		d.hand.behind, d.hand.came = waiting(infos[0], d.at.Results), time.Now()
		d.line.minute = d.at.Minute
		d.line.bound(due(time.Now()))
		d.at.Minute = d.line.minute
		for _, c := range held {
			if c.verdict != nil && c.sequence <= d.at.Verdicts.Sequence {
				d.line.hold(c.verdict)
			}
		}
		if err := d.store.write(d.at); err != nil {
			return first, fmt.Errorf("%s: store the position: %w", d.Name, err)
		}
		d.stored = true
		if d.at.Results.Life.Equal(infos[0].Created) && d.at.Results.Sequence >= first.Sequence {
			first = d.at.Results
		}
	}
	return first, nil
}

// waiting is how many messages of a stream are behind a place.
func waiting(info *jetstream.StreamInfo, at Place) uint64 {
	first := max(info.State.FirstSeq, at.Sequence+1)
	return max(info.State.LastSeq+1, first) - first
}

// heard is when the broker last said something about verdicts.
func (d *delivery) heard() time.Time {
	if t := d.tail.Load(); t != nil {
		return t.Heard()
	}
	return time.Time{}
}
