package export

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"testing"
	"time"

	"netmon/internal/cputime"
	"netmon/wire"
)

// largeSeries is 1,000 monitors on three agents: of every kind, with latencies that are spread.
func largeSeries(t testing.TB, of []string, monitors, runs int) *Series {
	t.Helper()
	s := newSeries()
	var saved []wire.Saved
	for i := range monitors {
		kind := of[i%len(of)]
		name := fmt.Sprintf("monitor-%04d", i)
		r := result(t, kind, name, "", 0)
		r.Target = fmt.Sprintf("%s-host-%04d.example.com", kind, i)
		saved = append(saved, savedOf(r, map[string]string{"team": "network", "site": "oslo-1"}))
		for _, agent := range []string{"frankfurt", "oslo", "rome"} {
			for n := range runs {
				r := *r
				r.Agent, r.Run, r.Seq = agent, uint64(n+1), uint64(n+1)
				latency := int64(1234567 + (i*7919+n*104729)%3_000_000)
				r.LatencyNS = &latency
				s.Result(&r, start.Add(time.Duration(n)*time.Second))
			}
		}
	}
	s.Monitors(saved)
	s.Agents([]Present{{ID: "frankfurt", Online: true}, {ID: "oslo", Online: true}, {ID: "rome", Online: true}})
	return s
}

var mixed = []string{"https", "http", "icmp", "tcp", "dns", "https", "tls", "ntp", "udp", "icmp"}

// BenchmarkWrite is a scrape of 1,000 monitors of all kinds on 3 agents, as CPU time of one processor. Its samples are
// counted by the lines of the text format; the bar is 5 ms for 30,000.
func BenchmarkWrite(b *testing.B) {
	s := largeSeries(b, mixed, 1000, 10)
	now := start.Add(10 * time.Second)
	for _, f := range []struct {
		name string
		Format
	}{{"text", Text}, {"openmetrics", OpenMetrics}, {"protobuf", Protobuf}} {
		b.Run(f.name, func(b *testing.B) {
			var buf []byte
			w := NewWriter(f.Format, nil)
			b.ReportAllocs()
			took := onCPU(b, func() {
				for b.Loop() {
					w.Reset(f.Format)
					s.Write(w, now)
					buf = w.Bytes()
				}
			})
			samples := bytes.Count(written(s, Text, now), []byte("\n")) - bytes.Count(written(s, Text, now), []byte("\n#"))
			b.ReportMetric(float64(samples), "samples")
			b.ReportMetric(float64(took.Microseconds())/1e3/float64(b.N)*30_000/float64(samples), "cpu-ms/30k-samples")
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
	b.Run("text+gzip", func(b *testing.B) {
		var buf []byte
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		onCPU(b, func() {
			for b.Loop() {
				w := NewWriter(Text, buf[:0])
				s.Write(w, now)
				buf = w.Bytes()
				packed.Reset()
				z.Reset(&packed)
				_, _ = z.Write(buf)
				_ = z.Close()
			}
		})
		b.ReportMetric(float64(packed.Len()), "bytes")
	})
}

// BenchmarkSeriesResult is what a result costs whoever follows them.
func BenchmarkSeriesResult(b *testing.B) {
	for _, kind := range []string{"https", "icmp", "dns"} {
		b.Run(kind, func(b *testing.B) {
			s, r, n := newSeries(), result(b, kind, "web", "oslo", 1), uint64(0)
			b.ReportAllocs()
			onCPU(b, func() {
				for b.Loop() {
					n++
					r.Run, r.Seq = n, n
					s.Result(r, start.Add(time.Duration(n)*time.Millisecond))
				}
			})
		})
	}
}

// BenchmarkSeriesMemory reports the bytes of one series, with ten runs each.
func BenchmarkSeriesMemory(b *testing.B) {
	for b.Loop() {
		before := heap()
		s := largeSeries(b, mixed, 1000, 10)
		_ = written(s, Text, start.Add(10*time.Second))
		b.ReportMetric(float64(heap()-before)/3000, "B/series")
		runtime.KeepAlive(s)
	}
}

// onCPU reports the CPU time of a benchmark's turns: on a machine that is busy with other things the time that
// passes means little.
func onCPU(b *testing.B, turns func()) time.Duration {
	took := cputime.Of(turns)
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
	return took
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
