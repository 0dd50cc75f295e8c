package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// TestICMPWords: what a router or a firewall says is reported in its words, by each
// way of each kind, and not as the one "no route to host" that the system makes
// of it.
func TestICMPWords(t *testing.T) {
	probetest.NeedIPv6(t)
	nft := need.Tool(t, "nft", "nftables")
	probetest.InOwnNetwork(t, func() {
		for _, args := range []string{
			"add table inet f", "add chain inet f i { type filter hook input priority 0 ; }",
			"add rule inet f i meta l4proto { tcp, udp } th dport 1013 meta nfproto ipv4 reject with icmp type admin-prohibited",
			"add rule inet f i meta l4proto { tcp, udp } th dport 1013 meta nfproto ipv6 reject with icmpv6 type admin-prohibited",
			"add rule inet f i meta l4proto { tcp, udp } th dport 1010 meta nfproto ipv4 reject with icmp type host-prohibited",
			"add rule inet f i meta l4proto { tcp, udp } th dport 1009 meta nfproto ipv4 reject with icmp type net-prohibited",
		} {
			if out, err := probetest.RunProgram(nft, args); err != nil {
				t.Errorf("nft %s: %v: %s", args, err, out)
				return
			}
		}
		probetest.AwaitIPv6(t, "::1")
		for _, c := range []struct{ target, want string }{
			{"127.0.0.1:1013", "communication administratively prohibited (ICMP type 3 code 13 from 127.0.0.1)"},
			{"[::1]:1013", "communication administratively prohibited (ICMPv6 type 1 code 1 from ::1)"},
			{"127.0.0.1:1010", "host administratively prohibited (ICMP type 3 code 10 from 127.0.0.1)"},
			{"127.0.0.1:1009", "network administratively prohibited (ICMP type 3 code 9 from 127.0.0.1)"},
		} {
			for _, kind := range []string{"tcp", "udp", "dns", "ntp"} {
				target := c.target
				if kind == "dns" {
					target = "www.example@" + target
				}
				env := &probes.Env{}
				check := newCheck(t, env, kind, target, "")
				started, done := beginOrFail(t, check)
				var byStart wire.Result
				for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
					env.Launched()
					if len(done) > 0 {
						byStart = <-done
						break
					}
					if time.Now().After(deadline) {
						t.Errorf("%s %s: no ICMP error came", kind, target)
						started.Stop(context.Canceled)
						byStart = <-done
						break
					}
				}
				for way, r := range map[string]wire.Result{"Start": byStart, "Measure": check.Run(t.Context(), 20*time.Second, nil)} {
					if r.Outcome != wire.Failed || r.Failure != wire.FailUnreachable || !strings.Contains(r.Error, c.want) || strings.Contains(r.Error, "no route") {
						t.Errorf("%s %s by %s: %s %s %q, want %q", kind, target, way, r.Outcome, r.Failure, r.Error, c.want)
					}
				}
				env.Close()
			}
		}
	})
}
