package engine_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/kinds/dns"
	"netmon/wire"
)

// TestStart_NoisyNeighbour: a target that answers each datagram by a flood does
// not cost the runs of others, which leave by the same port, their replies.
func TestStart_NoisyNeighbour(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	flood := holdUDP(t)
	end := make(chan struct{})
	var floods sync.WaitGroup
	defer floods.Wait()
	defer close(end)
	go func() {
		for q := range flood.asked {
			floods.Go(func() {
				stop := make(chan struct{})
				timer := time.AfterFunc(200*time.Millisecond, func() { close(stop) })
				defer timer.Stop()
				floodUDP(t, flood.conn, q.from, stop)
			})
		}
	}()
	var healthy []*probes.Check
	for i := range 100 {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 2, 0, byte(i+1))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		go func() {
			b := make([]byte, 2048)
			for {
				n, from, err := conn.ReadFromUDPAddrPort(b)
				if err != nil {
					return
				}
				conn.WriteToUDPAddrPort(b[:benchNTPReply(b[:n])], from)
			}
		}()
		healthy = append(healthy, newCheck(t, env, "ntp", conn.LocalAddr().String(), ""))
	}
	noisy := []*probes.Check{newCheck(t, env, "dns", "a.example@"+flood.addr, "")}
	runs, bad := probetest.Neighbours(t, env, healthy, noisy, 100, probetest.NoiseFor())
	t.Logf("%d of %d runs are not ok", len(bad), runs)
	for i, r := range bad {
		if i == 3 {
			break
		}
		t.Errorf("%s %s %s: %s", r.Target, r.Outcome, r.Failure, r.Error)
	}
}

// TestMuting: a socket does not hear who is muted, and everybody else.
func TestMuting(t *testing.T) {
	other4, other6 := netip.MustParseAddr("127.0.0.9"), netip.MustParseAddr("2001:db8::1:2:3")
	for _, c := range []struct {
		host  string
		other netip.Addr
	}{{"127.0.0.1", other4}, {"::1", other6}} {
		if c.host == "::1" && !probetest.HasIPv6() {
			continue
		}
		listen := func() *net.UDPConn {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(c.host)})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
			return conn
		}
		for _, muted := range [][]netip.Addr{{c.other}, {c.other, c.other}, {c.other, netip.MustParseAddr(c.host)}} {
			to, from := listen(), listen()
			rc, err := to.SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			rc.Control(func(fd uintptr) {
				err = engine.AttachFilter(int(fd), append(engine.MuteFilter(muted), engine.KeepAllFilter))
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := from.WriteTo([]byte("x"), to.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			heard := false // on loopback it is there when WriteTo returns
			rc.Control(func(fd uintptr) {
				n, _, err := unix.Recvfrom(int(fd), make([]byte, 9), unix.MSG_DONTWAIT)
				heard = err == nil && n == 1
			})
			if want := muted[1:] == nil || muted[len(muted)-1] == c.other; heard != want {
				t.Errorf("from %s with %v muted: heard %v", c.host, muted, heard)
			}
		}
	}
}

// TestStart_FloodGetsASocketOfItsOwn: the run with a target that floods the
// shared port is measured again by a socket of its own, as are its next ones.
// Those of others that wait at this port have their replies; new ones leave by
// another, which the flood does not know.
func TestStart_FloodGetsASocketOfItsOwn(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	s := holdUDP(t)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	loud := conn.LocalAddr().String()
	ask := func() (q []byte, from netip.AddrPort) {
		q = make([]byte, 2048)
		n, from, err := conn.ReadFromUDPAddrPort(q)
		if err != nil {
			t.Fatal(err)
		}
		return q[:n], from
	}
	release := e.Hold() // the poller stands still
	_, waits := beginOrFail(t, newCheck(t, env, "dns", "a.example@"+s.addr, ""))
	check := newCheck(t, env, "dns", "b.example@"+loud, "")
	_, flooded := beginOrFail(t, check)
	q := <-s.asked
	_, shared := ask()
	if q.from != shared {
		t.Fatalf("two targets, two ports: %s, %s", q.from, shared)
	}
	release()
	flood := func(n int) {
		for i := range n {
			conn.WriteToUDPAddrPort([]byte("flood"), shared)
			if i%200 == 0 { // as far as the socket has room without privilege
				env.Launched()
			}
		}
	}
	flood(engine.NoiseMost + 200)
	query, own := ask() // once more
	if own == shared {
		t.Errorf("the target that floods is asked again from the port %s", own)
	}
	flood(5000)
	s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, q.payload), q.from)
	env.Launched()
	probetest.WantFailure(t, <-waits, wire.OK, "")
	conn.WriteToUDPAddrPort(dnsAnswerTo(t, query), own)
	r := <-flooded
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[dns.Details](t, r); d.Strays != 0 {
		t.Errorf("strays are counted that another socket heard: %s", r.Details)
	}

	_, next := beginOrFail(t, newCheck(t, env, "dns", "c.example@"+s.addr, ""))
	q = <-s.asked
	if q.from == shared {
		t.Error("a new run leaves by the port that is flooded")
	}
	_, again := beginOrFail(t, check)
	query, own = ask()
	if own == q.from || own == shared {
		t.Error("the target that floods is asked from a shared port")
	}
	s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, q.payload), q.from)
	conn.WriteToUDPAddrPort(dnsAnswerTo(t, query), own)
	env.Launched()
	probetest.WantFailure(t, <-next, wire.OK, "")
	probetest.WantFailure(t, <-again, wire.OK, "")
	if ports, _, _ := e.HubIPv4().Places(); ports != 1 {
		t.Errorf("%d shared ports, want the new one alone", ports)
	}
}

