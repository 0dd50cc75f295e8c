package cputime

import (
	"runtime"
	"testing"
	"time"
)

// TestOf: work counts, and on Linux waiting does not.
func TestOf(t *testing.T) {
	x := 0
	worked := Of(func() {
		for begin := time.Now(); time.Since(begin) < 20*time.Millisecond; {
			x++
		}
	})
	if worked <= 0 {
		t.Errorf("%v for %d rounds", worked, x)
	}
	if waited := Of(func() { time.Sleep(50 * time.Millisecond) }); runtime.GOOS == "linux" && waited > 25*time.Millisecond {
		t.Errorf("waiting took %v", waited)
	}
}
