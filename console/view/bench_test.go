package view

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"netmon/wire"
)

// large is 10,000 monitors on 10 agents, each with a full window.
func large(b *testing.B, runs int) (*Mesh, []wire.Result) {
	b.Helper()
	const monitors, agents = 10_000, 10
	v := New(t0)
	for a := range agents {
		v.Heartbeat(alive(fmt.Sprintf("agent%d", a), t0), t0, t0)
	}
	list := make([]wire.Result, 0, monitors*agents)
	for m := range monitors {
		name := fmt.Sprintf("monitor-%05d", m)
		v.Saved(name, saved(name, time.Second), nil, t0)
		for a := range agents {
			list = append(list, run(fmt.Sprintf("agent%d", a), 0, func(r *wire.Result) { r.Monitor, r.Summary = name, "connected" }))
		}
	}
	for n := 1; n <= runs; n++ {
		for i := range list {
			next(&list[i])
			v.Result(list[i], list[i].Started)
		}
	}
	return v, list
}

func next(r *wire.Result) {
	r.Run++
	r.Seq++
	r.Started = r.Started.Add(time.Second)
}

// BenchmarkResult is the cost of one result among 100,000 series.
func BenchmarkResult(b *testing.B) {
	v, list := large(b, Window+spare)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		r := &list[i%len(list)]
		next(r)
		v.Result(*r, r.Started)
	}
}

// BenchmarkMemory is what one series takes when its window is full.
func BenchmarkMemory(b *testing.B) {
	for range min(b.N, 1) { // filling it takes ten seconds; once is enough
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		v, list := large(b, Window+spare)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(list))-400, "B/series") // less the list itself
		runtime.KeepAlive(v)
	}
}

// BenchmarkSnapshot is what the screen asks for four times in a second.
func BenchmarkSnapshot(b *testing.B) {
	v, list := large(b, Window+spare)
	for name, q := range map[string]Query{
		"monitors 80x24":  {Limit: 19, Strip: 20},
		"monitors 200x60": {Limit: 55, Strip: 60},
		"by p95":          {Limit: 55, Strip: 60, Sort: ByLatency},
		"filter":          {Limit: 55, Strip: 60, Filter: "0123"},
		"matrix":          {Limit: 55, Cells: true},
		"detail":          {Limit: 1, Detail: "monitor-00500", Plot: 180, Strip: 60},
		"log":             {Limit: 1, Log: 55},
	} {
		b.Run(name, func(b *testing.B) {
			now := list[0].Started
			for range b.N {
				v.Snapshot(q, now)
			}
		})
	}
}

// BenchmarkHeartbeat is what one heartbeat of 1,000 agents costs, for who follows
// agents alone and among the 100,000 series of a screen.
func BenchmarkHeartbeat(b *testing.B) {
	beat := func(b *testing.B, v *Mesh, agents int) {
		list := make([]wire.Alive, agents)
		for i := range list {
			list[i] = alive(fmt.Sprintf("agent%d", i), t0)
			list[i].Labels = map[string]string{"region": "eu", "site": "paris"}
			list[i].Kinds = []string{"dns", "http", "https", "icmp", "ntp", "tcp", "tls", "udp"}
			v.Heartbeat(list[i], t0, t0)
		}
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			v.Heartbeat(list[i%agents], t0, t0)
		}
	}
	b.Run("agents alone", func(b *testing.B) { beat(b, NewBare(t0), 1000) })
	b.Run("with states", func(b *testing.B) {
		v, _ := large(b, 1)
		beat(b, v, 10)
	})
}
