package icmp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// TestICMP_NoisyNeighbour: a target that answers each request by a flood does
// not cost the runs of others their replies. Sockets are opened by any thread
// here, so that the whole process has a network of its own.
func TestICMP_NoisyNeighbour(t *testing.T) {
	const child = "NETMON_NOISE_SOCKETS"
	need.Root(t)
	probetest.NeedIPv6(t)
	ip := need.Tool(t, "ip", "iproute2")
	if os.Getenv(child) == "" {
		for _, sockets := range []string{"raw", "datagram"} {
			t.Run(sockets, func(t *testing.T) {
				cmd := exec.Command(os.Args[0], "-test.run=^TestICMP_NoisyNeighbour$", "-test.v")
				cmd.Env = append(os.Environ(), child+"="+sockets)
				cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
				out, err := cmd.CombinedOutput()
				if t.Logf("%s", out); err != nil {
					t.Error(err)
				}
			})
		}
		return
	}
	n, err := targets.ServeNetwork("tun0", func(_ int, q []byte) (all []targets.NetworkReply) {
		reply := targets.EchoReply(q)
		all = append(all, targets.NetworkReply{Packet: reply})
		if q[0]>>4 == 4 && q[18] != 9 || q[0]>>4 == 6 && q[38] != 9 {
			return all
		}
		for i := range 20_000 {
			junk := append([]byte(nil), reply...)
			binary.BigEndian.PutUint32(targets.ICMP(junk)[40:], uint32(i))
			all = append(all, targets.NetworkReply{Packet: targets.Sealed(junk)})
		}
		return all
	})
	if err != nil {
		need.Missing(t, "%v", err)
	}
	defer n.Close()
	for _, args := range []string{"link set lo up", "addr add 10.9.0.1/16 dev tun0", "addr add fd09::1/64 dev tun0 nodad", "link set tun0 up"} {
		if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
	if os.Getenv(child) == "datagram" && !allowDatagramICMP(t) {
		return
	}
	probetest.AwaitIPv6(t, "fd09::1")
	env := &probes.Env{}
	defer env.Close()
	var healthy []*probes.Check
	for i := range 50 {
		healthy = append(healthy, newCheck(t, env, "icmp", fmt.Sprintf("10.9.8.%d", i+1), ""), newCheck(t, env, "icmp", fmt.Sprintf("fd09::8%02d", i), ""))
	}
	noisy := []*probes.Check{newCheck(t, env, "icmp", "10.9.9.1", ""), newCheck(t, env, "icmp", "fd09::901", "")}
	runs, bad := probetest.Neighbours(t, env, healthy, noisy, 100, probetest.NoiseFor())
	t.Logf("%d of %d runs are not ok", len(bad), runs)
	for i, r := range bad {
		if i == 3 {
			break
		}
		t.Errorf("%s %s %s: %s", r.Target, r.Outcome, r.Failure, r.Error)
	}
}

// TestICMP_FloodIsMuted: a run that waits for a target that floods is notified, and
// no other; the next ones get no shared socket.
func TestICMP_FloodIsMuted(t *testing.T) {
	p := &sockets{}
	now := time.Now()
	e := &echoEngine{sock: &socket{id: 7}, pool: p, born: now, key: 1, pattern: make([]byte, 100), runs: map[uint32]*run{}, seqs: map[uint16]icmpSlot{}}
	p.current, p.all = e, []*echoEngine{e}
	loud, quiet := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	victim, other := e.open(loud, 2, 56), e.open(quiet, 1, 56)
	junk := make([]byte, icmpHeader+56)
	junk[5] = 7 // the id
	for i := range engine.NoiseMost {
		if p.loud.Has(loud, now) {
			t.Errorf("it counts as a flood after %d packets", i)
			break
		}
		e.received(input{message: junk, from: loud, Arrival: engine.Arrival{Read: now}})
	}
	for r, want := range map[*run]int{victim: 1, other: 0} {
		events, _ := r.drainEvents()
		if len(events) != want || want == 1 && events[0].kind != gotMuted {
			t.Errorf("the run to %s was told %+v", r.to, events)
		}
	}
	if _, err := p.acquire(loud, nil, now); err != engine.ErrNoisy {
		t.Errorf("a shared socket for %s: %v", loud, err)
	}
	if got, err := p.acquire(quiet, nil, now); err != nil || got != e {
		t.Errorf("no shared socket for %s: %v", quiet, err)
	}
	if len(e.sock.muted) != 1 || e.sock.muted[0] != loud {
		t.Errorf("muted: %v", e.sock.muted)
	}
}

// TestICMP_MutedSocket does not hear who is muted, and everybody else.
func TestICMP_MutedSocket(t *testing.T) {
	inNetworkOf(t, echoing, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		for _, c := range []struct{ muted, other string }{{far4, other4}, {far6, other6}} {
			e, err := engineOf(env, c.muted == far6)
			if err != nil {
				t.Error(err)
				return
			}
			e.reading.Lock()
			e.sock.mute(netip.MustParseAddr(c.muted))
			e.reading.Unlock()
			for target, want := range map[string]wire.Failure{c.muted: wire.FailNoAnswer, c.other: ""} {
				check, err := Kinds().New(env, "icmp", target, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if r := check.Run(t.Context(), 300*time.Millisecond, nil); r.Failure != want {
					t.Errorf("%s with %s muted: %s %s", target, c.muted, r.Failure, r.Error)
				}
			}
		}
	})
}