// TestPacketHub_NewPortAfterSilence: a run after one without reply leaves by a
// port that the target has not seen before, as do those that follow. Others
// keep theirs.
func TestPacketHub_NewPortAfterSilence(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	s, other := holdUDP(t), holdUDP(t)
	old := map[netip.AddrPort]bool{}
	type waiting struct {
		q    heldRequest
		done <-chan wire.Result
	}
	ask := func(server *heldServer) (w waiting, p probes.Pending) {
		p, w.done = beginOrFail(t, newCheck(t, env, "dns", fmt.Sprintf("n%d.example@%s", len(old), server.addr), ""))
		w.q = <-server.asked
		return w, p
	}
	answer := func(server *heldServer, w waiting) {
		t.Helper()
		server.conn.WriteToUDPAddrPort(dnsAnswerTo(t, w.q.payload), w.q.from)
		env.Launched()
		probetest.WantFailure(t, <-w.done, wire.OK, "")
	}
	var all []waiting
	for range 5 { // at once, so by five ports
		w, _ := ask(s)
		old[w.q.from] = true
		all = append(all, w)
	}
	for _, w := range all {
		answer(s, w)
	}
	e.HubIPv4().AgeBy(0.5)
	w, p := ask(s)
	if !old[w.q.from] {
		t.Errorf("a new port although %d are free", len(old))
	}
	p.Stop(context.DeadlineExceeded)
	probetest.WantFailure(t, <-w.done, wire.Failed, wire.FailNoAnswer)

	fresh, _ := ask(s)
	if old[fresh.q.from] {
		t.Error("after a run without reply the next one leaves by a port that was used before")
	}
	answer(s, fresh)
	for range 10 {
		w, _ := ask(s)
		if w.q.from != fresh.q.from {
			t.Error("a run goes back to a port that was used before, or opens one more")
		}
		answer(s, w)
	}
	used := map[netip.AddrPort]bool{}
	for range 10 {
		w, _ := ask(other)
		used[w.q.from] = true
		answer(other, w)
	}
	for a := range used {
		if !old[a] && a != fresh.q.from {
			t.Error("a target that answers gets a new port, too")
		}
	}
}
