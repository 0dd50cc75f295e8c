package host

import (
	"runtime"
	"testing"
)

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
