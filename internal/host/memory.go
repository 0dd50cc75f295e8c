package host

import (
	"context"
	"log/slog"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"netmon/internal/memory"
)

// CollectAt lets the heap grow by this many percent before it is collected,
// unless the environment says. It returns what undoes it.
func CollectAt(percent int) (undo func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	old := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(old) }
}

// keepMemory keeps a process with a broker close to the memory that it needs,
// until ctx ends.
func keepMemory(ctx context.Context, log *slog.Logger) {
	limit := memory.Find()
	log.Info("soft memory limit", "most", limit.String())
	memory.Keep(ctx, limit)
}

// limitMemory sets the soft limit of a process without a broker, which has one of
// its own that follows what is alive. It returns what undoes it.
func limitMemory(most memory.Limit) (undo func()) {
	if most.Own || most.Bytes == 0 || debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {}
	}
	debug.SetMemoryLimit(most.Bytes)
	return func() { debug.SetMemoryLimit(math.MaxInt64) }
}

// memoryLimit is what this process may take, bytes: what the environment says, or
// what its control group or its host has for it; 0 is not known.
func memoryLimit() int64 {
	most := memory.Find()
	if !most.Own {
		return most.Bytes
	}
	if n := debug.SetMemoryLimit(-1); n != math.MaxInt64 {
		return n
	}
	return 0 // GOMEMLIMIT=off
}

// bodiesWithin is what an agent's runs may hold of bodies where the process may
// take so much: a quarter, as a body has a copy while it grows, and the collector
// comes late.
func bodiesWithin(most int64) int64 {
	const least, unknown, greatest = 8 << 20, 64 << 20, 256 << 20
	if most <= 0 {
		return unknown
	}
	return min(max(most/4, least), greatest)
}

// How far an agent's heap may grow before it is collected, percent. At 10,000
// ICMP monitors 60 is 8 MiB less than Go's 100, for 2 µs of a probe; 5,000 HTTP
// probes a second, which leave more behind, cost a fifth more CPU with it than
// with 200 (docs/performance.md).
const (
	heapLeast = 60
	heapMost  = 200
	heapEach  = 2 * time.Second // how often it is looked at
)

// balanceHeap keeps an agent's heap small as long as there is CPU to do so,
// until ctx ends.
func balanceHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := heapLeast
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	each := time.NewTicker(heapEach)
	defer each.Stop()
	for last := cpuTime(); ; {
		select {
		case <-ctx.Done():
			return
		case <-each.C:
		}
		now := cpuTime()
		if now.all <= last.all { // it is counted when the heap is collected
			continue
		}
		if next := heapGrowth(percent, (now.busy-last.busy)/(now.all-last.all)); next != percent {
			percent = next
			debug.SetGCPercent(percent)
		}
		last = now
	}
}

// heapGrowth is how far the heap may grow from now on, when this process takes
// that part of what its processors can do.
func heapGrowth(percent int, busy float64) int {
	switch {
	case busy > 0.4:
		return min(heapMost, percent*3/2)
	case busy < 0.3:
		return max(heapLeast, percent*2/3)
	}
	return percent
}

// cpuTimes are seconds of all processors.
type cpuTimes struct{ all, busy float64 }

func cpuTime() cpuTimes {
	s := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}}
	metrics.Read(s)
	var v [3]float64
	for i := range s {
		if s[i].Value.Kind() == metrics.KindFloat64 {
			v[i] = s[i].Value.Float64()
		}
	}
	return cpuTimes{v[0], v[0] - v[1] - v[2]} // what is collected while idle costs nobody anything
}
