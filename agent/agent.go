package agent

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"netmon/agent/policy"
	"netmon/agent/spool"
	"netmon/identity"
	"netmon/internal/auditlog"
	"netmon/probes"
	"netmon/wire"
)

// How long a stop may take: probes under way may end, then what is measured is delivered.
const (
	probeGrace   = 1500 * time.Millisecond
	deliverGrace = 2 * time.Second
)

// Options of an agent.
type Options struct {
	ID      string            // a token: wire.CheckToken
	Labels  map[string]string // wire.CheckLabel
	State   string            // folder for the state file and the spool; made when missing
	Spool   spool.Options     // bounds of the results that wait for the broker
	Version string            // of netmon, as semantic version
	Kinds   probes.List       // what it can measure: those of netmon are kinds.All()
	// Connect makes the connection to the broker; the agent adds its own options.
	Connect func(...nats.Option) (*nats.Conn, error)
	// Trust, when not nil, is whose commands count: the broker lets nobody in whom
	// it does not know, and who commands signs.
	Trust *identity.Trust
	// Rotate, when not nil, changes the key that the connection came in with.
	Rotate func(context.Context, *nats.Conn) error
	// Follow, when not nil, keeps up with the authority of the mesh: see [identity.Follow].
	Follow func(context.Context, *nats.Conn) (identity.Followed, error)
	Domain string         // of JetStream, behind a leaf node; "" is found, as far as it can be
	Policy *policy.Policy // nil: that of an agent without a policy file
	Bodies int64          // what runs may hold of bodies, see [probes.Env]; 0 is its default
	Log    *slog.Logger
	Opened func() // when not nil, called each time the broker is reached; it must not block
	// Measured, when not nil, is called with each result, with its numbers where it is kept for the
	// broker. From any goroutine; it must not block, or change the result.
	Measured func(*wire.Result)

	claimAgain time.Duration // of tests: default claimAgain
}

// Agent runs monitors. Make one with New, run it once.
type Agent struct {
	o         Options
	log       *slog.Logger
	host      string
	instance  string
	started   time.Time
	env       *probes.Env
	policy    *policy.Policy
	asks      *rate.Limiter // of runs that are asked for
	runner    *runner
	spool     *spool.Spool  // opened by Run
	results   atomic.Uint64 // measured since started
	link      *link
	runs      context.Context // ends when probes must end
	cutRuns   context.CancelFunc
	probing   atomic.Int32
	rotating  atomic.Bool
	refusedAt atomic.Pointer[time.Time]
	replays   identity.Challenges    // guards against commands that come twice
	audits    *auditlog.Log          // who made the agent do what
	audit     chan auditLine         // of that, what is to be stored; has room for some
	beat      chan struct{}          // a heartbeat is wanted soon; has room for one
	authority atomic.Pointer[string] // fingerprint of the one that was reported last; nil without Trust
	following chan struct{}          // asks followLoop to look; has room for one
	reached   chan struct{}          // asks reachLoop to look; has room for one
	api       reach
	clock     brokerClock
	linked    chan struct{} // asks clockLoop to look; has room for one
	began     chan struct{} // closed when Run has opened what there is to describe
	kinds     []string
	cannot    map[string]string
	disabled  map[string]string

	mu           sync.Mutex // guards what follows
	set          *set
	stopping     bool
	was          bool // there is a state file: this agent was connected before
	stateProblem string
	sendProblem  string
	reachProblem string
	notes        []string
}

