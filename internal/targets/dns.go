package targets

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// DNS is a name server: over UDP and TCP on Addr, over TLS and HTTPS on ports of
// their own. The first label of the name that it is asked for says how it behaves:
//
//	missing, refused, servfail     these response codes, the last two with an extended error
//	header                         REFUSED with nothing but a header
//	silent                         nothing over UDP, a held connection over TCP
//	big                            over UDP truncated, else 40 texts
//	twice                          the addresses 127.0.0.99 and 127.0.0.1
//	many                           3000 records, over TCP
//	wrong-id, wrong-name, wrong-type, wrong-class, query, opcode, short
//	                               a message that is not an answer to the query
//	spoofed                        all of these, and then the true answer
//	other, others, empty, referral, upward, alias, aliases, dangling, onward, dname, circle,
//	wrong-data, foreign-class, authority
//	                               records of other names, and names that lead to others: see attribute
//	noedns, nosuch-edns            FORMERR and NOTIMP for a query with EDNS
//	garbage, fewer, loop           an answer whose records are broken
//	close, half, reset, lie, drip  over TCP and TLS: the connection ends before the answer, in its
//	                               middle, with a reset; more is announced than comes; a byte at a time
//	status, media, redirect, endless, drip
//	                               over HTTPS: 503, a page, a redirect, a body without end, one that drips
//
// Any other name has the address 192.0.2.7, and a text and a mail server.
type DNS struct {
	Addr, TLSAddr, HTTPSAddr string
	CA                       []byte // PEM of the certificate for 127.0.0.1

	udp     *UDP
	ended   sync.WaitGroup
	closers []func()

	mu    sync.Mutex
	conns map[net.Conn]bool // guarded by mu; nil once closed
	lie   string            // guarded by mu
}

// Lie makes every address that it gives be this one; the empty text ends it.
func (s *DNS) Lie(address string) {
	s.mu.Lock()
	s.lie = address
	s.mu.Unlock()
}

// ServeDNS starts a name server on addr and, for TLS and HTTPS, on other ports
// of the same address.
func ServeDNS(addr string) (*DNS, error) {
	s := &DNS{conns: map[net.Conn]bool{}}
	var err error
	for range 20 { // a port that is free for UDP may be taken for TCP
		if s.udp, err = ServeUDP(addr, func(_ int, q []byte) (out []UDPReply) {
			for _, b := range s.replies(q, overUDP) {
				out = append(out, UDPReply{Payload: b})
			}
			return out
		}); err != nil {
			return nil, err
		}
		var l net.Listener
		if l, err = net.Listen("tcp", s.udp.Addr); err == nil {
			s.Addr = s.udp.Addr
			s.accept(l)
			break
		}
		s.udp.Close()
	}
	if err != nil {
		return nil, err
	}
	if err := s.serveTLS(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close ends the server.
func (s *DNS) Close() error {
	for _, f := range s.closers {
		f()
	}
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	err := s.udp.Close()
	s.ended.Wait()
	return err
}

func (s *DNS) accept(l net.Listener) {
	s.closers = append(s.closers, func() { l.Close() })
	s.ended.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			if s.conns == nil {
				c.Close()
			} else {
				s.conns[c] = true
				s.ended.Go(func() { s.stream(c) })
			}
			s.mu.Unlock()
		}
	})
}

// stream answers the queries of one connection.
func (s *DNS) stream(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	for {
		q, err := readFrame(c)
		if err != nil {
			return
		}
		for _, b := range s.replies(q, overTCP) {
			frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
			switch mode(q) {
			case "close":
				return
			case "reset":
				if t, ok := c.(*net.TCPConn); ok {
					t.SetLinger(0)
				}
				return
			case "half":
				c.Write(frame[:len(frame)/2])
				return
			case "lie":
				binary.BigEndian.PutUint16(frame, 60000)
			case "drip":
				for _, one := range frame {
					if _, err := c.Write([]byte{one}); err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
				continue
			}
			if _, err := c.Write(frame); err != nil {
				return
			}
		}
	}
}

func readFrame(c net.Conn) ([]byte, error) {
	d := dns.Conn{Conn: c}
	return d.ReadMsgHeader(nil)
}
