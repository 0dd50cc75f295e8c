package probes

import (
	"net"
	"testing"

	"netmon/wire"
)

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	open := l.Addr().String()
	t.Cleanup(func() { l.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	r := measure(t, "tcp", open, "")
	wantFailure(t, r, wire.OK, "")
	if r.Address != "127.0.0.1" || r.LatencyNS == nil {
		t.Errorf("address %q, latency %v", r.Address, r.LatencyNS)
	}
	wantFailure(t, measure(t, "tcp", closed.Addr().String(), ""), wire.Failed, wire.FailRefused)
	wantFailure(t, measure(t, "tcp", closed.Addr().String(), `{"invert":true}`), wire.OK, "")
	wantFailure(t, measure(t, "tcp", open, `{"invert":true}`), wire.Failed, wire.FailAnswered)
	wantFailure(t, measure(t, "tcp", open, `{"within":"1ns"}`), wire.Failed, wire.FailSlow)
	wantFailure(t, measure(t, "tcp", "127.0.0.1:1", `{"source":"192.0.2.77"}`), wire.Broken, wire.BrokenLocal)
	wantFailure(t, measure(t, "tcp", "127.0.0.1:1", `{"family":"6"}`), wire.Failed, wire.FailNoSuchHost)
}

func TestTCP_RefusesBadTargets(t *testing.T) {
	for target, want := range map[string]string{
		"example.com":    `target: want host:port, got "example.com": the port is missing`,
		"example.com:0":  `target: want host:port, got "example.com:0": the port must be 1 to 65535`,
		":22":            `target: want host:port, got ":22": the host is missing`,
		"exa mple.com:1": `target: want host:port, got "exa mple.com:1": "exa mple.com" is not a host name`,
	} {
		if got := refused(t, "tcp", target, ""); got != want {
			t.Errorf("%q gives %q, want %q", target, got, want)
		}
	}
}
