package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netmon/wire"
)

// truth compares the latency that each result reports with the time that the
// kernel took between the request and its answer on the wire of loopback, at
// rest and with a busy process beside it.
func truth(ctx context.Context, o *options, r *report) error {
	if os.Geteuid() != 0 {
		r.say("SKIPPED: capturing packets needs root")
		return nil
	}
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	for _, kind := range o.kinds {
		if kind == "http" {
			continue // its latency is one of many packets
		}
		for _, n := range o.monitors {
			for _, hog := range []bool{false, true} {
				if err := measureTruth(ctx, o, r, loadOf(kind), n, hog, targets); err != nil {
					return fmt.Errorf("%s, %d monitors: %w", kind, n, err)
				}
			}
		}
	}
	return nil
}

func measureTruth(ctx context.Context, o *options, r *report, l load, n int, hog bool, targets *targetsProcess) error {
	m, err := startMesh(ctx, o, o.profile)
	if err != nil {
		return err
	}
	defer m.stop()
	beside := ""
	if hog {
		h, err := again(ctx, m.dir, "hog")
		if err != nil {
			return err
		}
		defer h.stop()
		beside = ", a CPU hog beside it"
	}
	if err := m.apply(ctx, l, n, targets.ports); err != nil {
		return err
	}
	if err := m.await(ctx, n, time.Minute); err != nil {
		return err
	}
	p, err := json.Marshal(targets.ports)
	if err != nil {
		return err
	}
	first, err := m.stored(ctx)
	if err != nil {
		return err
	}
	file := filepath.Join(m.dir, "wire.gob")
	c, err := again(ctx, m.dir, "capture", l.kind, string(p), file)
	if err != nil {
		return err
	}
	defer c.stop()
	if _, err := c.line("capturing", 5*time.Second); err != nil {
		return err
	}
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return err
	}
	fmt.Fprintln(c.in)
	said, err := c.line("captured", 30*time.Second)
	if err != nil {
		return err
	}
	if err := sleep(ctx, time.Second); err != nil {
		return err
	}
	last, err := m.stored(ctx)
	if err != nil {
		return err
	}
	trips, err := readTrips(file)
	if err != nil {
		return err
	}
	var apart []time.Duration
	clocks := map[string]int{}
	err = m.results(ctx, first, last, func(x *wire.Result) {
		latency, ok := x.Latency()
		addr, err := netip.ParseAddr(x.Address)
		if !ok || err != nil || x.Outcome != wire.OK {
			return
		}
		if took, ok := trips.near(addr, x.Started); ok {
			apart = append(apart, (latency - took).Abs())
			clocks[x.Clock]++
		}
	})
	if err != nil {
		return err
	}
	if len(apart) == 0 {
		return fmt.Errorf("no result has its packets in the capture (%s)", said)
	}
	slices.Sort(apart)
	var words []string
	for _, c := range slices.Sorted(maps.Keys(clocks)) {
		words = append(words, fmt.Sprintf("%s %.1f %%", c, 100*float64(clocks[c])/float64(len(apart))))
	}
	us := func(percent int) float64 { return float64(apart[(len(apart)*percent+99)/100-1].Nanoseconds()) / 1000 }
	r.say("%s, %d monitors (every %v)%s: latency apart from the wire by %.0f µs at the median, %.0f µs at p99, %.0f µs at most, of %d results; clock: %s", l.kind, n, l.every, beside, us(50), us(99), us(100), len(apart), strings.Join(words, ", "))
	return nil
}

// trip is one request and its answer, as the kernel stamped them.
type trip struct {
	At   int64 // of the request, Unix, ns
	Took int64 // ns
}

type trips map[netip.Addr][]trip

// near is how long the trip to addr took that began nearest to at.
func (t trips) near(addr netip.Addr, at time.Time) (took time.Duration, ok bool) {
	best := int64(200 * time.Millisecond)
	for _, x := range t[addr] {
		if d := max(x.At-at.UnixNano(), at.UnixNano()-x.At); d < best {
			best, took, ok = d, time.Duration(x.Took), true
		}
	}
	return took, ok
}

