package tcp

import (
	"context"
	"net"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// TestStart_NoTCPInfo: where a sandbox refuses TCP_INFO a connection is timed by
// the user clock and says so, also one that is reset at once, which has no peer
// any more: the poller would report it again and again.
func TestStart_NoTCPInfo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	env := &probes.Env{}
	defer env.Close()
	e, err := probes.EnginesOf(env)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Hold()() // this test is the only reader
	open, reset, refused := newCheck(t, env, "tcp", l.Addr().String(), ""), newCheck(t, env, "tcp", l.Addr().String(), ""),
		newCheck(t, env, "tcp", probetest.ClosedTCP(t), "")
	var missing error
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		runtime.LockOSThread() // for good: the thread ends with this goroutine
		if missing = refuseTCPInfo(); missing != nil {
			return
		}
		for _, c := range []struct {
			check   *probes.Check
			reset   bool
			outcome wire.Outcome
			failure string
		}{{open, false, wire.OK, ""}, {reset, true, wire.OK, ""}, {refused, false, wire.Failed, string(wire.FailRefused)}} {
			done := make(chan wire.Result, 1)
			p, ok := c.check.Begin(func(r wire.Result) { done <- r })
			if !ok {
				t.Error("Begin refused the run")
				return
			}
			if c.outcome == wire.OK {
				conn, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				if c.reset {
					conn.(*net.TCPConn).SetLinger(0)
					conn.Close()
				}
			}
			p.(*tcpRun).Ready(unix.EPOLLOUT, nil)
			select {
			case r := <-done:
				if r.Outcome != c.outcome || string(r.Failure) != c.failure || r.Outcome == wire.OK && r.Clock != engine.ClockUser {
					t.Errorf("reset %t: result %+v", c.reset, r)
				}
			default:
				t.Errorf("reset %t: the run goes on although connecting is over", c.reset)
				p.Stop(context.Canceled)
			}
		}
	}()
	<-finished
	if missing != nil {
		need.Missing(t, "a seccomp filter: %v", missing)
	}
}

// refuseTCPInfo has the kernel refuse TCP_INFO to this thread.
func refuseTCPInfo() error {
	const (
		nr, level, name = 0, 24, 32 // in struct seccomp_data, of args the lower half
		refuse          = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	)
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: skip, K: value}
	}
	filter := []unix.SockFilter{
		load(nr), unless(unix.SYS_GETSOCKOPT, 5),
		load(level), unless(unix.IPPROTO_TCP, 3),
		load(name), unless(unix.TCP_INFO, 1),
		{Code: unix.BPF_RET | unix.BPF_K, K: refuse},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
}
