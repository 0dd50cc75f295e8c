package spool

import (
	"os"
	"strings"
	"time"
)

// clock measures how long a record has waited, although the wall clock may have
// been stepped meanwhile: it notes each step against the monotonic clock.
type clock struct {
	now   func() (wall time.Time, mono time.Duration)
	steps []step // oldest first
}

// step says by how much the wall clock is ahead of the monotonic one, for the
// records from first on.
type step struct {
	first uint64
	ahead time.Duration
}

const (
	stepLeast = 100 * time.Millisecond // smaller ones are slewing, and are added up
	stepsMost = 64                     // remembered; of more, the older ones are one
)

// systemClock reads the wall clock, and the time since it was made.
func systemClock() func() (time.Time, time.Duration) {
	begin := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(begin)
	}
}

// stamp returns the wall clock's time for record seq.
func (c *clock) stamp(seq uint64) time.Time {
	wall, mono := c.now()
	ahead := time.Duration(wall.UnixNano()) - mono
	if n := len(c.steps); n == 0 || (ahead-c.steps[n-1].ahead).Abs() > stepLeast {
		c.steps = append(c.steps, step{seq, ahead})
		if len(c.steps) > stepsMost {
			c.steps = append(c.steps[:1], c.steps[2:]...)
		}
	}
	return wall
}

// waited is how long ago record seq was stamped with at. For a record of an
// earlier process it trusts the wall clock, and is never below 0.
func (c *clock) waited(seq uint64, at time.Time) time.Duration {
	wall, mono := c.now()
	for i := len(c.steps) - 1; i >= 0; i-- {
		if s := c.steps[i]; seq >= s.first {
			return max(0, mono-(time.Duration(at.UnixNano())-s.ahead))
		}
	}
	return max(0, wall.Sub(at))
}

// bootID names one run of the operating system, "" where that is not known.
// What was written and not synced outlives a process, and not the system.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