func readTrips(path string) (t trips, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return t, gob.NewDecoder(bufio.NewReader(f)).Decode(&t)
}

// runHog keeps one core busy until its input ends.
func runHog([]string) error {
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for n := 0; ; n++ {
		if n%1_000_000 == 0 {
			select {
			case <-ended:
				return nil
			default:
			}
		}
	}
}

// runCapture notes requests and answers on loopback until it reads a line:
// capture KIND PORTS FILE.
func runCapture(args []string) error {
	if len(args) != 3 {
		return errors.New("capture KIND PORTS FILE")
	}
	var p ports
	if err := json.Unmarshal([]byte(args[1]), &p); err != nil {
		return err
	}
	match := packets{kind: args[0], port: map[string]int{"udp": p.UDP, "dns": p.DNS, "ntp": p.NTP, "tcp": p.TCP}[args[0]]}
	fd, err := openCapture()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ended := make(chan struct{})
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		close(ended)
	}()
	fmt.Println("capturing")
	asked, all := map[netip.Addr]int64{}, trips{}
	buf, oob := make([]byte, 128), make([]byte, 128)
	for {
		select {
		case <-ended:
			f, err := os.Create(args[2])
			if err != nil {
				return err
			}
			w := bufio.NewWriter(f)
			if err := errors.Join(gob.NewEncoder(w).Encode(all), w.Flush(), f.Close()); err != nil {
				return err
			}
			_, err = fmt.Println("captured", len(all))
			return err
		default:
		}
		n, oobn, _, from, err := unix.Recvmsg(fd, buf, oob, 0)
		if err != nil {
			continue // the timeout: see whether it is over
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		at := stampOf(oob[:oobn])
		if !ok || at == 0 {
			continue
		}
		switch remote, what := match.parse(buf[:n]); {
		case what == isRequest && link.Pkttype == unix.PACKET_OUTGOING:
			asked[remote] = at
		case what == isAnswer && link.Pkttype == unix.PACKET_HOST:
			if sent, ok := asked[remote]; ok {
				all[remote] = append(all[remote], trip{sent, at - sent})
				delete(asked, remote)
			}
		}
	}
}

func openCapture() (int, error) {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return 0, err
	}
	const all = uint16(unix.ETH_P_ALL) // outgoing packets come to these sockets alone
	proto := all<<8 | all>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(proto))
	if err != nil {
		return 0, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 128<<20)
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: proto, Ifindex: lo.Index}))
	return fd, err
}

func stampOf(oob []byte) int64 {
	for len(oob) > 0 {
		h, data, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			return 0
		}
		if h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			return (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
		}
		oob = rest
	}
	return 0
}

// packets separates a kind's requests and answers from everything else.
type packets struct {
	kind string
	port int
}

type what int

const (
	isOther what = iota
	isRequest
	isAnswer
)

// parse reads an IPv4 packet; remote is the target's address.
func (p packets) parse(b []byte) (remote netip.Addr, is what) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return remote, isOther
	}
	head := int(b[0]&15) * 4
	from, to := netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	if len(b) < head+20 && (p.kind == "tcp" || len(b) < head+8) {
		return remote, isOther
	}
	l4 := b[head:]
	source, dest := int(binary.BigEndian.Uint16(l4)), int(binary.BigEndian.Uint16(l4[2:]))
	const syn, ack = 2, 16
	switch proto := b[9]; {
	case p.kind == "icmp" && proto == unix.IPPROTO_ICMP && l4[0] == 8,
		p.kind == "tcp" && proto == unix.IPPROTO_TCP && dest == p.port && l4[13]&(syn|ack) == syn,
		p.kind != "icmp" && p.kind != "tcp" && proto == unix.IPPROTO_UDP && dest == p.port:
		return to, isRequest
	case p.kind == "icmp" && proto == unix.IPPROTO_ICMP && l4[0] == 0,
		p.kind == "tcp" && proto == unix.IPPROTO_TCP && source == p.port && l4[13]&(syn|ack) == syn|ack,
		p.kind != "icmp" && p.kind != "tcp" && proto == unix.IPPROTO_UDP && source == p.port:
		return from, isAnswer
	}
	return remote, isOther
}
