package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// soak runs many monitors for long and checks whether anything grows.
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
	var peaks [2]sample  // of the first and the last third of what follows
	var least [2]float64 // memory in use, MiB: a backlog that the agent holds for a moment is not growth
	before, err := m.marks(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	for time.Since(begin) < long {
		s, err := m.sample()
		if err != nil {
			return err
		}
		if third := int(3 * time.Since(begin) / long); third != 1 {
			i := third / 2
			if peaks[i] == (sample{}) || s.inUse < least[i] {
				least[i] = s.inUse
			}
			peaks[i] = peaks[i].max(s)
		}
		if err := sleep(ctx, max(time.Second, long/300)); err != nil {
			return err
		}
	}
	after, err := m.marks(ctx)
	if err != nil {
		return err
	}
	a, b := peaks[0], peaks[1]
	r.say("%s, %d monitors (every %v) for %v: from the first third to the last, the agent has at least %.1f → %.1f MiB in use, at most %.0f → %.0f MiB resident, %d → %d goroutines, %d → %d descriptors, %d → %d threads; the broker %.0f → %.0f MiB, %d → %d descriptors",
		l.kind, n, l.every, long, least[0], least[1], a.rss, b.rss, a.goroutines, b.goroutines, a.fds, b.fds, a.threads, b.threads, a.broker.rss, b.broker.rss, a.broker.fds, b.broker.fds)
	stored := after.stored - before.stored
	r.say("%s, %d monitors: %d results stored (%.1f a second), %d ticks skipped, CPU a result %.0f µs in the agent and %.0f µs in the broker",
		l.kind, n, stored, float64(stored)/after.at.Sub(before.at).Seconds(), after.skipped-before.skipped,
		micros([2]usage{before.agent, after.agent}, float64(stored)), micros([2]usage{before.broker, after.broker}, float64(stored)))
	if least[1] > least[0]*1.15+1 || b.goroutines > a.goroutines+20 || b.fds > a.fds+5 {
		return errors.New("the agent grows")
	}
	return nil
}

// marks is what only ever grows, at one moment.
type marks struct {
	at              time.Time
	stored, skipped uint64
	agent, broker   usage
}

func (m *mesh) marks(ctx context.Context) (k marks, err error) {
	a, err := m.info()
	if err != nil {
		return k, err
	}
	var aerr, berr error
	k.at, k.skipped = time.Now(), a.Skipped
	k.agent, aerr = m.agent.usage()
	k.broker, berr = m.broker.usage()
	k.stored, err = m.stored(ctx)
	return k, errors.Join(err, aerr, berr)
}

// sample is what may grow.
type sample struct {
	usage
	goroutines int
	inUse      float64 // MiB: [inUse]
	broker     usage
}

func (a sample) max(b sample) sample {
	return sample{a.usage.max(b.usage), max(a.goroutines, b.goroutines), max(a.inUse, b.inUse), a.broker.max(b.broker)}
}

func (a usage) max(b usage) usage {
	return usage{rss: max(a.rss, b.rss), fds: max(a.fds, b.fds), threads: max(a.threads, b.threads)}
}

func (m *mesh) sample() (s sample, err error) {
	if s.usage, err = m.agent.usage(); err != nil {
		return s, err
	}
	if s.broker, err = m.broker.usage(); err != nil {
		return s, err
	}
	if err := m.agent.cmd.Process.Signal(goroutinesSignal); err != nil {
		return s, err
	}
	line, err := m.agent.line("goroutines ", 10*time.Second)
	if err != nil {
		return s, err
	}
	var bytes uint64
	_, err = fmt.Sscanf(line, "goroutines %d bytes %d", &s.goroutines, &bytes)
	s.inUse = float64(bytes) / (1 << 20)
	return s, err
}
