// Package badlink is a TCP link between two ends of a test that can be cut,
// frozen or slowed down.
package badlink

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Link forwards connections to a target. Its zero faults let everything through.
type Link struct {
	listener net.Listener
	target   string

	mu     sync.Mutex // guards what follows
	conns  map[net.Conn]bool
	cut    bool          // connections are refused
	frozen [2]bool       // by direction: what comes waits
	delay  time.Duration // each way
	change chan struct{} // closed and recreated when something changed
	wg     sync.WaitGroup
}

// Directions of a link.
const (
	ToTarget = iota
	FromTarget
)

// New makes a link to target on a port of its own, closed at the test's end.
func New(t testing.TB, target string) *Link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Link{listener: listener, target: target, conns: map[net.Conn]bool{}, change: make(chan struct{})}
	l.wg.Go(l.accept)
	t.Cleanup(func() {
		listener.Close()
		l.set(func() { l.frozen = [2]bool{} })
		l.Cut()
		l.wg.Wait()
	})
	return l
}

// Addr is the near end of the link.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Cut ends all connections and refuses new ones until Heal.
func (l *Link) Cut() {
	l.set(func() {
		l.cut = true
		for c := range l.conns {
			c.Close()
		}
	})
}

// Freeze keeps all bytes of a direction, new connections' too, until Heal:
// nothing is reset, it just does not arrive.
func (l *Link) Freeze(direction int) { l.set(func() { l.frozen[direction] = true }) }

// Delay lets each piece of data wait, each way.
func (l *Link) Delay(d time.Duration) { l.set(func() { l.delay = d }) }

// Heal ends all faults. What a frozen direction kept arrives then.
func (l *Link) Heal() { l.set(func() { l.cut, l.frozen, l.delay = false, [2]bool{}, 0 }) }

// Forget ends all connections, and loses what frozen directions kept.
func (l *Link) Forget() {
	l.set(func() {
		for c := range l.conns {
			c.Close()
		}
		clear(l.conns)
	})
}

func (l *Link) set(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.change)
	l.change = make(chan struct{})
}

func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.target)
		l.mu.Lock()
		if err != nil || l.cut {
			near.Close()
			if err == nil {
				far.Close()
			}
			l.mu.Unlock()
			continue
		}
		l.conns[near], l.conns[far] = true, true
		l.mu.Unlock()
		l.wg.Go(func() { l.forward(near, far, ToTarget) })
		l.wg.Go(func() { l.forward(far, near, FromTarget) })
	}
}

func (l *Link) forward(from, to net.Conn, direction int) {
	defer func() {
		from.Close()
		to.Close()
		l.mu.Lock()
		delete(l.conns, from)
		delete(l.conns, to)
		l.mu.Unlock()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !l.waitDelay(from, direction) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// waitDelay waits as long as the link's faults say; false when the connection ended meanwhile.
func (l *Link) waitDelay(c net.Conn, direction int) bool {
	l.mu.Lock()
	delay := l.delay
	l.mu.Unlock()
	if delay > 0 {
		<-time.After(delay)
	}
	for {
		l.mu.Lock()
		frozen, alive, change := l.frozen[direction], l.conns[c] && !l.cut, l.change
		l.mu.Unlock()
		if !alive {
			return false
		}
		if !frozen {
			return true
		}
		<-change
	}
}
