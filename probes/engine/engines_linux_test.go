package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	dnskind "netmon/probes/kinds/dns"
	"netmon/probes/kinds/tcp"
	"netmon/wire"
)

// beginOrFail begins a run and returns how to end it and its result.
func beginOrFail(t *testing.T, c *probes.Check) (probes.Pending, <-chan wire.Result) {
	t.Helper()
	done := make(chan wire.Result, 2) // room for the second that must not come
	p, ok := c.Begin(func(r wire.Result) { done <- r })
	if !ok {
		t.Fatal("Begin refused the run")
	}
	return p, done
}

// heldServer keeps what it is sent until the test says what comes back.
type heldServer struct {
	addr  string
	conn  *net.UDPConn
	asked chan heldRequest
}

type heldRequest struct {
	payload []byte
	from    netip.AddrPort
}

func holdUDP(t *testing.T) *heldServer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &heldServer{conn.LocalAddr().String(), conn, make(chan heldRequest, 100)}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for {
			b := make([]byte, 2048)
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			s.asked <- heldRequest{b[:n], from}
		}
	}()
	return s
}

// dnsAnswerTo answers a query with an address.
func dnsAnswerTo(t *testing.T, query []byte) []byte {
	t.Helper()
	var q dns.Msg
	if err := q.Unpack(query); err != nil {
		t.Fatal(err)
	}
	b, err := with(new(dns.Msg).SetReply(&q), loopback4).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestStart_OneTarget: runs with one target leave by sockets of their own, so
// that each gets its own answer, whatever the order.
func TestStart_OneTarget(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s := holdUDP(t)
	const n = 20
	var results []<-chan wire.Result
	var requests []heldRequest
	from := map[netip.AddrPort]bool{}
	for i := range n {
		_, done := beginOrFail(t, newCheck(t, env, "dns", fmt.Sprintf("n%d.example@%s", i, s.addr), ""))
		results = append(results, done)
		q := <-s.asked
		requests = append(requests, q)
		from[q.from] = true
	}
	if len(from) != n {
		t.Errorf("%d runs left by %d ports", n, len(from))
	}
	for _, q := range slices.Backward(requests) {
		s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, q.payload), q.from)
	}
	for i, done := range results {
		r := <-done
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[dnskind.Details](t, r)
		if want := fmt.Sprintf("n%d.example. IN A", i); d.Question != want || d.Strays != 0 || r.Clock != engine.ClockKernel {
			t.Errorf("%s: %s", want, r.Details)
		}
	}
	// All have given their places back: the next takes one of the same ports.
	_, done := beginOrFail(t, newCheck(t, env, "dns", "again.example@"+s.addr, ""))
	q := <-s.asked
	if !from[q.from] {
		t.Errorf("a new port although %d are free", n)
	}
	s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, q.payload), q.from)
	probetest.WantFailure(t, <-done, wire.OK, "")
}

// TestStart_OneSocket: runs with different targets share a socket. What comes
// from another address is nobody's, an ICMP error goes to the run that it is
// about and to no other.
func TestStart_OneSocket(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	a, b, closed := holdUDP(t), holdUDP(t), probetest.ClosedUDP(t)
	_, first := beginOrFail(t, newCheck(t, env, "dns", "a.example@"+a.addr, ""))
	stop, second := beginOrFail(t, newCheck(t, env, "dns", "b.example@"+b.addr, ""))
	qa, qb := <-a.asked, <-b.asked
	if qa.from != qb.from {
		t.Errorf("two targets, two ports: %s, %s", qa.from, qb.from)
	}
	_, refused := beginOrFail(t, newCheck(t, env, "dns", "c.example@"+closed, ""))
	r := <-refused
	probetest.WantFailure(t, r, wire.Failed, wire.FailRefused)
	if !strings.Contains(r.Error, "ICMP type 3 code 3 from 127.0.0.1") {
		t.Errorf("error %q does not say who refused", r.Error)
	}
	// The right answers from the wrong servers: b is nobody's for a's run and
	// a stray for its own.
	b.conn.WriteToUDPAddrPort(dnsAnswerTo(t, qa.payload), qa.from)
	stranger := holdUDP(t)
	stranger.conn.WriteToUDPAddrPort(dnsAnswerTo(t, qb.payload), qb.from)
	a.conn.WriteToUDPAddrPort(dnsAnswerTo(t, qa.payload), qa.from)
	r = <-first
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[dnskind.Details](t, r); d.Strays != 0 {
		t.Errorf("details %s", r.Details)
	}
	stop.Stop(context.DeadlineExceeded)
	r = <-second
	probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
	if d := probetest.DetailsOf[dnskind.Details](t, r); d.Strays != 1 {
		t.Errorf("details %s", r.Details)
	}
	stop.Stop(context.DeadlineExceeded)
	stop.Stop(context.Canceled)
	select {
	case r := <-second:
		t.Errorf("a second result %+v", r)
	default:
	}
}

