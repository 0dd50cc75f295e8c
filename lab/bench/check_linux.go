package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// mostPerMonitor is twice what a monitor may take, KiB: see docs/performance.md.
const mostPerMonitor = 2 * 4

// What the broker may take while a small store is read, MiB. It takes some 240;
// without a limit that follows it would be over 570.
const (
	readStore = 512 << 20
	readMost  = 400
)

// check fails on what is not noise, in a minute: a tick missed at 1,000 ICMP
// monitors, a result missing at the end, memory for each monitor at 10,000, and
// the broker's memory while stored results are read.
func check(ctx context.Context, o *options, r *report) error {
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	short := *o
	short.seconds = 8
	l := loadOf("icmp")
	x, err := measureNetmon(ctx, &short, l, 1000, targets)
	if err != nil {
		return err
	}
	r.Rows = append(r.Rows, x)
	var errs []error
	if x.Missed > 0 || x.Skipped > 0 {
		errs = append(errs, fmt.Errorf("1,000 ICMP monitors: %d ticks missed, %d skipped", x.Missed, x.Skipped))
	}
	l.every, short.seconds = 10*time.Second, 2
	m, err := startMesh(ctx, o, "")
	if err != nil {
		return err
	}
	defer m.stop()
	const many = 10_000
	if err := m.apply(ctx, l, many, targets.ports); err != nil {
		return err
	}
	if err := m.await(ctx, many, time.Minute); err != nil {
		return err
	}
	u, err := m.agent.usage()
	if err != nil {
		return err
	}
	each := (u.rss - m.base.rss) * 1024 / many
	r.say("10,000 ICMP monitors (every %v): %.0f MiB, %.1f KiB for each monitor", l.every, u.rss, each)
	if each > mostPerMonitor {
		errs = append(errs, fmt.Errorf("%.1f KiB for each monitor: want at most %d", each, mostPerMonitor))
	}
	m.stop()
	took, err := measureReading(ctx, o, r, readStore, 0)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if took > readMost {
		errs = append(errs, fmt.Errorf("the broker took %.0f MiB while results were read: want at most %d", took, readMost))
	}
	return errors.Join(errs...)
}
