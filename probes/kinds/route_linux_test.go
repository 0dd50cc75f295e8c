package kinds

import (
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/wire"
)

// atHost are monitors of every kind that measure something at host.
func atHost(host netip.Addr) map[string][2]string {
	at := func(port uint16) string { return netip.AddrPortFrom(host, port).String() }
	return map[string][2]string{
		"icmp": {host.String(), ``}, "several requests": {host.String(), `{"count":2,"interval":"1ms"}`}, "a socket of its own": {host.String(), `{"ttl":9}`},
		"tcp": {at(25), ``}, "banner": {at(25), `{"banner":true}`}, "tls": {at(443), ``},
		"udp": {at(9), `{"payload":"x"}`}, "two datagrams": {at(9), `{"payload":"x","count":2,"interval":"10ms"}`}, "ntp": {at(123), ``},
		"dns": {"example@" + at(53), ``}, "dns over TCP": {"example@" + at(53), `{"transport":"tcp"}`}, "dns over TLS": {"example@" + at(853), `{"transport":"tls"}`},
		"http": {"http://" + at(80), ``}, "https": {"https://" + at(443), ``},
	}
}

// kindOf is the kind of a row of atHost.
func kindOf(name string) string {
	switch name {
	case "several requests", "a socket of its own":
		return "icmp"
	case "banner":
		return "tcp"
	case "two datagrams":
		return "udp"
	case "dns over TCP", "dns over TLS":
		return "dns"
	}
	return name
}

// TestEveryKind_NoRoute: this host knows no way to the target, each way in which
// that can be. No packet was sent, and nothing is known of the target: neither is
// that what somebody wanted who wants no answer.
func TestEveryKind_NoRoute(t *testing.T) {
	ip := need.Tool(t, "ip", "iproute2")
	for name, c := range map[string]struct{ setUp, target string }{
		"no route":             {"", "203.0.113.1"},
		"no IPv6 here":         {"", "2001:db8::1"},
		"unreachable by route": {"ip route add unreachable 192.0.2.0/24", "192.0.2.1"},
		"prohibited by route":  {"ip route add prohibit 192.0.2.0/24", "192.0.2.1"},
		"blackhole":            {"ip route add blackhole 192.0.2.0/24", "192.0.2.1"},
		"an interface is down": {"ip link add v0 type veth peer v1 && ip link set v1 up && ip addr add 192.0.2.2/24 dev v0 && ip link set v0 up && ip route add default via 192.0.2.1 && ip link set v0 down", "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			probetest.InOwnNetwork(t, func() {
				if out, err := exec.Command("sh", "-c", "PATH=$PATH:"+filepath.Dir(ip)+"; "+c.setUp).CombinedOutput(); err != nil {
					t.Errorf("%s: %v: %s", c.setUp, err, out)
					return
				}
				for row, m := range atHost(netip.MustParseAddr(c.target)) {
					r := measure(t, kindOf(row), m[0], m[1])
					if r.Outcome != wire.Broken || r.Failure != wire.BrokenNoRoute || r.LatencyNS != nil || r.Loss != nil || r.Address != c.target {
						t.Errorf("%s: %+v", row, r)
					}
				}
				probetest.WantFailure(t, measure(t, "tcp", netip.AddrPortFrom(netip.MustParseAddr(c.target), 25).String(), `{"invert":true}`), wire.Broken, wire.BrokenNoRoute)
				probetest.WantFailure(t, measure(t, "http", "http://192.0.2.200", `{"proxy":{"url":"http://`+netip.AddrPortFrom(netip.MustParseAddr(c.target), 3128).String()+`"}}`), wire.Broken, wire.BrokenNoRoute)
			})
		})
	}
}

// TestEveryKind_DeadNeighbour: nobody answers ARP for the target, or for the
// router before it: this host did what it could, and the target failed.
func TestEveryKind_DeadNeighbour(t *testing.T) {
	need.Time(t)
	ip := need.Tool(t, "ip", "iproute2")
	probetest.InOwnNetwork(t, func() {
		setUp := "ip link add v0 type veth peer v1 && ip link set v1 up && ip addr add 192.0.2.2/24 dev v0 && ip link set v0 up && ip route add default via 192.0.2.1 && " +
			"ip ntable change name arp_cache dev v0 retrans 100 mcast_probes 1"
		if out, err := exec.Command("sh", "-c", "PATH=$PATH:"+filepath.Dir(ip)+"; "+setUp).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", setUp, err, out)
			return
		}
		for _, target := range []string{"192.0.2.77", "198.51.100.1"} {
			for row, m := range atHost(netip.MustParseAddr(target)) {
				r := measureWithin(t, 20*time.Second, kindOf(row), m[0], m[1])
				if r.Outcome != wire.Failed || r.Failure != wire.FailUnreachable {
					t.Errorf("%s to %s: %+v", row, target, r)
				}
			}
		}
	})
}
