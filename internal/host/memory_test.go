package host

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"netmon/internal/memory"
)

// TestBodiesWithin: bodies get a part of what the process may take.
func TestBodiesWithin(t *testing.T) {
	for most, want := range map[int64]int64{0: 64 << 20, 16 << 20: 8 << 20, 200 << 20: 50 << 20, 1 << 30: 256 << 20, 1 << 40: 256 << 20} {
		if got := bodiesWithin(most); got != want {
			t.Errorf("of %d: %d, want %d", most, got, want)
		}
	}
}

// TestLimitMemory: an agent keeps to its container, and leaves alone what others set.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	undo := limitMemory(memory.Limit{Bytes: 1 << 40})
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("the limit is %d", got)
	}
	limitMemory(memory.Limit{Bytes: 1 << 41})() // beside a broker, which keeps one
	if got := debug.SetMemoryLimit(-1); got != 1<<40 {
		t.Errorf("the limit became %d", got)
	}
	undo()
	for _, l := range []memory.Limit{{}, {Own: true}} {
		limitMemory(l)
		if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
			t.Errorf("%+v: the limit became %d", l, got)
		}
	}
}

// TestHeapGrowth: a busy agent gets room, an idle one gives it back, and neither
// goes back and forth.
func TestHeapGrowth(t *testing.T) {
	for _, c := range []struct {
		percent int
		busy    float64
		want    int
	}{{60, 0, 60}, {60, 0.25, 60}, {60, 0.5, 200}, {60, 1, 200}, {90, 0.35, 90}, {200, 0.35, 200}, {200, 0.1, 60}, {135, 0.29, 60}} {
		percent := c.percent
		for range 10 {
			percent = heapGrowth(percent, c.busy)
		}
		if percent != c.want {
			t.Errorf("%d at %v: %d, want %d", c.percent, c.busy, percent, c.want)
		}
	}
}

func TestCPUTime(t *testing.T) {
	runtime.GC()
	if c := cpuTime(); c.all <= 0 || c.busy <= 0 || c.busy > c.all {
		t.Errorf("%+v", c)
	}
}
