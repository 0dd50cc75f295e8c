package agent

import (
	"fmt"
	"testing"
	"time"
)

func TestPhase_SpreadsMonitorsEvenly(t *testing.T) {
	const monitors, every, parts = 10_000, 10 * time.Second, 10
	var count [parts]int
	for i := range monitors {
		p := phase("paris", fmt.Sprintf("monitor-%d", i), every)
		if p < 0 || p >= every {
			t.Fatalf("phase %v is not within %v", p, every)
		}
		count[p*parts/every]++
	}
	for i, n := range count {
		if n < monitors/parts*8/10 || n > monitors/parts*12/10 {
			t.Errorf("tenth %d of the interval holds %d of %d monitors", i, n, monitors)
		}
	}
}

func TestPhase_IsTheSameAfterARestartAndDiffersBetweenAgents(t *testing.T) {
	if a, b := phase("paris", "web", time.Minute), phase("paris", "web", time.Minute); a != b {
		t.Errorf("%v and %v", a, b)
	}
	if a, b := phase("paris", "web", time.Minute), phase("tokyo", "web", time.Minute); a == b {
		t.Errorf("both %v", a)
	}
}

func TestFirstDue_IsAtThePhaseAndWithinOneInterval(t *testing.T) {
	for _, into := range []time.Duration{0, 1, 3 * time.Second, 7 * time.Second, 10*time.Second - 1} {
		now := time.Unix(1_800_000_000, 0).Add(into)
		due := firstDue(now, 10*time.Second, 3*time.Second)
		if wait := due.Sub(now); wait <= 0 || wait > 10*time.Second {
			t.Errorf("at +%v: wait %v", into, wait)
		}
		if at := due.UnixNano() % int64(10*time.Second); at != int64(3*time.Second) {
			t.Errorf("at +%v: due at %v into the interval", into, time.Duration(at))
		}
	}
}

func TestSchedule_PopsInOrderWithoutDrift(t *testing.T) {
	var s schedule
	base := time.Now()
	for i, every := range []time.Duration{700 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		s.add(&tick{due: base.Add(every), every: every, task: &task{total: uint64(i)}})
	}
	var last time.Time
	counts := map[uint64]int{}
	for now := base; now.Before(base.Add(21 * time.Second)); now = now.Add(100 * time.Millisecond) {
		for {
			x, due, lost, ok := s.advance(now)
			if !ok {
				break
			}
			if lost != 0 {
				t.Errorf("lost %d ticks though nothing was late", lost)
			}
			if due.Before(last) {
				t.Errorf("%v after %v", due, last)
			}
			last = due
			if into := due.Sub(base) % x.every; into != 0 {
				t.Errorf("drifted by %v", into)
			}
			counts[x.task.total]++
		}
	}
	if counts[0] != 29 || counts[1] != 69 || counts[2] != 20 {
		t.Errorf("ran %v, want 29, 69 and 20 times", counts)
	}
}

func TestSchedule_CountsTheTicksThatPassedMeanwhile(t *testing.T) {
	var s schedule
	base := time.Now()
	s.add(&tick{due: base, every: time.Second})
	x, due, lost, ok := s.advance(base.Add(3500 * time.Millisecond))
	if !ok || lost != 3 || !due.Equal(base.Add(3*time.Second)) || !x.due.Equal(base.Add(4*time.Second)) {
		t.Errorf("lost %d, due +%v, next +%v", lost, due.Sub(base), x.due.Sub(base))
	}
	s.remove(x)
	if _, ok := s.next(); ok {
		t.Error("something is due after the only monitor was removed")
	}
}

func BenchmarkSchedule10k(b *testing.B) {
	var s schedule
	now := time.Now()
	for i := range 10_000 {
		s.add(&tick{due: now.Add(phase("a", fmt.Sprint(i), time.Second)), every: time.Second})
	}
	b.ReportAllocs()
	for b.Loop() {
		next, _ := s.next()
		s.advance(next)
	}
}
