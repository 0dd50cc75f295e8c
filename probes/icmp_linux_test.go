package probes

import (
	"net"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

// needICMP skips the test where this process may open no ICMP socket.
func needICMP(t testing.TB) {
	t.Helper()
	if err := icmpReady(); err != nil {
		need.Missing(t, "%v", err)
	}
}

func TestICMP_Loopback(t *testing.T) {
	needICMP(t)
	for _, target := range []string{"127.0.0.1", "::1"} {
		if target == "::1" && !hasIPv6() {
			t.Log("no IPv6 loopback here")
			continue
		}
		r := measure(t, "icmp", target, `{"count":3,"interval":"10ms"}`)
		wantFailure(t, r, wire.OK, "")
		d := detailsOf[ICMPDetails](t, r)
		if d.Sent != 3 || d.Received != 3 || d.Lost != 0 || *d.Loss != 0 || *d.RTTAvgNS <= 0 || d.TTL != 64 || d.TTLMin != 64 {
			t.Errorf("%+v", d)
		}
		if r.Clock != ClockKernel || *r.LatencyNS != *d.RTTAvgNS || d.Clock != ClockKernel {
			t.Errorf("clock %q, latency %v", r.Clock, r.LatencyNS)
		}
	}
}

// hasIPv6 says whether ::1 is an address of this host.
func hasIPv6() bool {
	l, err := net.ListenPacket("udp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}
