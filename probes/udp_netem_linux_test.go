package probes

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/need"
	"netmon/lab/targets"
	"netmon/wire"
)

// inOwnNetwork runs f on a thread with a network namespace of its own, in which
// there is only 127.0.0.1. Sockets that f opens, and programs that it starts,
// are in it.
func inOwnNetwork(t *testing.T, f func()) {
	t.Helper()
	need.Root(t)
	ip := need.Tool(t, "ip", "iproute2")
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		if out, err := exec.Command(ip, "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Errorf("ip link: %v: %s", err, out)
			return
		}
		f()
	}()
	<-done
}

// TestUDP_Netem: the figures show what was set. Each packet, there and back,
// passes lo once, so that delays count twice.
func TestUDP_Netem(t *testing.T) {
	tc := need.Tool(t, "tc", "iproute2")
	for name, c := range map[string]struct {
		netem []string
		check func(t *testing.T, d UDPDetails)
	}{
		"20 ms": {[]string{"delay", "10ms"}, func(t *testing.T, d UDPDetails) {
			if v := time.Duration(*d.RTTMinNS); d.Lost != 0 || v < 20*time.Millisecond || v > 21*time.Millisecond {
				t.Errorf("rtt min %v, lost %d, want 20 ms and none", v, d.Lost)
			}
		}},
		"10 % loss": {[]string{"loss", "5.13%"}, func(t *testing.T, d UDPDetails) {
			if d.Lost < 2 || d.Lost > 22 { // 4 standard deviations
				t.Errorf("lost %d of 100, want about 10", d.Lost)
			}
		}},
		"duplicates": {[]string{"duplicate", "100%", "delay", "1ms"}, func(t *testing.T, d UDPDetails) {
			if d.Received != 100 || d.Duplicates < 100 {
				t.Errorf("received %d, duplicates %d, want 100 and at least as many", d.Received, d.Duplicates)
			}
		}},
		"reordering": {[]string{"delay", "25ms", "reorder", "30%"}, func(t *testing.T, d UDPDetails) {
			if d.Lost != 0 || d.OutOfOrder < 10 {
				t.Errorf("lost %d, out of order %d, want none and many", d.Lost, d.OutOfOrder)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			lacks := ""
			inOwnNetwork(t, func() {
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
				wantFailure(t, r, wire.OK, "")
				c.check(t, detailsOf[UDPDetails](t, r))
			})
			if lacks != "" { // no package can give it; TestUDP_Impaired needs none
				t.Skipf("skipped, this kernel has no netem: %s", lacks)
			}
		})
	}
}

// TestNTP_AgreesWithNtpdig does so with ntpdig, which knows port 123 alone and
// therefore needs a network of its own.
func TestNTP_AgreesWithNtpdig(t *testing.T) {
	ntpdig := need.Tool(t, "ntpdig", "ntpsec-ntpdig")
	inOwnNetwork(t, func() {
		b := targets.HealthyNTP()
		b.Offset, b.Stratum, b.RefID = -250*time.Millisecond, 2, "\x7f\x00\x00\x01"
		s, err := targets.ServeNTP("127.0.0.1:123", b)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		r := measure(t, "ntp", "127.0.0.1", ``)
		wantFailure(t, r, wire.OK, "")
		d := detailsOf[NTPDetails](t, r)
		out, err := exec.Command(ntpdig, "-j", "127.0.0.1").Output()
		var theirs struct {
			Offset, Precision float64
			Stratum           int
		}
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Errorf("%v: %s", err, out)
			return
		}
		// Its precision is how far it may be off, by its own word.
		apart, most := math.Abs(ntpSeconds(*d.OffsetNS)-theirs.Offset), 0.001+theirs.Precision+mostWrong(time.Duration(*d.RTTNS)).Seconds()
		t.Logf("offset %.6f s, by ntpdig %.6f s", ntpSeconds(*d.OffsetNS), theirs.Offset)
		if err != nil || theirs.Stratum != *d.Stratum || apart > most {
			t.Errorf("offset %.6f s, by ntpdig %s %v", ntpSeconds(*d.OffsetNS), out, err)
		}
	})
}

// TestPacketKinds_NoRoute: nothing can be sent, which is neither silence nor refusal.
func TestPacketKinds_NoRoute(t *testing.T) {
	inOwnNetwork(t, func() {
		for _, target := range []string{"192.0.2.1:5000", "[2001:db8::1]:5000"} {
			r := measure(t, "udp", target, `{"payload":"x"}`)
			wantFailure(t, r, wire.Broken, wire.BrokenNoRoute)
			if d := detailsOf[UDPDetails](t, r); d.Sent != 0 || d.State != "" || d.Loss != nil {
				t.Errorf("details %s", r.Details)
			}
		}
	})
}
