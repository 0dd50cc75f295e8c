package engine_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// TestStart_MoreThanIsRead: of one socket only so much is read at a time. A run
// whose time is over meanwhile is not called silent, and nothing is lost.
func TestStart_MoreThanIsRead(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	release := e.Hold() // the poller stands still
	s, flood := holdUDP(t), holdUDP(t)
	stop, done := beginOrFail(t, newCheck(t, env, "dns", "a.example@"+s.addr, ""))
	other, answered := beginOrFail(t, newCheck(t, env, "dns", "b.example@"+flood.addr, ""))
	q, qf := <-s.asked, <-flood.asked
	if q.from != qf.from {
		t.Fatalf("two targets, two ports: %s, %s", q.from, qf.from)
	}
	for range engine.MostHarvested { // of other addresses, which are nobody's
		flood.conn.WriteToUDPAddrPort([]byte("flood"), q.from)
	}
	s.conn.WriteToUDPAddrPort(dnsAnswerTo(t, q.payload), q.from)
	flood.conn.WriteToUDPAddrPort(dnsAnswerTo(t, qf.payload), q.from)
	stop.Stop(context.DeadlineExceeded)
	r := <-done
	probetest.WantFailure(t, r, wire.Broken, wire.BrokenLocal)
	if !strings.Contains(r.Error, "more came") {
		t.Errorf("error %q", r.Error)
	}
	release()
	env.Launched() // the rest is read
	probetest.WantFailure(t, <-answered, wire.OK, "")
	other.Stop(context.DeadlineExceeded)
}

// TestStart_Flood: while one target sends without end, as fast as it can,
// the runs of another one continue, and whoever begins runs gets on.
func TestStart_Flood(t *testing.T) {
	env := &probes.Env{}
	defer env.Close()
	s, flood := holdUDP(t), holdUDP(t)
	victim, _ := beginOrFail(t, newCheck(t, env, "dns", "a.example@"+flood.addr, ""))
	defer victim.Stop(context.Canceled)
	q := <-flood.asked
	end := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		floodUDP(t, flood.conn, q.from, end)
	}()
	defer func() { close(end); <-ended }()
	check := newCheck(t, env, "tcp", listenAndClose(t), "")
	for range 50 {
		_, done := beginOrFail(t, check)
		env.Launched() // comes back, although there is always more
		probetest.WantFailure(t, <-done, wire.OK, "")
	}
	stop, done := beginOrFail(t, newCheck(t, env, "dns", "b.example@"+s.addr, ""))
	<-s.asked
	stop.Stop(context.DeadlineExceeded) // comes back, too
	<-done
}

// floodUDP sends 64 datagrams by each system call until end is closed.
func floodUDP(t *testing.T, conn *net.UDPConn, to netip.AddrPort, end <-chan struct{}) {
	rc, err := conn.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	payload := make([]byte, 64*16)
	rc.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, 16) // without it the flood is a slower one
		for {
			select {
			case <-end:
				return
			default:
				unix.Sendto(int(fd), payload, unix.MSG_DONTWAIT, engine.SockaddrOf(to))
			}
		}
	})
}

// listenAndClose is a TCP server that closes what it takes.
func listenAndClose(t *testing.T) string {
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
			c.Close()
		}
	}()
	return l.Addr().String()
}
