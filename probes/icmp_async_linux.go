package probes

import (
	"context"
	"net/netip"
	"sync"
)

// icmpAsync is a run of one request that holds no goroutine. The engine's
// reader concludes it, or Stop does. All that it needs is in one allocation.
type icmpAsync struct {
	run icmpRun // guarded by its engine's mu, as it says

	mu     sync.Mutex // guards what follows; taken before the engine's
	series icmpSeries
	over   bool

	sent     [1]icmpRequest // where the slices of run and series begin
	seqs     [1]uint16
	answered [1]bool
	events   [2]icmpEvent
}

// Start implements [Starter] for a single request to an address by the shared
// socket.
func (p ICMP) Start(run *Run) (Pending, bool) {
	to, err := netip.ParseAddr(run.Target)
	if to = to.Unmap(); err != nil || !p.allows(to) || p.Count != 1 || p.Wait > 0 || p.private() || run.onStep != nil {
		return nil, false
	}
	if run.allow("icmp", to.String(), netip.AddrPortFrom(to, 0)) != nil {
		return nil, false // Measure says why not
	}
	e, err := icmpEngineOf(run.Env, to.Is6())
	if err != nil {
		return nil, false
	}
	a := &icmpAsync{series: icmpSeries{ICMP: p, run: run, to: to, last: true}}
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
func (a *icmpAsync) progress() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.series.run.Guard(func() {
		a.series.drain(&a.run)
		if a.series.done() {
			a.end(nil)
		}
	})
}

// Stop implements [Pending].
func (a *icmpAsync) Stop(cause error) {
	// A reply may have waited there in time.
	behind := cause == context.DeadlineExceeded && a.run.engine.read()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.series.blind = behind
	if cause == context.DeadlineExceeded {
		cause = nil // the figures say it
	}
	a.series.run.Guard(func() { a.end(cause) })
}

// end concludes the run. The caller holds mu.
func (a *icmpAsync) end(err error) {
	a.over = true
	s := &a.series
	s.drain(&a.run)
	s.conclusion(&a.run)
	if q := s.sent[0]; q.state == icmpAnswered { // what it waited to be read is not the target's
		s.took = q.rtt
		s.run.Ended = q.sent.Add(q.rtt)
	}
	d := s.figures()
	if err == nil {
		err = s.judge(&d)
	}
	s.run.End(d, err)
}
