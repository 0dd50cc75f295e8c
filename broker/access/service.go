package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/retry"
	"netmon/wire"
)

// queue makes one answer each request, should an earlier connection linger.
const queue = "netmon-access"

// gatesAtOnce is how many requests at one gate are handled at once: while a stream
// has no leader, each waits for [gateTry], and those about others come behind.
const gatesAtOnce = 16

// handleAll handles requests, one by one, until ctx ends.
func handleAll(ctx context.Context, requests <-chan *nats.Msg, handle func(context.Context, *nats.Msg)) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-requests:
			try, cancel := context.WithTimeout(ctx, 5*time.Second)
			handle(try, m)
			cancel()
		}
	}
}

// Service is how an authority reaches the mesh, and is reached.
type Service struct {
	Mesh  *nats.Conn                             // as the controller
	Push  func(context.Context, []Account) error // brings changed accounts to the servers
	URL   string                                 // tls://host:port, by which others join
	Hosts []string                               // further addresses that may take the place of URL's
	Ready func()                                 // when not nil, called once requests are answered
	Again <-chan struct{}                        // says when a server may have forgotten accounts; may be nil
	Share Share                                  // of what one agent may store; zero fields mean the default
	// Switch starts the servers again with the authority in force. It may be called
	// again after an error. nil: the servers are not ours, and the authority cannot change.
	Switch func(context.Context) error
}

// Serve answers requests for access, and stands between consoles and what they
// may change, until ctx ends.
func (a *Authority) Serve(ctx context.Context, o Service) error {
	mesh := o.Mesh
	js, err := jetstream.New(mesh)
	if err != nil {
		return err
	}
	s := &service{Service: o, a: a, receiver: identity.Receiver{Member: a.registry.signer, Challenges: &identity.Challenges{}}, nc: mesh, js: js,
		changed: map[string]bool{}, round: make(chan struct{}), wakeup: make(chan struct{}, 1), auditedRefusals: map[string]bool{}, lives: map[string]life{},
		departed: newDepartures(), taken: make(chan struct{}, 1),
		claims: newClaims(mesh, a.log), consumers: newConsumers(mesh, js)}
	s.saves = identity.Receiver{Member: a.saver, Challenges: s.receiver.Challenges}
	s.notes, s.warnings = newNotes(s.store, a.log), newWarnings(a.log)
	joins, err := newJoins(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	loops.Go(func() { s.pushLoop(ctx) })
	loops.Go(func() { s.watchShares(ctx) })
	loops.Go(func() { s.watchGone(ctx) })
	loops.Go(func() { s.watchSessions(ctx) })
	loops.Go(func() { s.notes.run(ctx) })
	loops.Go(func() { s.warnings.run(ctx) })
	loops.Go(func() { joins.work(ctx, joins.known) })
	loops.Go(func() { joins.work(ctx, joins.wrong) })
	var subs []*nats.Subscription
	defer func() {
		for _, sub := range subs {
			sub.Unsubscribe()
		}
		s.claims.stop()
	}()
	for _, g := range []struct {
		subject string
		handle  func(context.Context, *nats.Msg)
		atOnce  int
	}{
		{gateAccess + ".admin", s.admin, 1},
		{"access.rotate.*", s.rotate, 1},
		{"access.delegate.*", s.delegate, 1},
		{gateSave + ".>", s.saved(savedMonitors()), gatesAtOnce},
		{gateSettings + ".>", s.saved(savedSettings()), gatesAtOnce},
		{gateSets + ".>", s.saveSet, gatesAtOnce},
		{gateConsumer + ".>", s.consumer, gatesAtOnce},
		{gateReports + "." + wire.AllDeliveries, s.storeReport, gatesAtOnce},
		{gateReports + "." + wire.AllChannels, s.storeReport, 1}, // in order
		{gateLease + ".*", s.lease, gatesAtOnce},
	} {
		requests := make(chan *nats.Msg)
		for range g.atOnce {
			loops.Go(func() { handleAll(ctx, requests, g.handle) })
		}
		sub, err := mesh.QueueSubscribe(g.subject, queue, func(m *nats.Msg) {
			if m.Reply == "" && !strings.HasPrefix(g.subject, gateReports+".") {
				return // nobody waits for what would be done
			}
			select {
			case requests <- m:
			case <-ctx.Done():
			}
		})
		if err != nil {
			return fmt.Errorf("access: %w", err)
		}
		subs = append(subs, sub)
	}
	for _, l := range []*listener{
		{nc: mesh, subject: wire.AccessJoinSubject, credit: creditJoins, handle: joins.route},
		{nc: mesh, subject: "access.claim.*", credit: creditClaims, handle: s.claims.handle},
	} {
		if err := l.start(); err != nil {
			return fmt.Errorf("access: %w", err)
		}
		defer l.stop()
	}
	for _, listen := range []func() (*nats.Subscription, error){s.claims.listen, s.consumers.listen} {
		sub, err := listen()
		if err != nil {
			return fmt.Errorf("access: %w", err)
		}
		subs = append(subs, sub)
	}
	if err := mesh.Flush(); err != nil {
		return fmt.Errorf("access: %w", err)
	}
	// What was revoked while no server could be reached.
	if accounts, err := a.Accounts(); err != nil {
		return err
	} else if err := o.Push(ctx, accounts); err != nil {
		a.log.Error("could not send the servers who may connect; trying again", "error", err)
		s.update("")
	}
	loops.Go(func() { s.watchAuthority(ctx) })
	if o.Ready != nil {
		o.Ready()
	}
	closed := mesh.StatusChanged(nats.CLOSED)
	defer mesh.RemoveStatusListener(closed)
	select {
	case <-ctx.Done():
		return nil
	case <-closed:
		return fmt.Errorf("access: gave up the connection: %w", cmp.Or(mesh.LastError(), nats.ErrConnectionClosed))
	}
}

type service struct {
	Service
	a      *Authority
	nc     *nats.Conn
	js     jetstream.JetStream
	wakeup chan struct{} // to pushLoop; has room for one

	notes    *notes
	warnings *warnings

	reports budget // of deliveries

	claims    *claims
	consumers *consumers

	receiver identity.Receiver // of what changes something
	saves    identity.Receiver // of what is saved in buckets

	mu              sync.Mutex      // guards what follows
	changed         map[string]bool // accounts that the servers do not know yet
	pushing         map[string]bool // and those that is sent to them now
	round           chan struct{}   // closed, and made again, when they were told
	behind          error           // why not
	auditedRefusals map[string]bool // reasons of refused joins that are in the audit already
	lives           map[string]life // of buckets, by stream

	letting  sync.Mutex // guards forgiven, and who is suspended meanwhile
	forgiven []string   // agents that an admin let in again

	departed *departures // agents that were shut out a moment ago

	taken     chan struct{}          // something about a change of the authority is to be done
	switching atomic.Pointer[string] // why it is not
}

func (s *service) answer(m *nats.Msg, r wire.AccessReply, err error) {
	if err != nil {
		errs := wire.Invalid(err)
		r = wire.AccessReply{Error: &errs[0]}
		if r.Error.Code == wire.CodeChallenge {
			r.Challenge = s.receiver.Challenges.Now()
		}
	}
	r.OK = r.Error == nil
	data, err := json.Marshal(r)
	if err == nil {
		err = m.Respond(data)
	}
	if err != nil {
		s.warnings.report("access: answer", m.Subject, "", err)
	}
}

// note writes to the audit what was done, after everything that shuts somebody out:
// the audit may not answer. A change is always a line; of many that failed, some
// are counted. What may have been done though its answer was lost is a change.
// Who was not let in has no name yet: [service.first] bounds those.
func (s *service) note(e wire.Audit, err error) { s.noted(e, err)() }

// noted is note, but for waiting a moment until it is written.
func (s *service) noted(e wire.Audit, err error) (written func()) {
	e.At, e.OK = time.Now().UTC(), err == nil
	if err != nil {
		e.Error = err.Error()
	}
	return s.notes.add(e, err == nil || e.By == "" || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout))
}

