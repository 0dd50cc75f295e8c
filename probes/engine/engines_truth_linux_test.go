package engine_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/kinds"
	"netmon/wire"
)

// BenchmarkTruth compares each latency with the wire: with the times that the
// kernel gave the packets of the same probe on the loopback interface. A
// thousand probes a second, without and with processes that want every processor.
func BenchmarkTruth(b *testing.B) {
	for _, k := range benchKinds {
		for _, hogs := range []int{0, 2} {
			name := k.kind
			if hogs > 0 {
				name += "-with-hogs"
			}
			b.Run(name, func(b *testing.B) {
				port := benchServer(b, k.kind)
				for range hogs {
					hog := exec.Command("sh", "-c", "while :; do :; done")
					if err := hog.Start(); err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { hog.Process.Kill(); hog.Wait() })
				}
				benchTruth(b, k.kind, k.options, k.target, port)
			})
		}
	}
}

func benchTruth(b *testing.B, kind, options string, target func(string, int) string, port int) {
	env := &probes.Env{}
	defer env.Close()
	wired := tapLoopback(b, kind == "tcp", uint16(port))
	const monitors = 1000
	checks := make([]*probes.Check, monitors)
	for i := range checks {
		c, err := kinds.All().New(env, kind, target(benchHost(i), port), json.RawMessage(options))
		if err != nil {
			b.Fatal(err)
		}
		checks[i] = c
	}
	var mu sync.Mutex
	var runs sync.WaitGroup
	reported := map[string][]time.Duration{} // by address, in their order
	users := 0
	done := func(r wire.Result) {
		defer runs.Done()
		mu.Lock()
		defer mu.Unlock()
		took := time.Duration(-1) // no latency: keeps the place
		if r.LatencyNS != nil {
			took = time.Duration(*r.LatencyNS)
		}
		if r.Clock == engine.ClockUser {
			users++
		}
		reported[r.Address] = append(reported[r.Address], took)
	}
	b.ResetTimer()
	start := time.Now()
	for i := range b.N {
		runs.Add(1)
		p, ok := checks[i%monitors].Begin(done)
		if !ok {
			b.Fatal("not begun")
		}
		time.AfterFunc(900*time.Millisecond, func() { p.Stop(context.DeadlineExceeded) })
		if i%5 == 4 {
			env.Launched()
			time.Sleep(time.Until(start.Add(time.Duration(i+1) * time.Millisecond)))
		}
	}
	runs.Wait()
	b.StopTimer()
	var apart []time.Duration
	for addr, wire := range wired() {
		for i, took := range reported[addr] {
			if i < len(wire) && took >= 0 && wire[i] > 0 {
				apart = append(apart, (took - wire[i]).Abs())
			}
		}
	}
	if len(apart) == 0 {
		b.Fatal("nothing to compare")
	}
	slices.Sort(apart)
	at := func(part float64) float64 { return float64(apart[int(part*float64(len(apart)-1))]) / 1e3 }
	b.ReportMetric(at(0.5), "apart-p50-µs")
	b.ReportMetric(at(0.99), "apart-p99-µs")
	b.ReportMetric(at(1), "apart-max-µs")
	b.ReportMetric(float64(users), "by-user-clock")
	b.ReportMetric(float64(len(apart))/float64(b.N), "compared")
}

// tapLoopback notes when requests to the port leave and answers come. What it
// returns ends that, and returns the times from one to the other by address.
func tapLoopback(b *testing.B, tcp bool, port uint16) func() map[string][]time.Duration {
	// All protocols: only such a socket sees what leaves. Network byte order.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.ETH_P_ALL<<8)
	if err != nil {
		b.Skipf("needs the right to see packets: %v", err)
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20)
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000})
	left, took := map[netip.Addr]time.Time{}, map[string][]time.Duration{}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		buf, oob := make([]byte, 2048), make([]byte, 128)
		for {
			n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, 0)
			if err != nil {
				select {
				case <-stop:
					return
				default:
					continue
				}
			}
			_, data, _, err := unix.ParseOneSocketControlMessage(oob[:oobn])
			header := int(buf[0]&0xf) * 4
			if err != nil || buf[0]>>4 != 4 || n < header+8 || (buf[9] == unix.IPPROTO_TCP) != tcp {
				continue
			}
			outgoing := from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING
			src, dst := netip.AddrFrom4([4]byte(buf[12:])), netip.AddrFrom4([4]byte(buf[16:]))
			sport, dport := binary.BigEndian.Uint16(buf[header:]), binary.BigEndian.Uint16(buf[header+2:])
			flags := buf[header+13] & 0x17 // ACK, RST, SYN, FIN
			switch {
			case outgoing && dport == port && (!tcp || flags == 0x02):
				left[dst] = engine.Timespec(data)
			case !outgoing && sport == port && (!tcp || flags == 0x12):
				took[src.String()] = append(took[src.String()], engine.Timespec(data).Sub(left[src]))
			}
		}
	})
	return func() map[string][]time.Duration {
		close(stop)
		reader.Wait()
		unix.Close(fd)
		return took
	}
}
