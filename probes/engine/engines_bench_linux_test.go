package engine_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/kinds"
	"netmon/wire"
)

// benchKinds are the loads: the target of monitor i, its options, how the server
// answers, and the bare operation that is the floor.
var benchKinds = []struct {
	kind, options string
	target        func(host string, port int) string
	reply         func([]byte) int // nil: a TCP listener
	bare          func(addr string, buf []byte) error
}{
	{"udp", `{"payload":"hello"}`, hostPortOf, func(b []byte) int { return len(b) }, bareUDP},
	{"dns", `{}`, func(h string, p int) string { return "www.example@" + hostPortOf(h, p) }, benchDNSReply, bareUDP},
	{"ntp", `{}`, hostPortOf, benchNTPReply, bareUDP},
	{"tcp", `{}`, hostPortOf, nil, bareTCP},
}

func hostPortOf(host string, port int) string { return fmt.Sprintf("%s:%d", host, port) }

// benchHost is an address of monitor i's own.
func benchHost(i int) string { return fmt.Sprintf("127.1.%d.%d", i/250, 1+i%250) }

func bareUDP(addr string, buf []byte) error {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(buf[:48]); err != nil {
		return err
	}
	c.SetReadDeadline(time.Now().Add(time.Second))
	_, err = c.Read(buf)
	return err
}

func bareTCP(addr string, _ []byte) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// BenchmarkStart is what a probe costs this process by its own clock, at a
// thousand a second in slots of 5 ms as the agent has them and as fast as it
// goes, and beside it the bare operation of package net at the same rate, one
// after the other. The server is a process of its own. Nothing is delivered.
func BenchmarkStart(b *testing.B) {
	for _, k := range benchKinds {
		b.Run(k.kind, func(b *testing.B) {
			port := benchServer(b, k.kind)
			const monitors = 1000
			b.Run("1000-a-second", func(b *testing.B) { benchStart(b, k.kind, k.options, k.target, port, monitors, 5, 5*time.Millisecond) })
			b.Run("full-speed", func(b *testing.B) { benchStart(b, k.kind, k.options, k.target, port, monitors, 50, 0) })
			for name, pause := range map[string]time.Duration{"bare-1000-a-second": time.Millisecond, "bare-full-speed": 0} {
				b.Run(name, func(b *testing.B) {
					buf := make([]byte, 2048)
					buf[0] = 0x23 // to the NTP server a client's request
					start, before := time.Now(), benchCPU(b)
					for i := range b.N {
						time.Sleep(time.Until(start.Add(time.Duration(i) * pause)))
						if err := k.bare(hostPortOf(benchHost(i%monitors), port), buf); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(benchCPU(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
				})
			}
		})
	}
}

// benchStart begins batch runs each slot; without one, the next batch at once, as
// long as no more than half of the monitors wait.
func benchStart(b *testing.B, kind, options string, target func(string, int) string, port, monitors, batch int, slot time.Duration) {
	env := &probes.Env{}
	defer env.Close()
	checks := make([]*probes.Check, monitors)
	for i := range checks {
		c, err := kinds.All().New(env, kind, target(benchHost(i), port), json.RawMessage(options))
		if err != nil {
			b.Fatal(err)
		}
		checks[i] = c
	}
	var runs sync.WaitGroup
	var waiting atomic.Int32
	done := func(r wire.Result) {
		if r.Outcome != wire.OK || r.Clock == engine.ClockUser {
			b.Errorf("%+v", r)
		}
		waiting.Add(-1)
		runs.Done()
	}
	begin := func(i int) {
		runs.Add(1)
		waiting.Add(1)
		if _, ok := checks[i%monitors].Begin(done); !ok {
			b.Fatal("not begun")
		}
	}
	begin(0) // opens what is shared
	runs.Wait()
	b.ReportAllocs()
	b.ResetTimer()
	start, before := time.Now(), benchCPU(b)
	for i := 0; i < b.N; {
		for n := 0; n < batch && i < b.N; n++ {
			begin(i)
			i++
		}
		env.Launched()
		if slot == 0 {
			for waiting.Load() > int32(monitors)/2 {
				time.Sleep(time.Millisecond)
				env.Launched()
			}
			continue
		}
		time.Sleep(time.Until(start.Add(time.Duration(i/batch) * slot)))
	}
	runs.Wait()
	b.ReportMetric(float64(benchCPU(b)-before)/float64(b.N)/1e3, "cpu-µs/op")
}

func benchCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// benchServer starts the server of a kind in a process of its own.
func benchServer(b *testing.B, kind string) (port int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestBenchServer$")
	cmd.Env = append(os.Environ(), "NETMON_BENCH_SERVER="+kind)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close() // which ends it
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, serr := fmt.Sscan(line, &port); err != nil || serr != nil {
		b.Fatalf("the server says %q: %v", line, err)
	}
	return port
}

// TestBenchServer is the server of a benchmark, and no test.
func TestBenchServer(t *testing.T) {
	kind := os.Getenv("NETMON_BENCH_SERVER")
	if kind == "" {
		t.Skip("for benchmarks")
	}
	for _, k := range benchKinds {
		if k.kind == kind && k.reply != nil {
			benchUDPServer(t, k.reply)
		} else if k.kind == kind {
			benchTCPServer(t)
		}
	}
	bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

func benchTCPServer(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				continue
			}
			go func() {
				c.Read(make([]byte, 1)) // until the client closes
				c.Close()
			}()
		}
	}()
}

// benchUDPServer answers from the address that was asked.
func benchUDPServer(t *testing.T, reply func([]byte) int) {
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	c.(*net.UDPConn).SetReadBuffer(4 << 20)
	p := ipv4.NewPacketConn(c)
	p.SetControlMessage(ipv4.FlagDst, true)
	fmt.Println(c.LocalAddr().(*net.UDPAddr).Port)
	go func() {
		buf := make([]byte, 2048)
		for {
			n, cm, from, err := p.ReadFrom(buf)
			if err != nil {
				continue
			}
			p.WriteTo(buf[:reply(buf[:n])], &ipv4.ControlMessage{Src: cm.Dst}, from)
		}
	}()
}

// benchDNSReply answers with one A record.
func benchDNSReply(b []byte) int {
	end := 12 + strings.IndexByte(string(b[12:]), 0) + 5
	b = b[:end:cap(b)]
	b[2], b[3] = b[2]|0x84, 0
	binary.BigEndian.PutUint16(b[6:], 1)
	binary.BigEndian.PutUint16(b[8:], 0)
	binary.BigEndian.PutUint16(b[10:], 0)
	b = append(b, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1)
	return len(b)
}

func benchNTPReply(b []byte) int {
	now := uint64(time.Now().UnixNano())
	stamp := (now/1e9+2208988800)<<32 | now%1e9<<32/1e9
	origin := binary.BigEndian.Uint64(b[40:])
	b[0], b[1] = 0x24, 2
	binary.BigEndian.PutUint64(b[16:], stamp)
	binary.BigEndian.PutUint64(b[24:], origin)
	binary.BigEndian.PutUint64(b[32:], stamp)
	binary.BigEndian.PutUint64(b[40:], stamp)
	return 48
}