// TestStart_LateReply: the answer to a run that has ended is no later run's, not
// even where the protocol cannot distinguish.
func TestStart_LateReply(t *testing.T) {
	for _, c := range [][3]string{{"dns", "www.example@", ""}, {"udp", "", `{"payload":"x"}`}, {"ntp", "", ""}} {
		t.Run(c[0], func(t *testing.T) {
			env := &probes.Env{}
			defer env.Close()
			s := holdUDP(t)
			check := newCheck(t, env, c[0], c[1]+s.addr, c[2])
			stop, done := beginOrFail(t, check)
			old := <-s.asked
			stop.Stop(context.DeadlineExceeded)
			probetest.WantFailure(t, <-done, wire.Failed, wire.FailNoAnswer)
			stop, done = beginOrFail(t, check)
			if q := <-s.asked; q.from == old.from {
				t.Errorf("the next run left by the same port %s", q.from)
			}
			s.conn.WriteToUDPAddrPort(old.payload, old.from)
			stop.Stop(context.DeadlineExceeded)
			probetest.WantFailure(t, <-done, wire.Failed, wire.FailNoAnswer)
		})
	}
}

// TestStart_UnreadReply: what came in time is not silence, although nobody had
// read it when the time was over.
func TestStart_UnreadReply(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s := holdUDP(t)
	for range 20 { // in some of them the poller is faster
		stop, done := beginOrFail(t, newCheck(t, env, "udp", s.addr, `{"payload":"x"}`))
		q := <-s.asked
		s.conn.WriteToUDPAddrPort(q.payload, q.from) // on loopback it is there when this returns
		stop.Stop(context.DeadlineExceeded)
		probetest.WantFailure(t, <-done, wire.OK, "")
	}
}

// TestStart_Canceled: a run that is cut short says so, and leaves nothing.
func TestStart_Canceled(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s := holdUDP(t)
	for _, c := range [][3]string{{"dns", "www.example@", ""}, {"udp", "", ""}, {"ntp", "", ""}} {
		stop, done := beginOrFail(t, newCheck(t, env, c[0], c[1]+s.addr, c[2]))
		stop.Stop(context.Canceled)
		if r := <-done; r.Error != context.Canceled.Error() {
			t.Errorf("%s: %+v", c[0], r)
		}
	}
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	if n := e.HubIPv4().Taken(); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// TestStart_Refuses: what needs a socket or a time of its own goes by Measure.
func TestStart_Refuses(t *testing.T) {
	for _, c := range [][3]string{
		{"dns", "example@127.0.0.1", `{"transport":"tcp"}`}, {"dns", "example@127.0.0.1", `{"attempts":2}`},
		{"dns", "example@127.0.0.1", `{"source":"127.0.0.1"}`}, {"dns", "example@name.invalid", ``},
		{"udp", "127.0.0.1:9", `{"count":2}`}, {"udp", "0.0.0.0:9", ``}, {"udp", "224.0.0.1:9", ``}, {"udp", "[fe80::1%lo]:9", ``},
		{"ntp", "127.0.0.1", `{"samples":2}`}, {"ntp", "127.0.0.1", `{"source":"lo"}`},
		{"tcp", "127.0.0.1:9", `{"banner":true}`}, {"tcp", "127.0.0.1:9", `{"security":"tls"}`}, {"tcp", "localhost:9", ``},
	} {
		env := &probes.Env{}
		if _, ok := newCheck(t, env, c[0], c[1], c[2]).Begin(func(r wire.Result) { t.Errorf("%v: %+v", c, r) }); ok {
			t.Errorf("%v was begun", c)
		}
		env.Close()
	}
}

// TestStart_ResetAtOnce: a target that resets what it has just taken was
// connected, although that is looked at only later.
func TestStart_ResetAtOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	env := &probes.Env{}
	defer env.Close()
	check := newCheck(t, env, "tcp", listener.Addr().String(), "")
	for range 20 {
		_, done := beginOrFail(t, check)
		r := <-done
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[tcp.Details](t, r); r.Clock != engine.ClockTCPInfo || d.Info == nil || d.Info.RTTNS != d.ConnectNS {
			t.Errorf("clock %s, %s", r.Clock, r.Details)
		}
	}
}

