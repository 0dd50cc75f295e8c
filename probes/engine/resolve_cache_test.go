package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/probes/kinds/tcp"
	"netmon/wire"
)

// namedTCP is a check of a listener by a name.
func namedTCP(t *testing.T, env *probes.Env, resolver string) *probes.Check {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c, err := kinds.All().New(env, "tcp", "cached.example.:"+port, json.RawMessage(fmt.Sprintf(`{"family":"4","resolver":%q}`, resolver)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAddressCache: runs at the same time share one lookup, later ones its
// answer until its TTL is over, and each says whether it measured a lookup.
func TestAddressCache(t *testing.T) {
	came, hold := make(chan struct{}), make(chan struct{})
	server, asked := probetest.NameServer(t, 60, came, hold, "127.0.0.1")
	env := &probes.Env{}
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
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[tcp.Details](t, r)
		if d.ResolveNS > 0 {
			measured++
		}
		if (d.ResolveNS > 0) == (d.ResolveAgeNS != nil) {
			t.Errorf("a lookup that is both measured and not: %s", r.Details)
		}
	}
	queries := asked.Load() // that one lookup sends: another after a second, where the answer takes so long
	if measured != 1 || queries > 5 {
		t.Errorf("%d runs measured a lookup, %d queries, want one lookup", measured, queries)
	}

	c := namedTCP(t, env, server)
	r := c.Run(t.Context(), 10*time.Second, nil)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[tcp.Details](t, r); d.ResolveNS != 0 || d.ResolveAgeNS == nil || *d.ResolveAgeNS <= 0 || r.Address != "127.0.0.1" {
		t.Errorf("from the cache: %s", r.Details)
	}
	// When the TTL is over the name is looked up again.
	for _, ttl := range probes.AddressesOf(env).Age(time.Minute) {
		if ttl != time.Minute {
			t.Errorf("to be used for %v, want the TTL of a minute", ttl)
		}
	}
	r = c.Run(t.Context(), 10*time.Second, nil)
	if d := probetest.DetailsOf[tcp.Details](t, r); d.ResolveNS == 0 || d.ResolveAgeNS != nil || asked.Load() <= queries {
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
			server, asked := probetest.NameServer(t, c.ttl, nil, nil, "127.0.0.1")
			env := &probes.Env{}
			defer env.Close()
			check := namedTCP(t, env, server)
			before := int32(0)
			for range 2 {
				probetest.WantFailure(t, check.Run(t.Context(), 10*time.Second, nil), c.outcome, c.failure)
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
	server, _ := probetest.NameServer(t, 60, nil, hold, "127.0.0.1")
	defer close(hold)
	env := &probes.Env{}
	r := namedTCP(t, env, server).Run(t.Context(), 50*time.Millisecond, nil)
	probetest.WantFailure(t, r, wire.Broken, wire.BrokenResolver)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	namedTCP(t, env, server).Run(ctx, 10*time.Second, nil)
	if err := env.Close(); err != nil {
		t.Error(err)
	}
}

// TestAddressCache_Prunes: names that nobody asks for any more do not stay.
func TestAddressCache_Prunes(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	if n := probes.AddressesOf(env).Fill(1 << 10); n != 0 {
		t.Errorf("%d names are left", n)
	}
}
