package tail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	batch = 2000 // messages in one pull, at most
	// ahead is how much one pull may bring, bytes, by the size of those before it.
	// The broker would cut off a reader for which it holds 64 MiB.
	ahead  = 4 << 20
	expiry = 30 * time.Second
	// heartbeat is how often the broker says that it is there, while a pull
	// waits; two missed ones are too many.
	heartbeat = 2 * time.Second
	// gather is the least time between two pulls. What comes meanwhile is sent
	// and read at once: at 10,000 messages a second a reader that gets each as it
	// comes is woken 2,000 times a second, and the broker with it.
	gather = 5 * time.Millisecond
)

var (
	errSilent = errors.New("the broker is silent")
	errBroken = errors.New("the connection was lost")
)

// puller reads one consumer: each pull waits for the first message, and then
// takes what is there.
type puller struct {
	nc     *nats.Conn
	next   string // subject of pulls
	inbox  string
	sub    *nats.Subscription
	ch     chan *nats.Msg
	broken chan struct{} // closed when nothing can come any more
	once   sync.Once     // to close it
	quiet  *time.Timer
	heard  *atomic.Int64 // when something came, nanoseconds

	gather time.Duration // between two pulls once all was read, if that is longer than usual

	asked time.Time // when the last pull was sent
	left  int       // messages that it may still bring; 0 when it has ended
	all   bool      // it brought all that was there
	size  int       // bytes of a message, on average
	held  *nats.Msg // read, and not handed out
}

func newPuller(nc *nats.Conn, next string, gather time.Duration, heard *atomic.Int64) (*puller, error) {
	// One pull is under way, and heartbeats: the channel never overflows.
	p := &puller{nc: nc, next: next, inbox: nc.NewInbox(), ch: make(chan *nats.Msg, batch+100), broken: make(chan struct{}), quiet: time.NewTimer(0), gather: gather, heard: heard, size: 8 << 10}
	var err error
	p.sub, err = nc.ChanSubscribe(p.inbox, p.ch)
	return p, err
}

// end makes get return, from another goroutine too.
func (p *puller) end() {
	p.once.Do(func() {
		p.sub.Unsubscribe()
		close(p.broken)
	})
}

// get returns the next message of the stream.
func (p *puller) get(ctx context.Context) (*nats.Msg, error) {
	for {
		m := p.ready()
		p.held = nil
		if m == nil {
			if p.left == 0 {
				if err := p.pull(ctx); err != nil {
					return nil, err
				}
			}
			p.quiet.Reset(2 * heartbeat)
			select {
			case m = <-p.ch:
			case <-p.quiet.C:
				return nil, errSilent
			case <-p.broken:
				return nil, errBroken
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		p.heard.Store(time.Now().UnixNano())
		if m.Reply != "" { // what the broker says of the pull has none
			p.left--
			p.size += (m.Size() - p.size) / 16
			return m, nil
		}
		switch status := m.Header.Get("Status"); status {
		case "100": // a heartbeat
		case "404", "408": // all that was there, or nothing for long
			p.left, p.all = 0, true
		default:
			return nil, fmt.Errorf("the broker ended a pull: %s %s", status, m.Header.Get("Description"))
		}
	}
}

// ready is the next message if it is here already, else nil.
func (p *puller) ready() *nats.Msg {
	if p.held == nil {
		select {
		case p.held = <-p.ch:
		default:
		}
	}
	return p.held
}

// pull asks for more.
func (p *puller) pull(ctx context.Context) error {
	least := gather
	if p.all {
		least = max(gather, p.gather)
	}
	if wait := least - time.Since(p.asked); wait > 0 {
		p.quiet.Reset(wait)
		select {
		case <-p.quiet.C:
		case <-p.broken:
			return errBroken
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	// Without no_wait what is there and what comes later would both come by one
	// pull, each as it comes; with it the pull ends with what is there.
	n := min(batch, max(1, ahead/max(1, p.size)))
	req, err := json.Marshal(map[string]any{"batch": n, "no_wait": true, "expires": expiry, "idle_heartbeat": heartbeat})
	if err != nil {
		return err
	}
	p.asked, p.left, p.all = time.Now(), n, false
	return p.nc.PublishRequest(p.next, p.inbox, req)
}
