package httpserve

import (
	"net"
	"sync"
)

// Limit accepts at most n connections of l at a time; more wait with the kernel.
func Limit(l net.Listener, n int) *Limited {
	return &Limited{Listener: l, taken: make(chan struct{}, n), closed: make(chan struct{})}
}

// Limited is a listener with a bound.
type Limited struct {
	net.Listener
	taken  chan struct{}
	once   sync.Once
	closed chan struct{}
}

// Open is how many places are taken, with that of the one who is waited for.
func (l *Limited) Open() int { return len(l.taken) }

// Accept waits for a place, and then for who takes it.
func (l *Limited) Accept() (net.Conn, error) {
	select {
	case l.taken <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.taken
		return nil, err
	}
	return &limitedConn{Conn: c, free: sync.OnceFunc(func() { <-l.taken })}, nil
}

// Close ends the waiting, and the listener.
func (l *Limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	free func()
}

func (c *limitedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}
