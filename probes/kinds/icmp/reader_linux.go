package icmp

import (
	"time"
)

// gather is the least time from one reading of the socket to the next that
// the socket itself causes, where the kernel says when packets came: a reply
// that waits there is none the later for it, and one wake-up serves many.
const gather = 5 * time.Millisecond

// readLoop reads what comes for as long as runs wait for something, until the
// socket's readiness is closed.
func (e *echoEngine) readLoop() {
	for e.sock.ready.Wait() {
		e.read()
		if e.sock.kernel && e.waiting() {
			time.Sleep(gather)
			e.read()
		}
		e.mu.Lock()
		e.watched = e.live > 0
		again := e.watched
		e.mu.Unlock()
		if again {
			e.sock.ready.Arm()
		}
	}
}

func (e *echoEngine) waiting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.live > 0
}

// expect makes the reader wait for what was sent.
func (e *echoEngine) expect() {
	e.mu.Lock()
	arm := e.live > 0 && !e.watched
	e.watched = e.watched || arm
	e.mu.Unlock()
	if arm {
		e.sock.ready.Arm()
	}
}

// Launched reads the replies that came while a slot's requests were sent, in
// the goroutine that sent them: of near targets these are most or all.
func (e *echoEngine) Launched() {
	if e.waiting() {
		e.read()
		e.expect()
	}
}

// readLate takes what has come for runs that have ended. The caller may hold a
// run's mu: those that continue are called by a goroutine of their own.
func (e *echoEngine) readLate() {
	e.reading.Lock()
	e.sock.read(e, e.buffers)
	e.mu.Lock()
	woken := e.woken
	e.woken = nil
	e.mu.Unlock()
	e.reading.Unlock()
	if len(woken) == 0 {
		return
	}
	go func() {
		for _, a := range woken {
			a.progress()
		}
	}()
}

// read takes what is there and lets the runs that it is for continue. behind says
// that there was more than is read at once.
func (e *echoEngine) read() (behind bool) {
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
