package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/notify/policy"
	"netmon/wire"
)

// Options are what a notifier is made of.
type Options struct {
	Connect func(...nats.Option) (*nats.Conn, error)
	Accept  func(m *nats.Msg) error // says whether a saved setting may be obeyed; nil: all may
	// Asker is who asks for a channel to be tried; nil: who the request says.
	Asker   func(m *nats.Msg) (name string, err error)
	Policy  *policy.Policy
	Host    string                            // where this runs; a token
	Mesh    string                            // what messages call the mesh; "" is netmon
	Version string                            // netmon's
	Beside  func(context.Context, *nats.Conn) // runs while it is connected, until its context ends; may be nil
	Link    func(incident string) string      // to a page about an incident; may be nil
	Opened  func()                            // called when it is connected and knows the channels; may be nil
	Log     *slog.Logger
}

// Notifier sends by the channels that are saved, as far as its host's policy lets it and
// no other notifier does.
type Notifier struct {
	o       Options
	timings timings
	step    func(at step) // called between any two steps of a notice; tests stop there
}

// step is a moment between what is done for a notice.
type step string

const (
	stepTaken  step = "taken"
	stepRead   step = "read"
	stepSend   step = "about to be sent"
	stepSent   step = "sent, and not noted"
	stepNoted  step = "noted, and in the queue"
	stepClosed step = "out of the queue"
)

// timings are those that tests make shorter.
type timings struct {
	backoff   backoff
	status    time.Duration // between two words on a channel's status
	check     time.Duration // between two checks whether a channel can be sent
	grace     time.Duration // for what is being sent when this ends
	send      time.Duration // for one try
	fetch     time.Duration // one request for notices
	late      time.Duration // a notice that waits so long is a sign that something is wrong
	gone      time.Duration // an incident that is not there for so long is not stored any more
	pause     time.Duration // after a request that failed
	tests     time.Duration // in which so many tests may be sent
	testsMost int
}

var usual = timings{
	backoff: backoff{first: 5 * time.Second, most: 10 * time.Minute, until: 24 * time.Hour},
	status:  wire.ChannelStatusEvery, check: 10 * time.Second, grace: 5 * time.Second, send: time.Minute, fetch: 20 * time.Second,
	late: 5 * time.Minute, gone: time.Minute, pause: time.Second, tests: time.Minute, testsMost: 6,
}

// New makes a notifier. It does nothing until Run.
func New(o Options) *Notifier {
	if o.Mesh == "" {
		o.Mesh = "netmon"
	}
	return &Notifier{o: o, timings: usual, step: func(step) {}}
}

// Run sends until ctx ends, and returns when what was being sent is, or was given up.
func (n *Notifier) Run(ctx context.Context) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		began := time.Now()
		err := n.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		n.o.Log.Error("notifier", "error", err)
		if time.Since(began) > time.Minute {
			wait = 250 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// connection is what the parts of a notifier have in common while it is connected.
type connection struct {
	*Notifier
	nc        *nats.Conn
	js        jetstream.JetStream
	control   jetstream.KeyValue
	incidents jetstream.Stream
	opened    sync.Once

	known *known
	need  sync.Once
	after func(func(context.Context)) // runs something until the connection ends
}

// needKnown has incidents followed, for the first who needs them.
func (c *connection) needKnown() {
	c.need.Do(func() { c.after(func(ctx context.Context) { c.known.follow(ctx, c) }) })
}

func (n *Notifier) once(ctx context.Context) error {
	nc, err := n.o.Connect(nats.Name("netmon notifier"), nats.IgnoreAuthErrorAbort(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	c := &connection{Notifier: n, nc: nc, js: js, known: newKnown(), after: func(do func(context.Context)) { parts.Go(func() { do(ctx) }) }}
	if n.o.Beside != nil {
		c.after(func(ctx context.Context) { n.o.Beside(ctx, nc) })
	}
	if c.control, err = wait(ctx, c, "the bucket "+wire.ControlBucket, func(ctx context.Context) (jetstream.KeyValue, error) { return js.KeyValue(ctx, wire.ControlBucket) }); err != nil {
		return fmt.Errorf("open the bucket %s: %w", wire.ControlBucket, err)
	}
	if c.incidents, err = wait(ctx, c, "the stream "+wire.IncidentsStream, func(ctx context.Context) (jetstream.Stream, error) { return js.Stream(ctx, wire.IncidentsStream) }); err != nil {
		return fmt.Errorf("open the stream %s: %w", wire.IncidentsStream, err)
	}
	return c.follow(ctx)
}

// wait asks until what a controller makes is there, and says when that takes long.
func wait[T any](ctx context.Context, c *connection, what string, open func(context.Context) (T, error)) (T, error) {
	began, told := time.Now(), false
	for {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		v, err := open(try)
		cancel()
		if err == nil || errors.Is(err, nats.ErrConnectionClosed) || ctx.Err() != nil {
			return v, err
		}
		if !told && time.Since(began) > 10*time.Second {
			told = true
			if why := c.nc.LastError(); why != nil && !c.nc.IsConnected() {
				err = why
			}
			c.o.Log.Warn("wait for "+what, "error", err)
		}
		select {
		case <-ctx.Done():
			return v, ctx.Err()
		case <-time.After(c.timings.pause):
		}
	}
}