// New checks the options and reads the state file. The error holds every mistake.
func New(o Options) (*Agent, error) {
	var p wire.Problems
	p.Add("id", wire.CheckToken(o.ID))
	if o.ID == wire.Everywhere {
		p.Addf("id", "%q means every agent: choose another", o.ID)
	}
	p.Add("label", wire.CheckLabels(o.Labels))
	if o.Domain != "" {
		p.Add("js-domain", wire.CheckToken(o.Domain))
	}
	if len(o.Kinds) == 0 {
		p.Addf("kinds", "are missing: without any nothing can be measured")
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Policy == nil {
		var err error
		if o.Policy, err = policy.New(policy.Default(), o.Kinds, "default"); err != nil {
			return nil, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	a := &Agent{o: o, log: o.Log.With("agent", o.ID), host: host, instance: rand.Text(), started: time.Now(), policy: o.Policy, asks: newAskBudget(), env: enforce(o.Policy), beat: make(chan struct{}, 1), following: make(chan struct{}, 1), reached: make(chan struct{}, 1), linked: make(chan struct{}, 1), began: make(chan struct{}), audit: make(chan auditLine, auditRoom)}
	a.api.turn(o.Domain)
	a.audits = auditlog.New(a.note)
	a.env.Clock = a.clock.now
	a.env.Bodies = o.Bodies
	a.runner = newRunner(o.ID, a.record)
	a.runner.began = a.env.Launched
	a.runs, a.cutRuns = context.WithCancel(context.Background()) // #nosec G118 -- Run calls it at its end
	a.set = newSet(a.runs, a.runner, a.checkMonitor)
	a.set.policy = o.Policy
	a.link = &link{id: o.ID, instance: a.instance, known: o.Trust != nil, started: a.started, log: a.log, connect: o.Connect, opened: a.opened, again: o.claimAgain,
		serve: func(nc *nats.Conn) (func(), error) { return service(nc, o.ID, o.Version, o.Labels, a.command) }}
	a.link.init()
	if o.Trust != nil {
		now := o.Trust.Authority()
		a.authority.Store(&now)
	}
	return a, nil
}

// Run resumes what ran before and runs until ctx ends. It then lets probes end,
// delivers what is measured and waits for everything, within 5 s. The error is
// ErrIDInUse, or that the state folder cannot be used.
func (a *Agent) Run(ctx context.Context) error {
	if err := os.MkdirAll(a.o.State, 0o700); err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	unlock, err := lockDir(a.o.State)
	if err != nil {
		return fmt.Errorf("lock state folder: %w", err)
	}
	defer unlock()
	state, problem, err := loadState(a.o.State, a.o.ID)
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	a.o.Spool.Log, a.o.Spool.Mark, a.o.Spool.Unmarked = a.log, markOf, noTick
	sp, spoolProblem, err := spool.Open(filepath.Join(a.o.State, "spool"), a.o.Spool)
	if err != nil {
		return err
	}
	a.spool = sp
	a.kinds, a.cannot, a.disabled = abilities(a.o.Kinds, a.env)
	a.mu.Lock()
	for _, p := range []string{problem, spoolProblem} {
		if p != "" {
			a.log.Error(p)
			a.notes = append(a.notes, wire.Clip(p, wire.MaxReason))
		}
	}
	a.set.lastTick = func(name string) (time.Time, uint64, bool) {
		m, ok := a.spool.Marked(name)
		return time.Unix(0, m[0]), uint64(m[1]), ok // #nosec G115 -- as record wrote it
	}
	a.set.resume(state)
	a.was = state.Agent != ""
	a.link.lasting = a.was
	a.mu.Unlock()
	if a.o.Trust != nil && a.o.Trust.Problem() != nil {
		a.log.Error("trust", "error", a.o.Trust.Problem())
	}
	if n := len(state.Monitors); n > 0 {
		a.log.Info("resumed", "monitors", n, "file", filepath.Join(a.o.State, stateName))
	}

	// Three lives, each ends after the previous one: starting probes, probes
	// under way, sending what they measured.
	close(a.began)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	s := newSender(a.o.ID, a.spool, a.link, &a.api, a.log, a.setSendProblem)
	telling, stopTelling := context.WithCancel(sending)
	defer stopTelling()
	var loops, tells, sends sync.WaitGroup
	var linkErr error
	load := newOverload()
	defer load.close()
	a.runner.checkOverload = load.exceeded
	loops.Go(func() { a.runner.loop(ctx) })
	loops.Go(func() { a.beatLoop(ctx) })
	loops.Go(func() { a.followLoop(ctx) })
	loops.Go(func() { a.reachLoop(ctx) })
	loops.Go(func() { a.clockLoop(ctx) })
	sends.Go(func() { s.run(sending) })
	tells.Go(func() { a.auditLoop(telling) })
	sends.Go(func() {
		linkErr = a.link.run(sending)
		stop() // without its id the agent must not run
	})

	<-ctx.Done()
	a.mu.Lock()
	a.stopping = true
	a.mu.Unlock()
	loops.Wait()
	a.runner.finish(probeGrace, a.cutRuns)
	a.deliver(s)
	stopTelling()
	tells.Wait()
	stopSending()
	sends.Wait()
	a.link.close()
	return errors.Join(linkErr, a.spool.Close(), a.env.Close())
}

// record keeps one result until the broker has it.
func (a *Agent) record(r wire.Result) {
	a.results.Add(1)
	r.Agent = a.o.ID
	r.Fit()
	mark := spool.Mark{r.Due.UnixNano(), int64(r.Covers)} // #nosec G115 -- what the runner counted
	if r.Asked != "" {
		mark = spool.Mark{} // it is not a tick: the last one is the previous one
	}
	err := a.spool.AppendMarked(r.Monitor, mark, func(buf []byte, epoch string, seq, run uint64) ([]byte, error) {
		r.Epoch, r.Seq, r.Run = epoch, seq, run
		return r.AppendJSON(buf)
	})
	if err != nil {
		a.log.Error("could not store a result", "monitor", r.Monitor, "error", err)
		r.Epoch, r.Seq, r.Run = "", 0, 0
	}
	if a.o.Measured != nil {
		a.o.Measured(&r)
	}
}

// markOf is what record marks a result with.
func markOf(data []byte) (spool.Mark, bool) {
	var r struct {
		Due    time.Time `json:"due"`
		Covers uint64    `json:"covers"`
		Asked  string    `json:"asked"`
	}
	if err := json.Unmarshal(data, &r); err != nil || r.Due.IsZero() || r.Asked != "" {
		return spool.Mark{}, false
	}
	return spool.Mark{r.Due.UnixNano(), int64(r.Covers)}, true // #nosec G115 -- as record wrote it
}

// noTick says that record did not mark a result.
func noTick(data []byte) bool {
	if !bytes.Contains(data, []byte(`"asked":"`)) { // nearly all: a restart must not decode each of them
		return false
	}
	_, ok := markOf(data)
	return !ok
}

// deliver waits for the spool to empty, as far as the link allows, and says goodbye.
func (a *Agent) deliver(s *sender) {
	if a.link.current() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), deliverGrace)
	defer cancel()
	for ctx.Err() == nil && a.link.current() != nil {
		pending, _, _ := a.spool.Figures()
		if pending == 0 {
			break
		}
		select {
		case <-ctx.Done():
			a.log.Warn("stopping with results that the broker has not acknowledged: they are kept for the next start", "results", pending)
		case <-s.acked:
		}
	}
	a.sendAlive(true)
}

func (a *Agent) setSendProblem(p string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p != "" && a.sendProblem == "" {
		a.log.Warn("results are queued here", "reason", p)
	}
	if p == "" && a.sendProblem != "" {
		a.log.Info("results are being sent again")
	}
	a.sendProblem = p
}

// opened announces the agent before anybody learns that it exists.
func (a *Agent) opened() {
	a.sendAlive(false)
	a.follow()
	select {
	case a.reached <- struct{}{}:
	default:
	}
	select {
	case a.linked <- struct{}{}:
	default:
	}
	a.mu.Lock()
	if a.o.Trust != nil && !a.was {
		a.saveLocked() // from now on the id is ours: see ErrIDInUse
		a.was = true
	}
	a.mu.Unlock()
	if a.o.Opened != nil {
		a.o.Opened()
	}
}

// changed asks for a heartbeat soon.
func (a *Agent) changed() {
	select {
	case a.beat <- struct{}{}:
	default:
	}
}
