package udp

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

// TestUDP_Netem: the figures show what was set. Each packet, there and back,
// passes lo once, so that delays count twice.
func TestUDP_Netem(t *testing.T) {
	tc := need.Tool(t, "tc", "iproute2")
	for name, c := range map[string]struct {
		netem []string
		check func(t *testing.T, d Details)
	}{
		"20 ms": {[]string{"delay", "10ms"}, func(t *testing.T, d Details) {
			if v := time.Duration(*d.RTTMinNS); d.Lost != 0 || v < 20*time.Millisecond || v > 21*time.Millisecond {
				t.Errorf("rtt min %v, lost %d, want 20 ms and none", v, d.Lost)
			}
		}},
		"10 % loss": {[]string{"loss", "5.13%"}, func(t *testing.T, d Details) {
			if d.Lost < 2 || d.Lost > 22 { // 4 standard deviations
				t.Errorf("lost %d of 100, want about 10", d.Lost)
			}
		}},
		"duplicates": {[]string{"duplicate", "100%", "delay", "1ms"}, func(t *testing.T, d Details) {
			if d.Received != 100 || d.Duplicates < 100 {
				t.Errorf("received %d, duplicates %d, want 100 and at least as many", d.Received, d.Duplicates)
			}
		}},
		"reordering": {[]string{"delay", "25ms", "reorder", "30%"}, func(t *testing.T, d Details) {
			if d.Lost != 0 || d.OutOfOrder < 10 {
				t.Errorf("lost %d, out of order %d, want none and many", d.Lost, d.OutOfOrder)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			lacks := ""
			probetest.InOwnNetwork(t, func() {
				args := append([]string{"qdisc", "add", "dev", "lo", "root", "netem"}, c.netem...)
				if out, err := exec.Command(tc, args...).CombinedOutput(); err != nil {
					lacks = fmt.Sprintf("%v: %s", err, out)
					return
				}
				s, err := targets.UDPEcho("127.0.0.1:0")
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				r := measureWithin(t, 3*time.Second, "udp", s.Addr, `{"payload":"x","count":100,"interval":"10ms","wait":"300ms"}`)
				probetest.WantFailure(t, r, wire.OK, "")
				c.check(t, probetest.DetailsOf[Details](t, r))
			})
			if lacks != "" { // no package can give it; TestUDP_Impaired needs none
				t.Skipf("skipped, this kernel has no netem: %s", lacks)
			}
		})
	}
}

// TestPacketKinds_NoRoute: nothing can be sent, which is neither silence nor refusal.
func TestPacketKinds_NoRoute(t *testing.T) {
	probetest.InOwnNetwork(t, func() {
		for _, target := range []string{"192.0.2.1:5000", "[2001:db8::1]:5000"} {
			r := measure(t, "udp", target, `{"payload":"x"}`)
			probetest.WantFailure(t, r, wire.Broken, wire.BrokenNoRoute)
			if d := probetest.DetailsOf[Details](t, r); d.Sent != 0 || d.State != "" || d.Loss != nil {
				t.Errorf("details %s", r.Details)
			}
		}
	})
}
