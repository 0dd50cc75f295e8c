package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/targets"
	"netmon/wire"
)

// BenchmarkMesh runs one agent with 10,000 monitors, each every 10 s and evenly
// spread, and one broker, as processes of their own. One operation is one
// result in the stream: go test ./e2e -run '^$' -bench Mesh -benchtime 20000x
//
// The consoles that only read, or are stopped, must not show in the figures of
// the agent.
func BenchmarkMesh(b *testing.B) {
	for _, c := range []struct {
		name     string
		consoles int
		stopped  bool
	}{{"no console", 0, false}, {"8 consoles", 8, false}, {"8 stopped consoles", 8, true}} {
		b.Run(c.name, func(b *testing.B) {
			dir, addr := b.TempDir(), freeAddr(b)
			url := "nats://" + addr
			broker := spawn(b, "broker", "--listen", addr, "--store", filepath.Join(dir, "broker"))
			broker.line("broker ready on")
			agent := spawn(b, "agent", "--broker", url, "--id", "paris", "--state", filepath.Join(dir, "paris"))
			agent.line("connected to")
			echo, err := targets.ServeUDP("127.0.0.1:0", func(_ int, b []byte) []targets.UDPReply { return []targets.UDPReply{{Payload: b}} })
			if err != nil {
				b.Fatal(err)
			}
			defer echo.Close()
			apply(b, url, dir, "udp", echo.Addr, "10s", "{payload: hello}", 10_000)
			nc, err := nats.Connect(url)
			if err != nil {
				b.Fatal(err)
			}
			defer nc.Close()
			awaitStored(b, nc, 15_000) // each has run: buffers are as large as they get
			for range c.consoles {
				p := spawnProgram(b, "/bin/sh", "-c", `exec "$0" watch --broker "$1" >/dev/null`, must(netmon()), url)
				if c.stopped {
					<-time.After(time.Second) // it is connected
					p.cmd.Process.Signal(syscall.SIGSTOP)
				}
			}
			first := awaitStored(b, nc, 0)
			a, br := usage(b, agent), usage(b, broker)
			b.ResetTimer()
			last := awaitStored(b, nc, first+uint64(b.N))
			b.StopTimer()
			n := float64(last - first)
			a2, br2 := usage(b, agent), usage(b, broker)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(n/b.Elapsed().Seconds(), "results/s")
			b.ReportMetric(float64((a2.cpu-a.cpu).Microseconds())/n, "agent-cpu-µs/result")
			b.ReportMetric(float64((br2.cpu-br.cpu).Microseconds())/n, "broker-cpu-µs/result")
			b.ReportMetric(a2.rss, "agent-MiB")
			b.ReportMetric(br2.rss, "broker-MiB")
		})
	}
}

// awaitStored waits until the stream has had n results, and returns how many it has had.
func awaitStored(b *testing.B, nc *nats.Conn, n uint64) uint64 {
	b.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	for {
		s, err := js.Stream(b.Context(), wire.ResultsStream)
		if err != nil {
			b.Fatal(err)
		}
		if last := s.CachedInfo().State.LastSeq; last >= n {
			return last
		}
		<-time.After(200 * time.Millisecond)
	}
}

type used struct {
	cpu time.Duration
	rss float64 // MiB, now
}

// usage reads what the kernel says of a process (proc(5)).
func usage(b *testing.B, p *proc) (u used) {
	b.Helper()
	dir := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	for _, f := range fields[11:13] { // utime and stime, in ticks of 10 ms
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	pages, err := strconv.Atoi(fields[21])
	if err != nil {
		b.Fatal(err)
	}
	u.rss = float64(pages*os.Getpagesize()) / (1 << 20)
	return u
}

func must(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}
