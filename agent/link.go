package agent

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"netmon/internal/retry"
	"netmon/wire"
)

// ErrIDInUse is returned by Run when another live agent has the same id. Where
// the broker has identities, only an agent is ended by it that was never
// connected, with this state folder: what others answer about an id is not signed,
// and must not end an agent that measures.
var ErrIDInUse = errors.New("agent id is in use")

// claimGrace is how long another agent with our id has to answer, beyond the
// round trip to the broker.
const claimGrace = 500 * time.Millisecond

// claimAgain is how often an agent asks whether its id is its own again.
const claimAgain = time.Minute

// link holds the one connection to the broker and makes it again for as long as
// the agent lives. It is open only while the connection is up and the agent's
// id is known to be ours; nothing is published on a link that is not open.
type link struct {
	id, instance string
	known        bool // the broker has identities: see Options.Trust
	started      time.Time
	log          *slog.Logger
	connect      func(...nats.Option) (*nats.Conn, error)
	serve        func(*nats.Conn) (stop func(), err error) // takes commands on a new connection
	opened       func()                                    // called each time the link opens
	again        time.Duration                             // default claimAgain

	// lasting says that the id was ours before, in this life or another one: that
	// somebody else claims it no longer ends us. It belongs to run's goroutine.
	lasting bool

	events chan struct{} // something about the connection changed; has room for one
	asked  atomic.Bool   // another agent asked for our id
	denied atomic.Bool   // it was logged that the broker does not let us in
	other  atomic.Bool   // it was logged that the broker has a certificate that we do not trust

	mu   sync.Mutex // guards what follows
	nc   *nats.Conn
	open chan struct{} // closed while the link is open
	rtt  time.Duration // to the broker, when the link opened
}

// roundTrip is the time to the broker and back, when the link opened.
func (l *link) roundTrip() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rtt
}

func (l *link) init() {
	l.again = cmp.Or(l.again, claimAgain)
	l.events = make(chan struct{}, 1)
	l.open = make(chan struct{})
}

// wait blocks until the link is open, and returns its connection; nil when ctx ended first.
func (l *link) wait(ctx context.Context) *nats.Conn {
	for {
		l.mu.Lock()
		open := l.open
		l.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-open:
		}
		if nc := l.current(); nc != nil && nc.IsConnected() {
			return nc
		}
		l.setClosed() // it went down, and the event is still on its way
		l.wake()
	}
}

// current returns the connection while the link is open, else nil.
func (l *link) current() *nats.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		return l.nc
	default:
		return nil
	}
}

func (l *link) setClosed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		l.open = make(chan struct{})
	default:
	}
}

func (l *link) wake() {
	select {
	case l.events <- struct{}{}:
	default:
	}
}

// challenge makes the link find out again whether the id is ours.
func (l *link) challenge() {
	l.asked.Store(true)
	l.wake()
}

// run keeps a connection until ctx ends. A connection that the client library
// gave up for good is replaced by a new one.
func (l *link) run(ctx context.Context) error {
	for wait := time.Duration(0); ; wait = min(30*time.Second, max(time.Second, 2*wait)) {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait/2 + rand.N(wait/2+1)): // #nosec G404 -- spreads agents over time
		}
		begin := time.Now()
		err := l.hold(ctx)
		if errors.Is(err, ErrIDInUse) || ctx.Err() != nil {
			return err
		}
		l.log.Warn("gave up the connection, making a new one", "error", err)
		if time.Since(begin) > time.Minute {
			wait = 0
		}
	}
}