// TestStart_CachedName: a name that is known needs no goroutine, and the result
// says that it was known.
func TestStart_CachedName(t *testing.T) {
	server, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.1")
	env := &probes.Env{}
	defer env.Close()
	check := namedTCP(t, env, server)
	if _, ok := check.Begin(func(wire.Result) {}); ok {
		t.Error("a run was begun before the name was looked up")
	}
	probetest.WantFailure(t, check.Run(t.Context(), 10*time.Second, nil), wire.OK, "")
	_, done := beginOrFail(t, check)
	r := <-done
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[tcp.Details](t, r); d.ResolveNS != 0 || d.ResolveAgeNS == nil {
		t.Errorf("details %s", r.Details)
	}
}

// TestStart_OtherAddress: when the first address of a name does not answer, by a
// refusal or by silence, the second one is measured.
func TestStart_OtherAddress(t *testing.T) {
	need.Time(t)
	echo, err := targets.UDPEcho("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	ntp, err := targets.ServeNTP("127.0.0.1:0", targets.HealthyNTP())
	if err != nil {
		t.Fatal(err)
	}
	defer ntp.Close()
	name := probetest.ServeDNS(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	resolver, _ := probetest.NameServer(t, 60, nil, nil, "127.0.0.9", "127.0.0.1")
	for _, c := range [][3]string{{"udp", "", echo.Addr}, {"dns", "www.example@", name.Addr}, {"ntp", "", ntp.Addr}, {"tcp", "", listener.Addr().String()}} {
		for _, silent := range []bool{false, true} {
			if silent && c[0] == "tcp" {
				continue // a port that takes no SYN cannot be had everywhere
			}
			t.Run(fmt.Sprintf("%s, silent %v", c[0], silent), func(t *testing.T) {
				_, port, _ := net.SplitHostPort(c[2])
				if silent {
					conn, err := net.ListenPacket("udp4", "127.0.0.9:"+port)
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
				}
				env := &probes.Env{}
				defer env.Close()
				check := newCheck(t, env, c[0], c[1]+"two.example.:"+port, fmt.Sprintf(`{"family":"4","resolver":%q}`, resolver))
				if _, ok := check.Begin(func(wire.Result) {}); ok {
					t.Fatal("begun although the name is not known")
				}
				check.Timeout = 2 * time.Second
				first := check.Run(t.Context(), check.Timeout, nil)
				probetest.WantFailure(t, first, wire.OK, "")
				_, done := beginOrFail(t, check)
				r := <-done
				probetest.WantFailure(t, r, wire.OK, "")
				if r.Address != "127.0.0.1" || first.Address != r.Address || r.LatencyNS == nil {
					t.Errorf("address %s, by Measure %s: %s", r.Address, first.Address, r.Details)
				}
			})
		}
	}

	// Both are silent, or cut short: one result, and nothing is left.
	conn, err := net.ListenPacket("udp4", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, _ := net.SplitHostPort(conn.LocalAddr().String())
	env := &probes.Env{}
	defer env.Close()
	check := newCheck(t, env, "udp", "two.example.:"+port, fmt.Sprintf(`{"family":"4","resolver":%q}`, resolver))
	check.Timeout = 200 * time.Millisecond
	check.Run(t.Context(), check.Timeout, nil)
	_, done := beginOrFail(t, check)
	probetest.WantFailure(t, <-done, wire.Failed, wire.FailRefused) // of the second, where nobody listens
	stop, done := beginOrFail(t, check)
	stop.Stop(context.Canceled)
	if r := <-done; r.Error != context.Canceled.Error() {
		t.Errorf("%+v", r)
	}
}

// TestStart_Policy: nothing is begun to an address that is forbidden; Measure then
// says why.
func TestStart_Policy(t *testing.T) {
	for kind, target := range map[string]string{"udp": "127.0.0.1:9", "dns": "example@127.0.0.1", "ntp": "127.0.0.1", "tcp": "127.0.0.1:9", "icmp": "127.0.0.1"} {
		asked := 0
		env := &probes.Env{Allow: func(string, netip.AddrPort) error { asked++; return errors.New("no") }}
		if _, ok := newCheck(t, env, kind, target, "").Begin(func(wire.Result) {}); ok || asked != 1 {
			t.Errorf("%s: begun %v, asked %d times", kind, ok, asked)
		}
		env.Close()
	}
}

// TestStart_Leaves: no descriptor and no goroutine is left of many runs, of each
// kind and outcome, at once.
func TestStart_Leaves(t *testing.T) {
	echo, err := targets.UDPEcho("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	silent := holdUDP(t)
	closed := probetest.ClosedUDP(t)
	goroutines, files := runtime.NumGoroutine(), probetest.OpenFiles(t)
	env := &probes.Env{}
	var runs sync.WaitGroup
	for i := range 100 {
		for _, c := range [][3]string{
			{"udp", echo.Addr, `{"payload":"x"}`}, {"udp", silent.addr, `{"protocol":"stun"}`}, {"udp", closed, ``},
			{"tcp", listener.Addr().String(), ``}, {"tcp", closed, ``}, {"dns", "example@" + silent.addr, ``}, {"ntp", silent.addr, ``},
		} {
			runs.Add(1)
			p, ok := newCheck(t, env, c[0], c[1], c[2]).Begin(func(wire.Result) { runs.Done() })
			if !ok {
				t.Fatalf("%v was not begun", c)
			}
			if cause := []error{context.Canceled, context.DeadlineExceeded}[i%2]; strings.Contains(c[1], silent.addr) {
				runs.Go(func() { p.Stop(cause) })
			}
		}
		env.Launched()
	}
	runs.Wait()
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if now := probetest.OpenFiles(t); now > files {
		t.Errorf("%d descriptors, %d before", now, files)
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}

// TestPacketHub_Retires: a port that is old gets no new run, and is closed when
// its last one has ended.
func TestPacketHub_Retires(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s := holdUDP(t)
	stop, done := beginOrFail(t, newCheck(t, env, "dns", "www.example@"+s.addr, ""))
	first := <-s.asked
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	closed := e.HubIPv4().Age()
	other := holdUDP(t) // which would share the port
	stopOther, doneOther := beginOrFail(t, newCheck(t, env, "dns", "www.example@"+other.addr, ""))
	if q := <-other.asked; q.from == first.from {
		t.Errorf("an old port %s was given a new run", q.from)
	}
	s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, first.payload), first.from)
	probetest.WantFailure(t, <-done, wire.OK, "")
	stop.Stop(context.Canceled)
	stopOther.Stop(context.Canceled)
	<-doneOther
	if ports, _, _ := e.HubIPv4().Places(); !closed() || ports != 1 {
		t.Errorf("closed %v, %d ports", closed(), ports)
	}
}

// TestPacketHub_Forgets: a place without reply is given again after a while.
func TestPacketHub_Forgets(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s := holdUDP(t)
	stop, done := beginOrFail(t, newCheck(t, env, "ntp", s.addr, ""))
	stop.Stop(context.DeadlineExceeded)
	<-done
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	h := e.HubIPv4()
	if _, late, claims := h.Places(); late != 1 || claims != 1 {
		t.Fatalf("%d places are kept, %d claims", late, claims)
	}
	h.ForgetAfter(0.5)
	if _, late, _ := h.Places(); late != 1 {
		t.Error("forgotten too early")
	}
	h.ForgetAfter(2)
	if _, late, claims := h.Places(); late != 0 || claims != 0 {
		t.Errorf("%d places are kept, %d claims", late, claims)
	}
}
