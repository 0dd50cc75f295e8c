package probes

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// nameServer answers every A query with these addresses and this TTL, or with
// SERVFAIL when it is negative, once hold is closed. It counts them, and closes
// came, where that is given, with the first.
func nameServer(t *testing.T, ttl int, came chan struct{}, hold <-chan struct{}, addrs ...string) (addr string, asked *atomic.Int32) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int32)
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if asked.Add(1) == 1 && came != nil {
			close(came)
		}
		if hold != nil {
			<-hold
		}
		m := new(dns.Msg).SetReply(q)
		if ttl < 0 {
			m.Rcode = dns.RcodeServerFailure
			addrs = nil
		}
		for _, a := range addrs {
			if rr, err := dns.NewRR(fmt.Sprintf("%s %d IN A %s", q.Question[0].Name, ttl, a)); err == nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String(), asked
}

// namedTCP is a check of a listener by a name.
func namedTCP(t *testing.T, env *Env, resolver string) *Check {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c, err := New(env, "tcp", "cached.example.:"+port, json.RawMessage(fmt.Sprintf(`{"family":"4","resolver":%q}`, resolver)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAddressCache: runs at the same time share one lookup, later ones its
// answer until its TTL is over, and each says whether it measured a lookup.
func TestAddressCache(t *testing.T) {
	came, hold := make(chan struct{}), make(chan struct{})
	server, asked := nameServer(t, 60, came, hold, "127.0.0.1")
	env := &Env{}
	defer env.Close()
	const n = 50
	results := make([]wire.Result, n)
	var runs sync.WaitGroup
	for i := range n {
		c := namedTCP(t, env, server)
		runs.Go(func() { results[i] = c.Run(t.Context(), 10*time.Second, nil) })
	}
	<-came // all that begin from here on find a lookup, or its answer
	close(hold)
	runs.Wait()
	measured := 0
	for _, r := range results {
		wantFailure(t, r, wire.OK, "")
		d := detailsOf[TCPDetails](t, r)
		if d.ResolveNS > 0 {
			measured++
		}
		if (d.ResolveNS > 0) == (d.ResolveAgeNS != nil) {
			t.Errorf("a lookup that is both measured and not: %s", r.Details)
		}
	}
	if measured != 1 || asked.Load() != 1 {
		t.Errorf("%d runs measured a lookup, %d queries, want 1 of each", measured, asked.Load())
	}

	c := namedTCP(t, env, server)
	r := c.Run(t.Context(), 10*time.Second, nil)
	wantFailure(t, r, wire.OK, "")
	if d := detailsOf[TCPDetails](t, r); d.ResolveNS != 0 || d.ResolveAgeNS == nil || *d.ResolveAgeNS <= 0 || r.Address != "127.0.0.1" {
		t.Errorf("from the cache: %s", r.Details)
	}
	// When the TTL is over the name is looked up again.
	cache := addressesOf(env)
	cache.mu.Lock()
	for _, e := range cache.names {
		if e.ttl != time.Minute {
			t.Errorf("to be used for %v, want the TTL of a minute", e.ttl)
		}
		e.at = e.at.Add(-time.Minute)
	}
	cache.mu.Unlock()
	r = c.Run(t.Context(), 10*time.Second, nil)
	if d := detailsOf[TCPDetails](t, r); d.ResolveNS == 0 || d.ResolveAgeNS != nil || asked.Load() != 2 {
		t.Errorf("%d queries, after the TTL: %s", asked.Load(), r.Details)
	}
}

// TestAddressCache_NotRemembered: what must not be used again is asked for again.
func TestAddressCache_NotRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		ttl     int
		outcome wire.Outcome
		failure wire.Failure
	}{"a TTL of 0": {0, wire.OK, ""}, "a failure": {-1, wire.Failed, wire.FailResolve}} {
		t.Run(name, func(t *testing.T) {
			server, asked := nameServer(t, c.ttl, nil, nil, "127.0.0.1")
			env := &Env{}
			defer env.Close()
			check := namedTCP(t, env, server)
			before := int32(0)
			for range 2 {
				wantFailure(t, check.Run(t.Context(), 10*time.Second, nil), c.outcome, c.failure)
				if asked.Load() == before {
					t.Error("nobody was asked")
				}
				before = asked.Load()
			}
		})
	}
}

// TestAddressCache_Waits: a run waits for a lookup as long as its timeout, and
// the process's end waits for no name server.
func TestAddressCache_Waits(t *testing.T) {
	hold := make(chan struct{})
	server, _ := nameServer(t, 60, nil, hold, "127.0.0.1")
	defer close(hold)
	env := &Env{}
	r := namedTCP(t, env, server).Run(t.Context(), 50*time.Millisecond, nil)
	wantFailure(t, r, wire.Broken, wire.BrokenResolver)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	namedTCP(t, env, server).Run(ctx, 10*time.Second, nil)
	if err := env.Close(); err != nil {
		t.Error(err)
	}
}

// TestAddressCache_Prunes: names that nobody asks for any more do not stay.
func TestAddressCache_Prunes(t *testing.T) {
	env := &Env{}
	defer env.Close()
	c := addressesOf(env)
	done := make(chan struct{})
	close(done)
	for i := range 1 << 10 {
		c.names[addressKey{host: fmt.Sprint(i)}] = &cachedAddresses{done: done, at: time.Now().Add(-time.Hour), ttl: time.Minute}
	}
	c.mu.Lock()
	c.pruneLocked()
	c.mu.Unlock()
	if n := len(c.names); n != 0 {
		t.Errorf("%d names are left", n)
	}
}
