package kinds

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// silentTCP is a port at which nothing is answered: its queue is full.
func silentTCP(t *testing.T, addr netip.AddrPort) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { unix.Close(fd) })
		err = unix.Bind(fd, engine.SockaddrOf(addr))
	}
	if err == nil {
		err = unix.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		conn, err := net.DialTimeout("tcp", addr.String(), 300*time.Millisecond)
		if err != nil {
			return
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("skipped: this kernel takes more connections than its queue has room for")
}

// twoAddresses is a target of each kind at 127.0.0.2, of which 127.0.0.3 is dead:
// silent, except for icmp, which loopback always answers. It returns the port.
func twoAddresses(t *testing.T, kind string) (port uint16) {
	t.Helper()
	const good, dead = "127.0.0.2", "127.0.0.3"
	var addr string
	switch kind {
	case "udp":
		s, err := targets.UDPEcho(good + ":0")
		addr = probetest.ServeUDP(t, s, err)
	case "ntp":
		s, err := targets.ServeNTP(good+":0", targets.HealthyNTP())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		addr = s.Addr
	case "dns":
		s, err := targets.ServeDNS(good + ":0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		addr = s.Addr
	default:
		l, err := net.Listen("tcp", good+":0")
		if err != nil {
			t.Fatal(err)
		}
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Listener = l
		if s.Start(); kind == "tls" || kind == "https" {
			s.Close()
			if l, err = net.Listen("tcp", good+":0"); err != nil {
				t.Fatal(err)
			}
			s = httptest.NewUnstartedServer(s.Config.Handler)
			s.Listener = l
			s.StartTLS()
		}
		t.Cleanup(s.Close)
		addr = l.Addr().String()
	}
	to := netip.MustParseAddrPort(addr)
	other := netip.AddrPortFrom(netip.MustParseAddr(dead), to.Port())
	switch kind {
	case "udp", "ntp", "dns":
		conn, err := net.ListenPacket("udp", other.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	default:
		silentTCP(t, other)
	}
	return to.Port()
}

// TestEveryKind_DeadAddress: the address that does not answer is in the
// result, with what it cost, both where a goroutine measures and where none does,
// and counts for within.
func TestEveryKind_DeadAddress(t *testing.T) {
	resolver, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.3", "127.0.0.2")
	for _, c := range []struct{ kind, target, options string }{
		{"tcp", "two.example:%d", ``}, {"udp", "two.example:%d", `"payload":"x",`}, {"ntp", "two.example:%d", ``}, {"dns", "www.example@two.example:%d", ``},
		{"tls", "two.example:%d", `"tls":{"insecure":true},`}, {"http", "http://two.example:%d/", ``}, {"https", "https://two.example:%d/", `"tls":{"insecure":true},`},
		{"dns", "www.example@two.example:%d", `"attempts":2,`},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			target := fmt.Sprintf(c.target, twoAddresses(t, c.kind))
			options := `{` + c.options + fmt.Sprintf(`"resolver":%q,"family":"4"}`, resolver)
			const timeout = 2 * time.Second
			check := func(way string, r wire.Result) {
				t.Helper()
				if r.Outcome != wire.OK || r.Address != "127.0.0.2" || !strings.HasSuffix(r.Summary, ", after 127.0.0.3 did not answer") {
					t.Errorf("%s: %+v", way, r)
				}
				d := probetest.DetailsOf[probes.Shared](t, r).Addresses
				if len(d) != 2 || d[0].Address != "127.0.0.3" || d[0].Outcome != wire.Failed || d[0].Failure != wire.FailTimeout && d[0].Failure != wire.FailNoAnswer || d[0].NS < int64(timeout)/3 ||
					d[1].Address != "127.0.0.2" || d[1].Outcome != wire.OK || d[1].Failure != "" {
					t.Errorf("%s: %+v", way, d)
				}
			}
			env := &probes.Env{}
			defer env.Close()
			one := newCheck(t, env, c.kind, target, options)
			one.Timeout = timeout
			check("Run", one.Run(t.Context(), timeout, nil))
			if r, ok := probetest.Begun(env, newCheck(t, env, c.kind, target, options), timeout); ok {
				check("Begin", r)
			}

			slow := newCheck(t, env, c.kind, target, strings.Replace(options, `{`, `{"within":"500ms",`, 1))
			slow.Timeout = timeout
			for way, r := range map[string]wire.Result{"Run": slow.Run(t.Context(), timeout, nil)} {
				if r.Failure != wire.FailSlow || !strings.Contains(r.Error, "after 127.0.0.3 did not answer") || len(r.Unmet) != 1 || r.Unmet[0].Expect != "within" {
					t.Errorf("%s, within 500ms: %+v", way, r)
				}
				if c.kind != "http" && c.kind != "https" && r.LatencyNS != nil && *r.LatencyNS > int64(timeout)/3 {
					t.Errorf("%s: the latency has the time of another address in it: %v", way, *r.LatencyNS)
				}
			}
			if r, ok := probetest.Begun(env, newCheck(t, env, c.kind, target, strings.Replace(options, `{`, `{"within":"500ms",`, 1)), timeout); ok && r.Failure != wire.FailSlow {
				t.Errorf("Begin, within 500ms: %+v", r)
			}
		})
	}
}

// TestEveryKind_EachAddress: every address of a name is measured in one run,
// which fails when one fails and says which.
func TestEveryKind_EachAddress(t *testing.T) {
	both, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.2", "127.0.0.3")
	well, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.2")
	for _, c := range []struct{ kind, target, options string }{
		{"tcp", "two.example:%d", ``}, {"udp", "two.example:%d", `"payload":"x",`}, {"ntp", "two.example:%d", ``}, {"dns", "www.example@two.example:%d", ``},
		{"tls", "two.example:%d", `"tls":{"insecure":true},`}, {"http", "http://two.example:%d/", ``}, {"https", "https://Two.Example:%d/", `"tls":{"insecure":true},`},
		{"https", "https://two.example:%d/", `"keep_alive":true,"tls":{"insecure":true},`},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			target := fmt.Sprintf(c.target, twoAddresses(t, c.kind))
			env := &probes.Env{}
			defer env.Close()
			one := newCheck(t, env, c.kind, target, `{`+c.options+fmt.Sprintf(`"resolver":%q,"family":"4","addresses":"each"}`, both))
			if _, ok := one.Begin(nil); ok {
				t.Error("was begun without a goroutine")
			}
			for range 2 {
				r := one.Run(t.Context(), time.Second, nil)
				if r.Outcome != wire.Failed || r.Address != "127.0.0.3" || !strings.HasPrefix(r.Error, "1 of 2 addresses failed (127.0.0.3): 127.0.0.3: ") {
					t.Errorf("%+v", r)
				}
				d := probetest.DetailsOf[probes.Shared](t, r).Addresses
				if len(d) != 2 || d[0].Address != "127.0.0.2" || d[0].Outcome != wire.OK || d[0].LatencyNS == nil || d[1].Outcome != wire.Failed || d[1].Failure != r.Failure || d[1].LatencyNS != nil {
					t.Errorf("%+v", d)
				}
				if tls := c.kind == "tls" || c.kind == "https"; (r.CertExpires != nil) != tls {
					t.Errorf("certificates until %v: that of the address that works is told", r.CertExpires)
				}
			}
			one = newCheck(t, env, c.kind, target, `{`+c.options+fmt.Sprintf(`"resolver":%q,"family":"4","addresses":"each"}`, well))
			r := one.Run(t.Context(), 20*time.Second, func(probes.Step) {})
			if r.Outcome != wire.OK || r.Address != "127.0.0.2" || r.LatencyNS == nil || len(probetest.DetailsOf[probes.Shared](t, r).Addresses) != 1 {
				t.Errorf("one address: %+v", r)
			}
		})
	}
	t.Run("icmp", func(t *testing.T) {
		if err := ready("icmp"); err != nil {
			t.Skipf("skipped: %v", err)
		}
		env := &probes.Env{}
		defer env.Close()
		r := newCheck(t, env, "icmp", "two.example", fmt.Sprintf(`{"resolver":%q,"family":"4","addresses":"each"}`, both)).Run(t.Context(), 20*time.Second, nil)
		if r.Outcome != wire.OK || !strings.HasPrefix(r.Summary, "2 addresses ok, the slowest "+r.Address+": 1/1 replies") {
			t.Errorf("%+v", r)
		}
	})
}

