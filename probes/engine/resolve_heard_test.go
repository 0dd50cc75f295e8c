package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// TestEveryKind_Resolver: what the resolver does counts for the target only where
// the resolver answers at all. Each message names the one that was asked.
func TestEveryKind_Resolver(t *testing.T) {
	silent := probetest.ResolverThat(t, func(dns.Question) *int { return nil })
	failing := probetest.ResolverThat(t, func(dns.Question) *int { return new(dns.RcodeServerFailure) })
	knowing := probetest.ResolverThat(t, func(dns.Question) *int { return new(dns.RcodeNameError) })
	// Silent for the target's name, as one that asks servers which are dead.
	dead := probetest.ResolverThat(t, func(q dns.Question) *int {
		if strings.Contains(q.Name, "target") {
			return nil
		}
		return new(dns.RcodeRefused)
	})
	halting := probetest.ResolverThat(t, func(q dns.Question) *int { // there is no address but, maybe, of the other family
		if q.Qtype == dns.TypeA || q.Qtype == dns.TypeNS {
			return nil
		}
		return new(dns.RcodeSuccess)
	})
	for name, c := range map[string]struct {
		resolver string
		outcome  wire.Outcome
		failure  wire.Failure
	}{
		"answers nobody":             {silent, wire.Broken, wire.BrokenResolver},
		"is not there":               {probetest.ClosedUDP(t), wire.Broken, wire.BrokenResolver},
		"has no name":                {"no-such-host.invalid", wire.Broken, wire.BrokenResolver},
		"is silent for one name":     {dead, wire.Failed, wire.FailDNSTimeout},
		"is silent on one question":  {halting, wire.Failed, wire.FailDNSTimeout},
		"cannot find out":            {failing, wire.Failed, wire.FailResolve},
		"knows that there is nobody": {knowing, wire.Failed, wire.FailNoSuchHost},
	} {
		for _, m := range [][2]string{
			{"icmp", "target.example"}, {"tcp", "target.example:25"}, {"tls", "target.example"}, {"udp", "target.example:9"}, {"ntp", "target.example"},
			{"dns", "www.example@target.example"}, {"http", "http://target.example"}, {"https", "https://target.example"},
		} {
			t.Run(name+"/"+m[0], func(t *testing.T) {
				t.Parallel()
				r := measureWithin(t, 2*time.Second, m[0], m[1], `{"resolver":"`+c.resolver+`"}`)
				probetest.WantFailure(t, r, c.outcome, c.failure)
				if strings.HasPrefix(c.resolver, "127.") && (!strings.Contains(r.Error, "asked "+c.resolver) || strings.Contains(r.Error, "context") || strings.Contains(r.Error, "i/o")) {
					t.Errorf("error %q: want words of ours that name %s", r.Error, c.resolver)
				}
			})
		}
		t.Run(name+"/proxy", func(t *testing.T) {
			t.Parallel()
			r := measureWithin(t, 2*time.Second, "http", "http://192.0.2.1", `{"resolver":"`+c.resolver+`","proxy":{"url":"http://target.example:3128"}}`)
			if r.Outcome != wire.Broken || c.outcome == wire.Broken && r.Failure != c.failure || c.outcome == wire.Failed && r.Failure != wire.BrokenProxy {
				t.Errorf("outcome %s %q (%s)", r.Outcome, r.Failure, r.Error)
			}
		})
	}
}

// TestHeard_OthersAnswers: that another monitor's name is answered for meanwhile
// is enough, also where the resolver would not answer for the root.
func TestHeard_OthersAnswers(t *testing.T) {
	need.Time(t)
	waits := make(chan struct{}, 100)
	server := probetest.ResolverThat(t, func(q dns.Question) *int {
		if strings.HasPrefix(q.Name, "other.") {
			return new(dns.RcodeSuccess)
		}
		waits <- struct{}{}
		return nil
	})
	env := &probes.Env{}
	defer env.Close()
	options := `{"resolver":"` + server + `","family":"4"}`
	go func() {
		<-waits
		newCheck(t, env, "udp", "other.example:9", options).Run(t.Context(), time.Second, nil)
	}()
	probetest.WantFailure(t, newCheck(t, env, "udp", "target.example:9", options).Run(t.Context(), 3*time.Second, nil), wire.Failed, wire.FailDNSTimeout)
	probetest.WantFailure(t, newCheck(t, env, "udp", "target.example:9", options).Run(t.Context(), 50*time.Millisecond, nil), wire.Broken, wire.BrokenResolver)
}
