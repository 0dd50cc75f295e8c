package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// LookupWatch sees the messages of name servers on their way to package net, which
// does not say for how long an answer holds, nor which server was asked for what.
type LookupWatch struct {
	Health *ResolverHealth
	host   string // that is looked up

	mu        sync.Mutex
	found     bool
	least     time.Duration
	hidden    bool // an answer came by a way that is not seen
	inquiries []*inquiry
	unable    string              // why no server could be asked
	decided   map[string]decision // by name, in lower case
}

// NewLookupWatch watches a lookup of host, and notes in h what the resolver does.
func NewLookupWatch(h *ResolverHealth, host string) *LookupWatch {
	return &LookupWatch{Health: h, host: host}
}

// dialServer connects to a name server, which need not be the one at the address
// that package net wants. to is the one it is.
type dialServer = func(ctx context.Context, network, address string) (conn net.Conn, to string, err error)

// Resolver is r, watched. Where the system is asked and not a name server
// nothing can be seen.
func (w *LookupWatch) Resolver(dial dialServer) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, to, err := dial(ctx, network, address)
		if err != nil {
			w.unreached(network, to, err)
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) }) // package net looks at its deadline alone
		if u, ok := conn.(*net.UDPConn); ok {
			return &watchedUDP{UDPConn: u, watch: w}, nil
		}
		return &watchedStream{Conn: conn, watch: w}, nil
	}}
}

// SystemResolver is this host's, watched where it is package net's own: on Linux
// it reads resolv.conf(5) and hosts(5) itself. Elsewhere the system is asked,
// which has a cache of its own.
func (w *LookupWatch) SystemResolver() *net.Resolver {
	if runtime.GOOS != "linux" {
		w.hidden = true
		w.Health.mu.Lock()
		w.Health.blind = true
		w.Health.mu.Unlock()
		return net.DefaultResolver
	}
	return w.Resolver(func(ctx context.Context, network, address string) (net.Conn, string, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return conn, address, err
	})
}

// TTL is for how long the answer may be used.
func (w *LookupWatch) TTL() time.Duration {
	half := w.half() != ""
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.found && half:
		return min(w.least, hostsTTL) // the other family may come later
	case w.found:
		return min(w.least, mostTTL)
	case w.hidden:
		return 0
	}
	return hostsTTL
}

// see reads a message that came for an inquiry, and returns what package net may
// see of it: no record of another name, which it would take for an address, and
// SERVFAIL for what cannot be read, of which it would take what comes before.
func (w *LookupWatch) see(q *inquiry, b []byte) []byte {
	if q == nil || len(b) < 3 || binary.BigEndian.Uint16(b) != q.id || b[2]>>7 == 0 { // QR: a response
		return b
	}
	m := new(dns.Msg)
	err := m.Unpack(b)
	bare := err == nil && len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess
	if bare { // a header alone, which package net would wait past
		m.Question = []dns.Question{q.question}
	}
	if len(m.Question) == 0 && err != nil { // package net waits for another one
		w.unread(q)
		return b
	}
	if len(m.Question) != 1 || !strings.EqualFold(m.Question[0].Name, q.question.Name) || m.Question[0].Qtype != q.question.Qtype {
		return b
	}
	o := OwnedBy(m)
	whole := int(binary.BigEndian.Uint16(b[6:])) == len(m.Answer) // of the records that the header announces
	if !m.Truncated && (!whole || err != nil && o.Found == 0) {
		w.unread(q)
		seen, _ := new(dns.Msg).SetRcode(q.query, dns.RcodeServerFailure).Pack()
		return seen
	}
	w.came(q, m, o)
	if m.Truncated || len(o.Others) == 0 && !bare {
		return b
	}
	m.Answer, m.Compress = o.Records, true
	seen, err := m.Pack()
	if err != nil {
		return nil
	}
	return seen
}

// watchedUDP is a connection to a name server.
type watchedUDP struct {
	*net.UDPConn
	watch *LookupWatch
	asked *inquiry
	again bool // it was asked again without EDNS
}

func (c *watchedUDP) Write(b []byte) (n int, err error) {
	if c.asked, err = c.watch.ask(c.UDPConn, "udp", b); err != nil {
		return 0, err
	}
	return c.UDPConn.Write(b)
}

func (c *watchedUDP) Read(b []byte) (int, error) {
	for {
		n, err := c.UDPConn.Read(b)
		if err != nil {
			c.watch.ended(c.asked, err)
			return n, err
		}
		if again := c.withoutEDNS(b[:n]); again != nil {
			if _, err := c.UDPConn.Write(again); err != nil {
				return 0, err
			}
			continue
		}
		return copy(b, c.watch.see(c.asked, b[:n])), nil
	}
}

// withoutEDNS is the query to send after an answer that refuses EDNS (RFC 6891
// section 6.2.2), nil when the answer does not, or when that was done.
func (c *watchedUDP) withoutEDNS(b []byte) []byte {
	m := new(dns.Msg)
	if c.again || c.asked == nil || m.Unpack(b) != nil || m.Id != c.asked.id || !m.Response || EDNSHint(c.asked.query.IsEdns0() != nil, m) == "" {
		return nil
	}
	c.again = true
	again := c.asked.query.Copy()
	again.Extra = nil
	b, err := again.Pack()
	if err != nil {
		return nil
	}
	return b
}

// watchedStream is one over TCP: each message has its length before it.
type watchedStream struct {
	net.Conn
	watch *LookupWatch
	asked *inquiry
	rest  bytes.Buffer // of the message that package net reads
}

func (c *watchedStream) Write(b []byte) (n int, err error) {
	if c.asked, err = c.watch.ask(c.Conn, "tcp", b[min(2, len(b)):]); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

func (c *watchedStream) Read(b []byte) (int, error) {
	if c.rest.Len() == 0 {
		if err := c.next(); err != nil {
			c.watch.ended(c.asked, err)
			return 0, err
		}
	}
	return c.rest.Read(b)
}

// next reads a whole message.
func (c *watchedStream) next() error {
	var length [2]byte
	if _, err := io.ReadFull(c.Conn, length[:]); err != nil {
		return err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c.Conn, b); err != nil {
		return err
	}
	b = c.watch.see(c.asked, b)
	c.rest.Write(binary.BigEndian.AppendUint16(nil, uint16(len(b))))
	c.rest.Write(b)
	return nil
}