// TestAddressesEach_Bounds: of many addresses the first few are measured, and the
// result says how many there are.
func TestAddressesEach_Bounds(t *testing.T) {
	var many []string
	for i := range 12 {
		many = append(many, fmt.Sprintf("127.0.1.%d", i+1))
	}
	resolver, _ := probetest.NameServer(t, 60, nil, nil, many...)
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	env := &probes.Env{}
	defer env.Close()
	c := newCheck(t, env, "tcp", "many.example:"+port, fmt.Sprintf(`{"resolver":%q,"family":"4","addresses":"each"}`, resolver))
	if n := c.Footprint().Probes; n != 8 {
		t.Errorf("a footprint of %d probes", n)
	}
	r := c.Run(t.Context(), 20*time.Second, nil)
	d := probetest.DetailsOf[probes.Shared](t, r)
	if r.Outcome != wire.OK || len(d.Addresses) != 8 || d.AddressesMore != 4 || !strings.HasPrefix(r.Summary, "the first 8 addresses ok, the slowest 127.0.1.") {
		t.Errorf("%s: %+v", r.Summary, d)
	}
	// Refused by both: the error names the other one, too.
	two, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.2", "127.0.0.3")
	r = newCheck(t, env, "tcp", "two.example"+strings.TrimPrefix(probetest.ClosedTCP(t), "127.0.0.1"), fmt.Sprintf(`{"resolver":%q,"family":"4"}`, two)).Run(t.Context(), 20*time.Second, nil)
	if r.Failure != wire.FailRefused || !strings.HasSuffix(r.Error, ": connection refused; 127.0.0.2 refused") || r.Address != "127.0.0.3" {
		t.Errorf("%+v", r)
	}
	// Refused by all, first for first: the list ends with the one that the error names.
	closed := strings.TrimPrefix(probetest.ClosedTCP(t), "127.0.0.1")
	r = newCheck(t, env, "tcp", "many.example"+closed, fmt.Sprintf(`{"resolver":%q,"family":"4"}`, resolver)).Run(t.Context(), 20*time.Second, nil)
	d = probetest.DetailsOf[probes.Shared](t, r)
	if r.Failure != wire.FailRefused || len(d.Addresses) != 8 || d.AddressesMore != 4 || d.Addresses[7].Address != "127.0.1.12" || strings.Contains(r.Summary, "after") {
		t.Errorf("%+v: %+v", r, d)
	}
}

func TestAddresses_Validate(t *testing.T) {
	for _, c := range []struct{ kind, target, options, want string }{
		{"tcp", "x.example:1", `{"addresses":"all"}`, `options.addresses: want first or each, got "all"`},
		{"http", "http://x.example/", `{"addresses":"each","proxy":{"url":"http://p.example:3128"}}`, `options.addresses: "each" cannot be used with a proxy`},
		{"dns", "x.example", `{"addresses":"each"}`, `options.addresses: "each" needs a name whose addresses are measured`},
	} {
		if _, err := All().New(nil, c.kind, c.target, []byte(c.options)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v, want %q", c.kind, c.options, err, c.want)
		}
	}
	c := newCheck(t, &probes.Env{}, "tcp", "127.0.0.1:1", `{"addresses":"each"}`)
	if c.Footprint().Probes != 1 {
		t.Error("an address has no others")
	}
}
