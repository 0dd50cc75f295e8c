package icmp

import (
	"context"
	"net/netip"
	"sync"

	"netmon/probes"
)

// async is a run of one request that holds no goroutine. The engine's
// reader ends it, or Stop does. All that it needs is in one allocation.
type async struct {
	run run // guarded by its engine's mu, as it says

	mu     sync.Mutex // guards what follows; taken before the engine's
	series series
	over   bool
	cut    func(cause error) // ends what the run has gone over to; nil before

	sent     [1]request // where the slices of run and series begin
	seqs     [1]uint16
	answered [1]bool
	events   [2]event
}

// Start implements [probes.Starter] for a single request to an address by the shared
// socket.
func (p Probe) Start(run *probes.Run) (probes.Pending, bool) {
	to, err := netip.ParseAddr(run.Target)
	if to = to.Unmap(); err != nil || !p.MatchesFamily(to) || p.Count != 1 || p.Wait > 0 || p.private() || run.Watched() {
		return nil, false
	}
	if run.Allow("icmp", to.String(), netip.AddrPortFrom(to, 0)) != nil {
		return nil, false // Measure says why not
	}
	shared, err := socketsOf(run.Env, to.Is6())
	if err != nil {
		return nil, false
	}
	e, err := shared.acquire(to, run.Prev, run.Started)
	if err != nil { // Measure takes a socket of the run's own
		return nil, false
	}
	a := &async{series: series{Probe: p, run: run, to: to, last: true}}
	a.series.sent = a.sent[:0]
	a.run.async, a.run.seqs, a.run.answered, a.run.events = a, a.seqs[:0], a.answered[:0], a.events[:0]
	a.mu.Lock() // the reply may be here before the request is noted
	defer a.mu.Unlock()
	e.begin(&a.run, to, p.Size)
	q, _, err := a.run.sendBy(e.sock.sendNow)
	if err != nil { // Measure waits for room, or says what is wrong
		a.over = true
		a.run.close()
		return nil, false
	}
	run.Started = q.sent
	run.Reached(to.String())
	a.series.noteSent(q)
	return a, true
}

// progress takes what came.
func (a *async) progress() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.series.run.RecoverPanics(func() {
		a.series.drain(&a.run)
		switch {
		case a.series.done():
			a.end(nil)
		case a.series.noisy:
			a.again()
		}
	})
}

// Stop implements [probes.Pending].
func (a *async) Stop(cause error) {
	// A reply may have waited there in time.
	behind := cause == context.DeadlineExceeded && a.run.engine.read()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cut != nil {
		a.cut(cause)
	}
	if a.over {
		return
	}
	a.series.blind = behind
	if cause == context.DeadlineExceeded {
		cause = nil // the figures say it
	}
	a.series.run.RecoverPanics(func() { a.end(cause) })
}

// again measures once more, by another socket. The caller holds mu.
func (a *async) again() {
	a.over = true
	a.run.close()
	run, probe := a.series.run, a.series.Probe
	ctx := run.StopContext()
	a.cut = ctx.Stop
	go run.RecoverPanics(func() {
		defer ctx.Stop(context.Canceled)
		run.End(probe.Measure(ctx, run))
	})
}

// end ends the run with its outcome. The caller holds mu.
func (a *async) end(err error) {
	a.over = true
	s := &a.series
	s.drain(&a.run)
	s.conclusion(&a.run)
	if q := s.sent[0]; q.state == answered { // what it waited to be read is not the target's
		s.took = q.rtt
		s.run.Ended = q.sent.Add(q.rtt)
	}
	d := s.figures()
	if err == nil {
		err = s.checkExpectations(&d)
	}
	s.run.End(d, err)
}
