package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// soak runs many monitors for long and looks whether anything grows.
func soak(ctx context.Context, o *options, r *report) error {
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	for _, kind := range o.kinds {
		for _, n := range o.monitors {
			if err := soakOne(ctx, o, r, loadOf(kind), n, targets); err != nil {
				return fmt.Errorf("%s, %d monitors: %w", kind, n, err)
			}
		}
	}
	return nil
}

func soakOne(ctx context.Context, o *options, r *report, l load, n int, targets *targetsProcess) error {
	m, err := startMesh(ctx, o, filepath.Join(r.dir(), "no-profile"))
	if err != nil {
		return err
	}
	defer m.stop()
	if err := m.apply(ctx, l, n, targets.ports); err != nil {
		return err
	}
	if err := m.await(ctx, n, time.Minute); err != nil {
		return err
	}
	// In the first tenth, buffers and the heap reach their size.
	long := time.Duration(o.seconds) * time.Second
	if err := sleep(ctx, max(10*time.Second, long/10)); err != nil {
		return err
	}
	var peaks [2]sample // of the first and the last third of what follows
	begin := time.Now()
	for time.Since(begin) < long {
		s, err := m.sample()
		if err != nil {
			return err
		}
		if third := int(3 * time.Since(begin) / long); third != 1 {
			peaks[third/2] = peaks[third/2].max(s)
		}
		if err := sleep(ctx, max(time.Second, long/300)); err != nil {
			return err
		}
	}
	a, b := peaks[0], peaks[1]
	r.say("%s, %d monitors (every %v) for %v: from the first third to the last, at most %.0f → %.0f MiB, %d → %d goroutines, %d → %d descriptors, %d → %d threads",
		l.kind, n, l.every, long, a.rss, b.rss, a.goroutines, b.goroutines, a.fds, b.fds, a.threads, b.threads)
	if b.rss > a.rss*1.15+4 || b.goroutines > a.goroutines+20 || b.fds > a.fds+5 {
		return errors.New("the agent grows")
	}
	return nil
}

// sample is what may grow.
type sample struct {
	usage
	goroutines int
}

func (a sample) max(b sample) sample {
	return sample{usage{rss: max(a.rss, b.rss), fds: max(a.fds, b.fds), threads: max(a.threads, b.threads)}, max(a.goroutines, b.goroutines)}
}

func (m *mesh) sample() (s sample, err error) {
	if s.usage, err = m.agent.usage(); err != nil {
		return s, err
	}
	if err := m.agent.cmd.Process.Signal(goroutinesSignal); err != nil {
		return s, err
	}
	line, err := m.agent.line("goroutines ", 10*time.Second)
	if err == nil {
		_, err = fmt.Sscanf(line, "goroutines %d", &s.goroutines)
	}
	return s, err
}
