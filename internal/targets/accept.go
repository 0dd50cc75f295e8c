package targets

import (
	"net"
	"sync"
)

// conns is a listener and the connections that it took.
type conns struct {
	listener net.Listener
	ended    sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool // guarded by mu
}

// acceptOn serves each connection to addr in a goroutine of its own, and closes
// it afterwards.
func acceptOn(addr string, serve func(net.Conn)) (*conns, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s := &conns{listener: l, open: map[net.Conn]bool{}}
	s.ended.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open[c] = true
			s.mu.Unlock()
			s.ended.Go(func() {
				serve(c)
				c.Close()
				s.mu.Lock()
				delete(s.open, c)
				s.mu.Unlock()
			})
		}
	})
	return s, nil
}

// count is how many connections are open.
func (s *conns) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// close stops listening, ends what is open, and waits for the end.
func (s *conns) close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.ended.Wait()
	return err
}