// hold makes one connection and follows it until it is closed or ctx ends.
// When ctx ends the connection stays, for what is still to be delivered: close it.
func (l *link) hold(ctx context.Context) error {
	told := false // handlers run one at a time
	var holding atomic.Pointer[nats.Conn]
	again := retry.Connects{}
	nc, err := l.connect(
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.IgnoreAuthErrorAbort(),
		nats.ReconnectBufSize(-1), nats.CustomReconnectDelay(func(int) time.Duration { return again.After(holding.Load().LastError()) }),
		nats.PingInterval(3*time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(5*time.Second),
		nats.DrainTimeout(2*time.Second), nats.Name("netmon agent "+l.id), nats.CustomInboxPrefix("_INBOX_"+l.id),
		nats.ConnectHandler(func(*nats.Conn) { l.wake() }),
		nats.ReconnectHandler(func(*nats.Conn) { l.wake() }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { // also of the first attempt
			if ctx.Err() == nil && !l.shutOut(err) && !l.stranger(err) && !told {
				told = true
				l.log.Warn("cannot reach the broker; still measuring, and trying again", "error", err)
			}
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			told = true
			if ctx.Err() == nil && !l.shutOut(err) && !l.denied.Load() { // it said why before it hung up
				l.log.Warn("lost the connection to the broker; still measuring", "error", err)
			}
			l.setClosed()
			l.wake()
		}),
		nats.ClosedHandler(func(*nats.Conn) { l.wake() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !l.shutOut(err) {
				l.log.Warn("nats", "error", err)
			}
		}),
	)
	if err != nil {
		return err
	}
	holding.Store(nc)
	l.mu.Lock()
	l.nc = nc
	l.mu.Unlock()
	var serving func()
	defer func() {
		l.setClosed()
		if ctx.Err() == nil { // else the connection stays for the last results
			if serving != nil {
				serving()
			}
			nc.Close()
		}
	}()
	var claimed uint64   // the number of the connection on which the id was found to be ours
	var contested uint64 // and of that on which somebody else was found to have it
	var until time.Time  // then ask again
	for {
		held := nc.Stats().Reconnects == contested && time.Now().Before(until)
		switch {
		case nc.IsClosed():
			return fmt.Errorf("connection closed: %w", orUnknown(nc.LastError()))
		case nc.IsConnected() && !held && (l.current() == nil || nc.Stats().Reconnects != claimed || l.asked.Load()):
			l.asked.Store(false)
			n := nc.Stats().Reconnects
			if err := l.claim(ctx, nc, serving != nil); err != nil {
				switch {
				case errors.Is(err, ErrIDInUse) && l.known && l.lasting:
					if until.IsZero() {
						l.log.Error("another agent answers under this agent's id and says that it was first: it is a copy of this agent, or somebody who stole its key. "+
							"This agent keeps measuring and keeps its results, takes no commands, and claims its id again every minute. "+
							"Stop the copy; or shut the key out (netmon access revoke "+l.id+") and join again", "error", err)
					}
					l.setClosed()
					if serving != nil { // commands are for one of us
						serving()
						serving = nil
					}
					contested, until = n, time.Now().Add(l.again)
				case errors.Is(err, ErrIDInUse):
					return err
				}
				break // else the connection went away meanwhile; its event follows
			}
			if serving == nil {
				if serving, err = l.serve(nc); err != nil {
					return fmt.Errorf("take commands: %w", err)
				}
				continue // ask once more, now that others can see us too
			}
			claimed, until, l.lasting = n, time.Time{}, true
			l.setOpen(nc)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.events:
		case <-time.After(min(5*time.Second, l.again)): // an event may have been lost in a race
		}
	}
}

func (l *link) setOpen(nc *nats.Conn) {
	l.mu.Lock()
	isOpen := false
	select {
	case <-l.open:
		isOpen = true
	default:
		close(l.open)
	}
	l.mu.Unlock()
	l.denied.Store(false)
	l.other.Store(false)
	if !isOpen {
		l.log.Info("connected to the broker", "url", nc.ConnectedUrlRedacted())
		l.opened()
	}
}

// shutOut says whether err means that the broker does not let us in, and logs
// that once, with what to do: it is tried again and again.
func (l *link) shutOut(err error) bool {
	if !retry.Refused(err) {
		return false
	}
	if !l.denied.Swap(true) {
		l.log.Error("the broker does not let this agent in: it was shut out (netmon access revoke), it is suspended, "+
			"because it stored more than its share (netmon access ls shows that), or its credentials belong to another mesh. "+
			"This agent keeps measuring, keeps its results, and tries again at least every 5 minutes. A suspension ends by itself. Otherwise, to join again: netmon token new agent --id "+l.id+" there, netmon agent --join LINE here", "error", err)
	}
	return true
}

// stranger says whether err means that the broker's certificate is not by an
// authority that we trust, and logs that once, with what to do.
func (l *link) stranger(err error) bool {
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return false
	}
	if !l.other.Swap(true) {
		l.log.Error("the broker's certificate is not signed by the authority that this agent trusts: the mesh changed its authority without this agent "+
			"(netmon access authority there), this is another broker, or somebody is in between. This agent keeps measuring, keeps its results, and tries again. "+
			"To join again: netmon token new agent --id "+l.id+" --replace there, netmon agent --join LINE here", "error", err)
	}
	return true
}

