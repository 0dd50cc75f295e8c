package probetest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/internal/need"
)

// InOwnNetwork runs f on a thread with a network namespace of its own, in which
// there is only 127.0.0.1. Sockets that f opens, and programs that it starts,
// are in it.
func InOwnNetwork(t *testing.T, f func()) {
	t.Helper()
	need.Root(t)
	ip := need.Tool(t, "ip", "iproute2")
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		if out, err := exec.Command(ip, "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Errorf("ip link: %v: %s", err, out)
			return
		}
		f()
	}()
	<-done
}

// InSlowNetwork runs f as InOwnNetwork does, with an interface whose far end
// sends each packet for 192.0.2.2 back as one from it, after delay: a server on
// 192.0.2.1 is found at 192.0.2.2, twice the delay away. lose, when not nil,
// says which packets get lost, and what comes back instead, or nil.
func InSlowNetwork(t *testing.T, delay time.Duration, lose func(packet []byte) (lost bool, instead []byte), f func()) {
	t.Helper()
	ip := need.Tool(t, "ip", "iproute2")
	lacks := ""
	InOwnNetwork(t, func() {
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

func OpenFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Error(err)
	}
	return len(all)
}

// NeedIPv6 skips the test where the kernel is made without: no package gives it.
func NeedIPv6(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/sys/net/ipv6"); err != nil {
		t.Skip("skipped, this kernel has no IPv6")
	}
}

// AwaitIPv6 waits until the calling thread's network namespace takes packets for
// an address that it was just given: the kernel adds its route a little later.
func AwaitIPv6(t *testing.T, addr string) {
	want := fmt.Sprintf("%x 80 ", netip.MustParseAddr(addr).As16())
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		routes, err := os.ReadFile("/proc/thread-self/net/ipv6_route")
		if err == nil && strings.Contains(string(routes), want) {
			return
		}
		if time.Since(begin) > 30*time.Second { // on a busy machine
			t.Errorf("%s is not ready: %v", addr, err)
			return
		}
	}
}

// RunProgram runs a program, whose arguments are in one string, in the calling
// thread's network namespace.
func RunProgram(program, args string) (string, error) {
	out, err := exec.Command(program, strings.Fields(args)...).CombinedOutput()
	return string(out), err
}

// HasIPv6 says whether ::1 is an address of this host.
func HasIPv6() bool {
	l, err := net.ListenPacket("udp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

// TCPICMPUnreachable is a router's answer to a packet that it cannot deliver.
func TCPICMPUnreachable(code byte, packet []byte) []byte {
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
