// Package memory bounds how much of its host's memory a process takes: a soft limit in
// Go's sense, which the collector keeps at the cost of CPU.
//
// nats-server loads a block of 8 MiB for each one that a reader of the store reaches,
// drops it, and leaves it to the collector, which by itself lets the heap double
// before it runs: a filtered read of 4 GiB made a broker of 50 MiB one of gigabytes,
// for minutes (docs/adr/0031). Here the limit follows the live heap: only so much
// above it may be garbage.
package memory

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Of what a host or a container has, a process that keeps the limit takes so much at most.
const (
	ofHost      = 0.5
	ofContainer = 0.8
)

const (
	// blocks is what the heap may have of large objects, bytes: 24 of the store's
	// blocks, with those that are garbage. With eight, reading a large store took
	// three times as long.
	blocks = 192 << 20
	// hysteresis is by how much a limit has to differ to be set, bytes.
	hysteresis = 4 << 20

	every = 250 * time.Millisecond
	// quiet is the time without a collection after which there is nothing that the
	// memory is kept for, and worth is how much garbage is worth one, bytes.
	quiet = 5 * time.Second
	worth = 16 << 20
)

// Limit is the most that this process may take.
type Limit struct {
	Bytes int64  // 0 is not a limit that is known
	Of    string // what it is a share of, for people
	Own   bool   // the environment sets GOMEMLIMIT, and this package does nothing
}

// String says it in a line of a log.
func (l Limit) String() string {
	switch {
	case l.Own:
		return l.Of + ", as the environment says"
	case l.Bytes == 0:
		return "none is known: set GOMEMLIMIT, such as GOMEMLIMIT=1GiB"
	}
	return fmt.Sprintf("%d MiB, %s; GOMEMLIMIT sets another", l.Bytes>>20, l.Of)
}

// Find looks at the environment, at the process's control groups and at the host.
func Find() Limit {
	if text := os.Getenv("GOMEMLIMIT"); text != "" {
		return Limit{Of: "GOMEMLIMIT=" + text, Own: true}
	}
	host, container := hostMemory(), containerMemory("/proc/self/cgroup", "/sys/fs/cgroup")
	return share(host, container)
}

// share is the smaller of the two parts. 0 is a size that is not known, or no limit.
func share(host, container int64) Limit {
	h, c := int64(float64(host)*ofHost), int64(float64(container)*ofContainer)
	switch {
	case c > 0 && (h == 0 || c < h):
		return Limit{Bytes: c, Of: "80 % of its control group's limit"}
	case h > 0:
		return Limit{Bytes: h, Of: "half of the host's memory"}
	}
	return Limit{}
}

// Keep keeps this process below the limit, and close to what it needs, until
// ctx ends. It does nothing where the environment has a limit.
func Keep(ctx context.Context, most Limit) {
	if most.Own {
		return
	}
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	tick := time.NewTicker(every)
	defer tick.Stop()
	var set int64
	var f follower
	var idle idleness
	for now := time.Now(); ; {
		u := readUse()
		if next := f.limit(u, most.Bytes); next > set+hysteresis || next < set-hysteresis {
			debug.SetMemoryLimit(next)
			set = next
		}
		if idle.collect(now, u) {
			debug.FreeOSMemory()
			f.idle(readUse())
		}
		select {
		case <-ctx.Done():
			return
		case now = <-tick.C:
		}
	}
}

// use is what the process has of the host's memory, bytes, and what it costs.
type use struct {
	alive  int64  // of the heap, found by the last collection
	heap   int64  // all of it: alive, garbage and free
	small  int64  // objects of at most 32 KiB, alive or not
	other  int64  // all else that counts against a limit: stacks, the runtime's own
	cycles uint64 // collections so far

	collecting, cpu float64 // seconds that processors collected, of all that they could have worked
}

func readUse() use {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/gc/heap/allocs-by-size:bytes"}, {Name: "/gc/heap/frees-by-size:bytes"}}
	metrics.Read(s)
	v := make([]float64, len(s))
	for i := range s {
		switch s[i].Value.Kind() {
		case metrics.KindUint64:
			v[i] = float64(s[i].Value.Uint64())
		case metrics.KindFloat64:
			v[i] = s[i].Value.Float64()
		case metrics.KindFloat64Histogram:
			v[i] = smallBytes(s[i].Value.Float64Histogram())
		}
	}
	heap := v[1] + v[2]
	return use{alive: int64(v[0]), heap: int64(heap), small: int64(max(0, v[9]-v[10])), other: int64(max(0, v[3]-v[4]-heap)),
		cycles: uint64(v[5]), collecting: v[6] - v[7], cpu: v[8]}
}

// smallBytes adds up objects by their sizes, without the last bucket, which is
// that of large ones. Each bucket holds one size, which its upper bound is just above.
func smallBytes(h *metrics.Float64Histogram) (bytes float64) {
	for i := range len(h.Counts) - 1 {
		bytes += float64(h.Counts[i]) * (h.Buckets[i+1] - 1)
	}
	return bytes
}

const (
	// pressed is the part of all processors' time above which collecting costs
	// too much: a collection that never ends takes 0.25 by itself, and above that
	// it is work that allocations wait for. The runtime stops at 0.5.
	pressed = 0.3
	// growth is how much more large objects may take then, at each look, bytes.
	growth = 32 << 20
)

// follower is the limit of a process that is read from. What a collection finds
// alive says little: the server gets blocks that were collected back, to load
// others into. So small objects may be as many as there are, which the runtime
// itself bounds by what is alive, and large ones take so much, and more only where
// collecting costs too much, until the process is idle again.
type follower struct {
	large           int64 // bytes that large objects may take
	collecting, cpu float64
}

// limit is what the process may take from now on, at most most, where that is not 0.
func (f *follower) limit(u use, most int64) int64 {
	costly := f.cpu > 0 && u.cpu > f.cpu && (u.collecting-f.collecting)/(u.cpu-f.cpu) > pressed
	if costly {
		f.large += growth
	}
	f.large = max(f.large, blocks)
	f.collecting, f.cpu = u.collecting, u.cpu
	limit := u.other + u.small + f.large
	if most > 0 {
		limit = min(limit, most)
	}
	return limit
}

// idle says that what large objects take now is what they need.
func (f *follower) idle(u use) { f.large = max(0, u.alive-u.small) + blocks }

// rounds are the collections that it takes until all is given back, and apart the
// time between two: the server drops a block that nobody reads after 10 s at
// latest, then keeps it to use it again, and that pool outlives two more.
const (
	rounds = 6
	apart  = 3 * time.Second
)

// idleness finds the moments in which memory is better given back: the runtime
// collects a heap in which nothing happens every two minutes.
type idleness struct {
	cycles uint64    // unchanged
	since  time.Time // when they became so
	left   int       // collections that may still bring something
	kept   int64     // of the heap, when the last one was done, bytes
}

func (i *idleness) collect(now time.Time, u use) bool {
	if i.left == 0 && !i.since.IsZero() {
		i.kept = u.heap
	}
	if u.cycles != i.cycles || i.since.IsZero() {
		i.cycles, i.since, i.left = u.cycles, now, rounds
		return false
	}
	switch {
	case i.left == 0:
		return false
	case i.left == rounds && (now.Sub(i.since) < quiet || u.heap < i.kept+worth):
		return false
	case i.left < rounds && now.Sub(i.since) < apart:
		return false
	}
	i.left--
	i.since = now
	i.cycles++ // the one that follows
	return true
}