// claim asks on our own command subject, or has the broker ask, who is there. Before we take commands
// ourselves any answer means that the id is taken. Later, of two agents with
// one id, the one that was started first keeps it.
func (l *link) claim(ctx context.Context, nc *nats.Conn, serving bool) error {
	rtt, err := nc.RTT()
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.rtt = rtt
	l.mu.Unlock()
	subject, err := wire.CommandSubject(l.id)
	if l.known {
		subject, err = wire.ClaimSubject(l.id)
	}
	if err != nil {
		return err
	}
	question, err := json.Marshal(wire.Command{Op: wire.OpInfo, Instance: l.instance})
	if err != nil {
		return err
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer sub.Unsubscribe()
	if err := nc.PublishRequest(subject, inbox, question); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, claimGrace+2*rtt)
	defer cancel()
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
			return nil
		}
		r, err := wire.DecodeReply(msg.Data)
		if err != nil || r.Info != nil && r.Info.Instance == l.instance {
			continue
		}
		if r.Info == nil {
			if l.known && r.OK {
				return nil // the broker found nobody
			}
			continue
		}
		other := r.Info
		older := other.Started.Before(l.started) || other.Started.Equal(l.started) && other.Instance < l.instance
		if !serving || older {
			return fmt.Errorf("%w: %q runs on host %s since %s: choose another id", ErrIDInUse, l.id, other.Host, other.Started.Format(time.RFC3339))
		}
	}
}

// service takes commands on nc, and shows the agent to `nats micro`.
func service(nc *nats.Conn, id, version string, labels map[string]string, handle func(data []byte, proof string, reply func(wire.Reply))) (stop func(), err error) {
	subject, err := wire.CommandSubject(id)
	if err != nil {
		return nil, err
	}
	meta := map[string]string{"agent": id}
	for k, v := range labels {
		meta["label."+k] = v
	}
	svc, err := micro.AddService(nc, micro.Config{Name: "netmon-agent", Version: version, Description: "netmon agent " + id, Metadata: meta})
	if err != nil {
		return nil, err
	}
	h := micro.HandlerFunc(func(req micro.Request) {
		handle(req.Data(), req.Headers().Get(wire.ProofHeader), func(r wire.Reply) { req.Respond(r.Encode()) })
	})
	if err := svc.AddEndpoint("cmd", h, micro.WithEndpointSubject(subject), micro.WithEndpointQueueGroupDisabled(), micro.WithEndpointMetadata(meta)); err != nil {
		svc.Stop()
		return nil, err
	}
	return func() { svc.Stop() }, nc.Flush()
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("the client library gives no reason")
	}
	return err
}

func (l *link) close() {
	l.mu.Lock()
	nc := l.nc
	l.mu.Unlock()
	if nc != nil {
		nc.Close()
	}
}
