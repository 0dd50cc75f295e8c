package targets

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// UDP is a server for datagrams. Close it when done.
type UDP struct {
	Addr string // HOST:PORT that it listens on

	conn    *net.UDPConn
	ended   sync.WaitGroup
	mu      sync.Mutex
	heard   int // guarded by mu
	pending []*time.Timer
}

// UDPReply is one datagram that a server sends back.
type UDPReply struct {
	Payload []byte
	After   time.Duration // how long after the request
}

// ServeUDP answers datagrams on addr ("127.0.0.1:0" for any port) by what reply
// makes of each: nothing, one or several datagrams. n counts the requests from
// 1. reply is called by one goroutine.
func ServeUDP(addr string, reply func(n int, request []byte) []UDPReply) (*UDP, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, err
	}
	s := &UDP{Addr: conn.LocalAddr().String(), conn: conn}
	s.ended.Go(func() {
		buf := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.heard++
			heard := s.heard
			s.mu.Unlock()
			for _, r := range reply(heard, buf[:n]) {
				if r.After <= 0 {
					conn.WriteToUDPAddrPort(r.Payload, from)
					continue
				}
				s.mu.Lock()
				s.pending = append(s.pending, time.AfterFunc(r.After, func() { conn.WriteToUDPAddrPort(r.Payload, from) }))
				s.mu.Unlock()
			}
		}
	})
	return s, nil
}

// Heard returns how many datagrams came so far.
func (s *UDP) Heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard
}

// Close ends the server.
func (s *UDP) Close() error {
	err := s.conn.Close()
	s.ended.Wait()
	for _, t := range s.pending {
		t.Stop()
	}
	return err
}

// UDPEcho sends each datagram back: healthy.
func UDPEcho(addr string) (*UDP, error) {
	return ServeUDP(addr, func(_ int, q []byte) []UDPReply { return []UDPReply{{Payload: append([]byte(nil), q...)}} })
}

// UDPSilent takes datagrams and says nothing.
func UDPSilent(addr string) (*UDP, error) {
	return ServeUDP(addr, func(int, []byte) []UDPReply { return nil })
}

// UDPAnswers sends the same answer to every datagram, after a delay.
func UDPAnswers(addr string, answer []byte, delay time.Duration) (*UDP, error) {
	return ServeUDP(addr, func(int, []byte) []UDPReply { return []UDPReply{{answer, delay}} })
}

// Impairment is what a network does to datagrams, in the terms of netem(8).
type Impairment struct {
	Delay     time.Duration // of each answer
	Loss      float64       // part of the requests that stay without answer, 0 to 1
	Duplicate float64       // part of the answers that come twice
	Reorder   float64       // part of the answers that come without the delay
	Seed      uint64        // the same seed does the same to the same sequence
}

// UDPImpaired echoes as if a bad network lay between.
func UDPImpaired(addr string, m Impairment) (*UDP, error) {
	random := rand.New(rand.NewPCG(m.Seed, 0))
	return ServeUDP(addr, func(_ int, q []byte) []UDPReply {
		lost, twice, early := random.Float64() < m.Loss, random.Float64() < m.Duplicate, random.Float64() < m.Reorder
		r := UDPReply{append([]byte(nil), q...), m.Delay}
		if early {
			r.After = 0
		}
		switch {
		case lost:
			return nil
		case twice:
			return []UDPReply{r, r}
		}
		return []UDPReply{r}
	})
}

// UDPLossy echoes, but stays silent to every nth datagram.
func UDPLossy(addr string, nth int) (*UDP, error) {
	return ServeUDP(addr, func(n int, q []byte) []UDPReply {
		if n%nth == 0 {
			return nil
		}
		return []UDPReply{{Payload: append([]byte(nil), q...)}}
	})
}
