package probes

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/need"
	"netmon/lab/targets"
	"netmon/wire"
)

// TestTCP_LostSYN: a listener whose queue is full drops SYNs. Without end that
// is a timeout; when the SYN has to be sent again the latency tells of it,
// although the kernel's round trip does not.
func TestTCP_LostSYN(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for full := false; !full; {
		c, err := net.DialTimeout("tcp", addr, 200*time.Millisecond)
		if err != nil {
			full = true
			continue
		}
		defer c.Close()
	}
	wantFailure(t, measureWithin(t, 100*time.Millisecond, "tcp", addr, ``), wire.Failed, wire.FailTimeout)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	room := time.AfterFunc(100*time.Millisecond, func() {
		for ctx.Err() == nil {
			c, _, err := unix.Accept(fd)
			if err != nil {
				return
			}
			defer unix.Close(c)
		}
	})
	defer func() { cancel(); unix.Shutdown(fd, unix.SHUT_RDWR); room.Stop() }()
	r := measure(t, "tcp", addr, ``)
	wantFailure(t, r, wire.OK, "")
	d := detailsOf[TCPDetails](t, r)
	if d.ConnectNS < 900e6 || d.Clock != ClockUser || d.Info.Retransmits < 1 || d.Info.RTTNS > 500e6 {
		t.Errorf("%s", r.Details)
	}
}

// inSlowNetwork runs f as inOwnNetwork does, with an interface whose far end
// sends each packet for 192.0.2.2 back as one from it, after delay: a server on
// 192.0.2.1 is found at 192.0.2.2, twice the delay away. lose, when not nil,
// says which packets get lost, and what comes back instead, or nil.
func inSlowNetwork(t *testing.T, delay time.Duration, lose func(packet []byte) (lost bool, instead []byte), f func()) {
	t.Helper()
	ip := need.Tool(t, "ip", "iproute2")
	lacks := ""
	inOwnNetwork(t, func() {
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			lacks = err.Error()
			return
		}
		request, _ := unix.NewIfreq("slow0")
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			t.Errorf("TUNSETIFF: %v", err)
			return
		}
		tun := os.NewFile(uintptr(fd), "tun") // only now can it be polled
		if out, err := exec.Command("sh", "-c", ip+" addr add 192.0.2.1/24 dev slow0 && "+ip+" link set slow0 up").CombinedOutput(); err != nil {
			t.Errorf("ip: %v: %s", err, out)
			return
		}
		var ended sync.WaitGroup
		defer ended.Wait()
		defer tun.Close()
		ended.Go(func() {
			for {
				b := make([]byte, 65536)
				n, err := tun.Read(b)
				if err != nil {
					return
				}
				if b = b[:n]; n < 40 || b[0]>>4 != 4 {
					continue
				}
				if lose != nil {
					if lost, instead := lose(b); lost {
						if instead != nil {
							tun.Write(instead)
						}
						continue
					}
				}
				from := [4]byte(b[12:16])
				copy(b[12:16], b[16:20])
				copy(b[16:20], from[:]) // the sum of both stays the same
				time.AfterFunc(delay, func() { tun.Write(b) })
			}
		})
		f()
	})
	if lacks != "" { // no package can give it
		t.Skipf("skipped, this machine has no tun: %s", lacks)
	}
}