// store writes a line of the audit.
func (s *service) store(ctx context.Context, e wire.Audit) {
	ctx, cancel := context.WithTimeout(ctx, retry.Patience)
	defer cancel()
	subject, err := wire.AuditSubject(e.Where)
	m := nats.NewMsg(subject)
	if err == nil {
		m.Data, err = e.Encode()
	}
	if err == nil {
		_, err = retry.Publish(ctx, s.js, m)
	}
	if err != nil {
		s.a.log.Error("audit: not stored", "by", e.By, "did", e.Did, "what", e.What, "error", err)
	}
}

// Where the audit's own entries are: see [wire.Audit].
const (
	whereAccess   = "access"
	whereMonitors = "monitors"
	whereSettings = "alerting"
)

// first says whether a reason comes up for the first time: anybody may repeat
// it, and the audit and the log have an end.
func (s *service) first(why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.auditedRefusals[why] || len(s.auditedRefusals) >= mostEntries {
		return false
	}
	s.auditedRefusals[why] = true
	return true
}

var errNotYours = errors.New("your role does not include it")

// changers are the roles that save monitors.
var changers = []wire.Role{wire.RoleOperator, wire.RoleAdmin}

// sender is who signed a request for something to be changed. The server's word
// does not count: subject is the one that was signed for.
func (s *service) sender(m *nats.Msg, subject string, roles ...wire.Role) (wire.Member, error) {
	who, err := s.receiver.Sender(m.Header.Get(wire.ProofHeader), subject, m.Data, roles...)
	if errors.Is(err, identity.ErrStale) {
		// It comes again at once, and counts then: what follows from a confirmation
		// (pushLoop) must not cost that one its answer.
		return wire.Member{}, err
	}
	if err != nil {
		s.warnings.report("refused", subject, who.Name, err)
	}
	return who, err
}
