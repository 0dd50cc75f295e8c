package probes

import "time"

// icmpGather is the least time from one reading of the socket to the next that
// the socket itself causes, where the kernel says when packets came: a reply
// that waits there is none the later for it, and one wake-up serves many.
const icmpGather = 5 * time.Millisecond

// readLoop reads what comes for as long as runs wait for something, until the
// socket's readiness is closed.
func (e *icmpEngine) readLoop() {
	for e.sock.ready.wait() {
		e.read()
		if e.sock.kernel && e.waiting() {
			time.Sleep(icmpGather)
			e.read()
		}
		e.mu.Lock()
		e.watched = e.live > 0
		again := e.watched
		e.mu.Unlock()
		if again {
			e.sock.ready.arm()
		}
	}
}

func (e *icmpEngine) waiting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live > 0
}

// expect makes the reader wait for what was sent.
func (e *icmpEngine) expect() {
	e.mu.Lock()
	arm := e.live > 0 && !e.watched
	e.watched = e.watched || arm
	e.mu.Unlock()
	if arm {
		e.sock.ready.arm()
	}
}

// launched reads the replies that came while a slot's requests were sent, in
// the goroutine that sent them: of near targets these are most or all.
func (e *icmpEngine) launched() {
	if e.waiting() {
		e.read()
		e.expect()
	}
}

// read takes what is there and lets the runs that it is for go on. behind says
// that there was more than is read at once.
func (e *icmpEngine) read() (behind bool) {
	e.reading.Lock()
	behind = e.sock.read(e, e.buffers)
	e.mu.Lock()
	woken := e.woken
	e.woken = nil
	e.mu.Unlock()
	e.reading.Unlock()
	for _, a := range woken {
		a.progress()
	}
	return behind
}
