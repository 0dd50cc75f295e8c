package kinds

import (
	"encoding/json"
	"maps"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// oneTarget is a target that behaves in one way, and what both ways to measure
// must say of it.
type oneTarget struct {
	kind, target, options string
	outcome               wire.Outcome
	failure               wire.Failure
}

// measuredBothWays measures it as an agent does, without a goroutine, and as
// netmon probe does, and compares what the result says. Two monitors of one
// target must not differ by who runs them.
func measuredBothWays(t *testing.T, timeout time.Duration, c oneTarget) {
	t.Helper()
	env := &probes.Env{}
	defer env.Close()
	check := newCheck(t, env, c.kind, c.target, c.options)
	check.Timeout = timeout
	in := check.Run(t.Context(), timeout, nil)
	without, ok := probetest.Begun(env, newCheck(t, env, c.kind, c.target, c.options), timeout)
	if !ok && c.failure != wire.BrokenNoRoute { // which is for Measure to report
		if !*probetest.InGoroutines {
			t.Errorf("was not begun without a goroutine")
		}
		return
	}
	results := map[string]wire.Result{"in a goroutine": in, "with whoever looks": check.Run(t.Context(), timeout, func(probes.Step) {})}
	if ok {
		results["without a goroutine"] = without
	}
	for way, r := range results {
		if r.Outcome != c.outcome || r.Failure != c.failure {
			t.Errorf("%s: outcome %s %q (%s), want %s %q", way, r.Outcome, r.Failure, r.Error, c.outcome, c.failure)
		}
		if withoutNumbers(r.Error) != withoutNumbers(in.Error) || r.Address != in.Address || (r.LatencyNS == nil) != (in.LatencyNS == nil) {
			t.Errorf("%s: %q, address %s, latency %v\nin a goroutine: %q, address %s, latency %v", way, r.Error, r.Address, r.LatencyNS, in.Error, in.Address, in.LatencyNS)
		}
		if got, want := figureNames(t, r), figureNames(t, in); !slices.Equal(got, want) {
			t.Errorf("%s has the figures %q, in a goroutine %q", way, got, want)
		}
	}
}

// withoutNumbers is a text without what differs from run to run.
func withoutNumbers(s string) string { return numbers.ReplaceAllString(s, "#") }

var numbers = regexp.MustCompile(`[0-9a-f]{8,}|[0-9]+(\.[0-9]+)?`)

// figureNames are the names of the details. connect_user_ns is reported only by who
// waits for one connection alone.
func figureNames(t *testing.T, r wire.Result) []string {
	t.Helper()
	var d map[string]json.RawMessage
	if len(r.Details) > 0 {
		if err := json.Unmarshal(r.Details, &d); err != nil {
			t.Error(err)
		}
	}
	delete(d, "connect_user_ns")
	return slices.Sorted(maps.Keys(d))
}

// resetsAtOnce is a listener that resets what it has just taken.
func resetsAtOnce(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestBothWays(t *testing.T) {
	quick, patient := 300*time.Millisecond, 20*time.Second
	echo, err := targets.UDPEcho("127.0.0.1:0")
	udp := probetest.ServeUDP(t, echo, err)
	mute, err := targets.UDPSilent("127.0.0.1:0")
	silent := probetest.ServeUDP(t, mute, err)
	closed := probetest.ClosedUDP(t)
	servers := probetest.ServeDNS(t)
	ntp := func(change func(*targets.NTPBehaviour)) string {
		b := targets.HealthyNTP()
		change(&b)
		return probetest.ServeNTP(t, b).Addr
	}
	for name, c := range map[string]struct {
		timeout time.Duration
		oneTarget
	}{
		"tcp takes the connection":  {patient, oneTarget{"tcp", probetest.ServeTCP(t, probetest.Turns{}...).Addr, ``, wire.OK, ""}},
		"tcp refuses":               {patient, oneTarget{"tcp", probetest.ClosedTCP(t), ``, wire.Failed, wire.FailRefused}},
		"tcp refuses, as wanted":    {patient, oneTarget{"tcp", probetest.ClosedTCP(t), `{"invert":true}`, wire.OK, ""}},
		"udp echoes":                {patient, oneTarget{"udp", udp, `{"payload":"x"}`, wire.OK, ""}},
		"udp echoes something else": {patient, oneTarget{"udp", udp, `{"payload":"x","expect":{"regex":"^y$"}}`, wire.Failed, wire.FailMismatch}},
		"udp is no DNS server":      {quick, oneTarget{"udp", udp, `{"protocol":"dns"}`, wire.Failed, wire.FailMismatch}},
		"udp refuses":               {patient, oneTarget{"udp", closed, `{"payload":"x"}`, wire.Failed, wire.FailRefused}},
		"udp is silent":             {quick, oneTarget{"udp", silent, `{"payload":"x"}`, wire.Failed, wire.FailNoAnswer}},
		"udp is silent, as wanted":  {quick, oneTarget{"udp", silent, `{"payload":"x","invert":true}`, wire.OK, ""}},
		"dns answers":               {patient, oneTarget{"dns", "www.example@" + servers.Addr, ``, wire.OK, ""}},
		"dns knows no such name":    {patient, oneTarget{"dns", "missing.example@" + servers.Addr, ``, wire.Failed, wire.FailMismatch}},
		"dns refuses to answer":     {patient, oneTarget{"dns", "refused.example@" + servers.Addr, ``, wire.Failed, wire.FailMismatch}},
		"dns fails":                 {patient, oneTarget{"dns", "servfail.example@" + servers.Addr, ``, wire.Failed, wire.FailMismatch}},
		"dns answers with garbage":  {patient, oneTarget{"dns", "garbage.example@" + servers.Addr, ``, wire.Failed, wire.FailBadAnswer}},
		"dns answers another one":   {quick, oneTarget{"dns", "wrong-id.example@" + servers.Addr, ``, wire.Failed, wire.FailBadAnswer}},
		"dns is silent":             {quick, oneTarget{"dns", "silent.example@" + servers.Addr, ``, wire.Failed, wire.FailNoAnswer}},
		"dns is not there":          {patient, oneTarget{"dns", "www.example@" + closed, ``, wire.Failed, wire.FailRefused}},
		"ntp answers":               {patient, oneTarget{"ntp", ntp(func(*targets.NTPBehaviour) {}), ``, wire.OK, ""}},
		"ntp is off":                {patient, oneTarget{"ntp", ntp(func(b *targets.NTPBehaviour) { b.Offset = 90 * time.Second }), `{"expect":{"offset":"1m"}}`, wire.Failed, wire.FailMismatch}},
		"ntp is not synchronised":   {patient, oneTarget{"ntp", ntp(func(b *targets.NTPBehaviour) { b.Stratum, b.Leap = 16, 3 }), ``, wire.Failed, wire.FailUnsynced}},
		"ntp answers too little":    {quick, oneTarget{"ntp", ntp(func(b *targets.NTPBehaviour) { b.Cut = 8 }), ``, wire.Failed, wire.FailBadAnswer}},
		"ntp is silent":             {quick, oneTarget{"ntp", silent, ``, wire.Failed, wire.FailNoAnswer}},
		"ntp is not there":          {patient, oneTarget{"ntp", closed, ``, wire.Failed, wire.FailRefused}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			measuredBothWays(t, c.timeout, c.oneTarget)
		})
	}
	t.Run("tcp resets what it has taken", func(t *testing.T) { // whether that is seen at once is a matter of luck
		t.Parallel()
		addr := resetsAtOnce(t)
		for range 50 {
			measuredBothWays(t, patient, oneTarget{"tcp", addr, ``, wire.OK, ""})
		}
	})
	t.Run("icmp answers", func(t *testing.T) {
		if err := ready("icmp"); err != nil {
			t.Skipf("skipped: %v", err)
		}
		measuredBothWays(t, patient, oneTarget{"icmp", "127.0.0.1", ``, wire.OK, ""})
	})
}

// TestBothWays_Network: what the network says, and what this host says itself.
func TestBothWays_Network(t *testing.T) {
	ip := need.Tool(t, "ip", "iproute2")
	each := func(to string, f func(kind, target, options string)) {
		at := func(port uint16) string { return netip.AddrPortFrom(netip.MustParseAddr(to), port).String() }
		f("icmp", to, ``)
		f("udp", at(9), `{"payload":"as long as a router wants to quote"}`)
		f("dns", "example@"+at(53), ``)
		f("ntp", at(123), ``)
		f("tcp", at(25), ``)
	}
	probetest.InOwnNetwork(t, func() {
		setUp := "ip link add v0 type veth peer v1 && ip link set v1 up && ip addr add 192.0.2.2/24 dev v0 && ip link set v0 up && " +
			"ip ntable change name arp_cache dev v0 retrans 100 mcast_probes 1"
		if out, err := exec.Command("sh", "-c", "PATH=$PATH:"+filepath.Dir(ip)+"; "+setUp).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", setUp, err, out)
			return
		}
		each("203.0.113.1", func(kind, target, options string) {
			measuredBothWays(t, 5*time.Second, oneTarget{kind, target, options, wire.Broken, wire.BrokenNoRoute})
		})
		each("192.0.2.77", func(kind, target, options string) { // nobody answers ARP
			measuredBothWays(t, 20*time.Second, oneTarget{kind, target, options, wire.Failed, wire.FailUnreachable})
		})
	})
	says := func(p []byte) (bool, []byte) { return true, probetest.TCPICMPUnreachable(1, p) }
	probetest.InSlowNetwork(t, 0, says, func() {
		each("192.0.2.2", func(kind, target, options string) { // a router says so
			measuredBothWays(t, 20*time.Second, oneTarget{kind, target, options, wire.Failed, wire.FailUnreachable})
		})
	})
}
