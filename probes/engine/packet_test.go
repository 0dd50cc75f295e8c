package engine_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/probes"
	"netmon/probes/engine"
)

// openTestPacket opens a socket to addr as a probe would.
func openTestPacket(t *testing.T, addr string, limit int) *engine.PacketConn {
	t.Helper()
	run := probes.NewRun("", nil, func(s probes.Step) { t.Log(s.Text) })
	p, err := probes.Common{}.OpenPacket(t.Context(), run, netip.MustParseAddrPort(addr), limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if run.Address() != p.Target().String() {
		t.Errorf("noted address %q, want %q", run.Address(), p.Target())
	}
	return p
}

// echo sends every datagram back until the test ends.
func echo(t *testing.T, addr string) string {
	t.Helper()
	l, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Skipf("no such address here: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		b := make([]byte, 65536)
		for {
			n, from, err := l.ReadFrom(b)
			if err != nil {
				return
			}
			l.WriteTo(b[:n], from)
		}
	}()
	return l.LocalAddr().String()
}

func TestPacket(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		p := openTestPacket(t, echo(t, listen), 512)
		sent, err := p.Send([]byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		a, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rtt, clock := a.Since(sent)
		if string(a.Payload) != "hello" || a.Truncated || rtt <= 0 || rtt > a.Read.Sub(sent) {
			t.Errorf("got %q, truncated %v, rtt %v of %v", a.Payload, a.Truncated, rtt, a.Read.Sub(sent))
		}
		if want := map[bool]string{true: engine.ClockKernel, false: engine.ClockUser}[runtime.GOOS == "linux"]; clock != want {
			t.Errorf("timed by %s, want %s", clock, want)
		}
	}
}

func TestPacket_CutsAtTheLimit(t *testing.T) {
	p := openTestPacket(t, echo(t, "127.0.0.1:0"), 100)
	for size, cut := range map[int]bool{0: false, 100: false, 101: true, 9000: true} {
		if _, err := p.Send(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Fatal(err)
		}
		a, err := p.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Payload) != min(size, 100) || a.Truncated != cut {
			t.Errorf("of %d bytes came %d, truncated %v", size, len(a.Payload), a.Truncated)
		}
	}
}

func TestPacket_PortUnreachableIsRefused(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.ListenPacket("udp", listen)
		if err != nil {
			t.Skip(err)
		}
		l.Close()
		p := openTestPacket(t, l.LocalAddr().String(), 100)
		for range 3 { // the socket stays usable, and each error comes once
			if _, err := p.Send([]byte("x")); err != nil {
				t.Fatal(err)
			}
			_, err = p.Receive(t.Context())
			if !errors.Is(err, syscall.ECONNREFUSED) {
				t.Fatalf("got %v, want ECONNREFUSED", err)
			}
			if runtime.GOOS == "linux" && !strings.Contains(err.Error(), "from "+p.Target().String()) {
				t.Errorf("%q does not say who sent the ICMP message", err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, err := p.Receive(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("then %v, want the context's end", err)
		}
	}
}

func TestPacket_ReceiveObeysTheContext(t *testing.T) {
	p := openTestPacket(t, echo(t, "127.0.0.1:0"), 100)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := p.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if _, err := p.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	// The cancelled wait leaves nothing behind for the next one.
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.Receive(ctx)
		if _, err := p.Send([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Receive(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTrust(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		user, wall, kernel, want time.Duration
		clock                    string
	}{
		"the kernel's word":                        {4 * ms, 4 * ms, 3 * ms, 3 * ms, engine.ClockKernel},
		"a slewed wall clock":                      {4 * ms, 4*ms + 2*time.Microsecond, 3 * ms, 3 * ms, engine.ClockKernel},
		"received before it was sent":              {4 * ms, 4 * ms, -time.Microsecond, 0, engine.ClockKernel},
		"received after it was read":               {4 * ms, 4 * ms, 5 * ms, 4 * ms, engine.ClockKernel},
		"the wall clock was set forward meanwhile": {4 * ms, 3604 * ms, 3603 * ms, 4 * ms, engine.ClockUser},
		"the wall clock was set back meanwhile":    {4 * ms, -3596 * ms, -3597 * ms, 4 * ms, engine.ClockUser},
	} {
		if got, clock := engine.Trusted(c.user, c.wall, c.kernel); got != c.want || clock != c.clock {
			t.Errorf("%s: got %v by %s, want %v by %s", name, got, clock, c.want, c.clock)
		}
	}
	sent := time.Now()
	if got, clock := (engine.Arrival{Read: sent.Add(ms)}).Since(sent); got != ms || clock != engine.ClockUser {
		t.Errorf("without a kernel timestamp: %v by %s", got, clock)
	}
}