// TestTCP_SlowNetwork: the figures show the delay and the loss that were set,
// and what curl says.
func TestTCP_SlowNetwork(t *testing.T) {
	curl := need.Tool(t, "curl", "curl")
	lost := false
	lose := func(p []byte) (bool, []byte) { // the first segment with our data
		if bytes.Contains(p, []byte("lose me")) && !lost {
			lost = true
			return true, nil
		}
		return false, nil
	}
	inSlowNetwork(t, 10*time.Millisecond, lose, func() {
		s, err := targets.ServeTCP("192.0.2.1:0", turns{{Hear: "\n", Say: "HTTP/1.0 200 OK\r\n\r\n"}}...)
		if err != nil {
			t.Error(err)
			return
		}
		defer s.Close()
		_, port, _ := net.SplitHostPort(s.Addr)
		addr := "192.0.2.2:" + port
		// The best of some, as many as it takes: what a busy host adds is not the network's.
		least := map[string]float64{}
		note := func(what string, ms float64) {
			if old, ok := least[what]; !ok || ms < old {
				least[what] = ms
			}
		}
		const most = 26
		for range 40 {
			r := measure(t, "tcp", addr, `{"steps":[{"send":"GET / HTTP/1.0\n","expect":"^HTTP/1.0 200"}]}`)
			wantFailure(t, r, wire.OK, "")
			d := detailsOf[TCPDetails](t, r)
			for what, ns := range map[string]int64{"connect": d.ConnectNS, "user clock": d.ConnectUserNS, "rtt": d.Info.RTTNS, "min rtt": d.Info.MinRTTNS, "step": *d.Steps[0].NS} {
				note(what, float64(ns)/1e6)
			}
			if d.Clock != ClockTCPInfo || d.Info.Retransmits != 0 {
				t.Errorf("%s", r.Details)
			}
			out, err := exec.Command(curl, "-s", "-o", "/dev/null", "-w", "%{time_connect}", "http://"+addr+"/").Output()
			theirs, perr := strconv.ParseFloat(string(out), 64)
			if err != nil || perr != nil {
				t.Errorf("curl: %v: %q", err, out)
			}
			note("curl", theirs*1e3)
			if slices.Max(slices.Collect(maps.Values(least))) < most {
				break
			}
		}
		t.Logf("ms: %v", least)
		for what, ms := range least {
			if ms < 20 || ms > most {
				t.Errorf("%s %.3f ms, want 20", what, ms)
			}
		}

		r := measure(t, "tcp", addr, `{"steps":[{"send":"lose me\n","expect":"200"}]}`)
		wantFailure(t, r, wire.OK, "")
		if d := detailsOf[TCPDetails](t, r); d.Info.Retransmits == 0 || *d.Steps[0].NS < 100e6 || d.Clock != ClockTCPInfo {
			t.Errorf("a segment was lost: %s", r.Details)
		}
	})
}

// TestTCP_Blackhole: SYNs go out and nothing comes back.
func TestTCP_Blackhole(t *testing.T) {
	inSlowNetwork(t, 0, func([]byte) (bool, []byte) { return true, nil }, func() {
		begin := time.Now()
		r := measureWithin(t, 200*time.Millisecond, "tcp", "192.0.2.2:25", `{"banner":true}`)
		wantFailure(t, r, wire.Failed, wire.FailTimeout)
		if took := time.Since(begin); took > 3*time.Second || r.LatencyNS != nil {
			t.Errorf("took %v, latency %v", took, r.LatencyNS)
		}
	})
}

// TestTCP_RouterSaysUnreachable: what ICMP messages about the SYN come to (RFC
// 792, RFC 1812 section 5.2.7.1).
func TestTCP_RouterSaysUnreachable(t *testing.T) {
	for code, want := range map[byte]wire.Failure{
		0: wire.FailUnreachable, 1: wire.FailUnreachable, 13: wire.FailUnreachable, 3: wire.FailRefused, // net, host, prohibited, port
	} {
		says := func(p []byte) (bool, []byte) { return true, tcpICMPUnreachable(code, p) }
		inSlowNetwork(t, 0, says, func() {
			r := measure(t, "tcp", "192.0.2.2:25", ``)
			wantFailure(t, r, wire.Failed, want)
			if r.Elapsed() > 3*time.Second {
				t.Errorf("code %d took %v", code, r.Elapsed())
			}
		})
	}
}

// tcpICMPUnreachable is a router's answer to a packet that it cannot deliver.
func tcpICMPUnreachable(code byte, packet []byte) []byte {
	sum := func(b []byte) []byte {
		var s uint32
		for i := 0; i+1 < len(b); i += 2 {
			s += uint32(b[i])<<8 | uint32(b[i+1])
		}
		for s > 0xffff {
			s = s>>16 + s&0xffff
		}
		return binary.BigEndian.AppendUint16(nil, ^uint16(s))
	}
	icmp := append([]byte{3, code, 0, 0, 0, 0, 0, 0}, packet[:28]...) // header and eight bytes
	copy(icmp[2:], sum(icmp))
	ip := append([]byte{0x45, 0, 0, byte(20 + len(icmp)), 0, 0, 0, 0, 64, 1, 0, 0, 192, 0, 2, 3}, packet[12:16]...)
	copy(ip[10:], sum(ip))
	return append(ip, icmp...)
}
