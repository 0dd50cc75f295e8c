package probes

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// resolverThat answers a question, over UDP, by what answer says; nil is silence.
func resolverThat(t *testing.T, answer func(q dns.Question) *int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		rcode := answer(q.Question[0])
		if rcode == nil {
			return
		}
		m := new(dns.Msg).SetRcode(q, *rcode)
		if *rcode == dns.RcodeSuccess && q.Question[0].Qtype == dns.TypeA {
			rr, err := dns.NewRR(fmt.Sprintf("%s 60 IN A 127.0.0.1", q.Question[0].Name))
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// TestEveryKind_Resolver: what the resolver does tells of the target only where
// the resolver answers at all. Each message names the one that was asked.
func TestEveryKind_Resolver(t *testing.T) {
	silent := resolverThat(t, func(dns.Question) *int { return nil })
	failing := resolverThat(t, func(dns.Question) *int { return new(dns.RcodeServerFailure) })
	knowing := resolverThat(t, func(dns.Question) *int { return new(dns.RcodeNameError) })
	// Silent for the target's name, as one that asks servers which are dead.
	dead := resolverThat(t, func(q dns.Question) *int {
		if strings.Contains(q.Name, "target") {
			return nil
		}
		return new(dns.RcodeRefused)
	})
	halting := resolverThat(t, func(q dns.Question) *int { // as one that cannot find IPv6 addresses
		if q.Qtype == dns.TypeAAAA || q.Qtype == dns.TypeNS {
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
		"is not there":               {closedUDP(t), wire.Broken, wire.BrokenResolver},
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
				wantFailure(t, r, c.outcome, c.failure)
				if strings.HasPrefix(c.resolver, "127.") && !strings.Contains(r.Error, "asked "+c.resolver) {
					t.Errorf("error %q names not %s", r.Error, c.resolver)
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
	waits := make(chan struct{}, 100)
	server := resolverThat(t, func(q dns.Question) *int {
		if strings.HasPrefix(q.Name, "other.") {
			return new(dns.RcodeSuccess)
		}
		waits <- struct{}{}
		return nil
	})
	env := &Env{}
	defer env.Close()
	options := `{"resolver":"` + server + `","family":"4"}`
	go func() {
		<-waits
		newCheck(t, env, "udp", "other.example:9", options).Run(t.Context(), time.Second, nil)
	}()
	wantFailure(t, newCheck(t, env, "udp", "target.example:9", options).Run(t.Context(), 3*time.Second, nil), wire.Failed, wire.FailDNSTimeout)
	wantFailure(t, newCheck(t, env, "udp", "target.example:9", options).Run(t.Context(), 50*time.Millisecond, nil), wire.Broken, wire.BrokenResolver)
}
