package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"netmon/wire"
)

// What the agent of runAgent understands.
const (
	profileSignal    = unix.SIGUSR1
	goroutinesSignal = unix.SIGUSR2
)

// table measures netmon at each load, and beside it, over the same targets, the
// bare operation and the peers asked for.
func table(ctx context.Context, o *options, r *report) error {
	dir := r.dir()
	targets, err := startTargets(ctx, dir)
	if err != nil {
		return err
	}
	defer targets.stop()
	for _, kind := range o.kinds {
		for _, n := range o.monitors {
			l := loadOf(kind)
			note("%s, %d monitors every %v: netmon", kind, n, l.every)
			row, err := measureNetmon(ctx, o, l, n, targets)
			if err != nil {
				return fmt.Errorf("%s, %d monitors: %w", kind, n, err)
			}
			r.Rows = append(r.Rows, row)
			note("%s, %d monitors: the bare operation", kind, n)
			row, err = measureFloor(ctx, o, l, n, targets, dir)
			if err != nil {
				return fmt.Errorf("%s, %d monitors: the bare operation: %w", kind, n, err)
			}
			r.Rows = append(r.Rows, row)
			for _, p := range o.against {
				if !peers[p].can(kind) {
					note("%s does not measure %s", p, kind)
					continue
				}
				note("%s, %d monitors: %s", kind, n, p)
				row, err := measurePeer(ctx, o, p, l, n, targets, dir)
				if err != nil {
					return fmt.Errorf("%s, %d monitors: %s: %w", kind, n, p, err)
				}
				r.Rows = append(r.Rows, row)
			}
		}
	}
	return nil
}

// window is a measurement between two readings of everything.
type window struct {
	begin, end    time.Time
	agent, broker [2]usage
	sent          [2]counts
	first, last   uint64 // results in the stream
	floor         lateness
}

func measureNetmon(ctx context.Context, o *options, l load, n int, targets *targetsProcess) (row row, err error) {
	m, err := startMesh(ctx, o, o.profile)
	if err != nil {
		return row, err
	}
	defer m.stop()
	timer, err := again(ctx, m.dir, "timer")
	if err != nil {
		return row, err
	}
	defer timer.stop()
	if err := m.apply(ctx, l, n, targets.ports); err != nil {
		return row, err
	}
	if err := m.await(ctx, n, time.Minute); err != nil {
		return row, err
	}
	// Buffers are as large as they get, and what starting cost is over.
	if err := sleep(ctx, 2*l.every+time.Second); err != nil {
		return row, err
	}
	w, err := m.window(ctx, o, targets, timer)
	if err != nil {
		return row, err
	}
	return m.row(ctx, l, n, w)
}

// window measures for as long as asked.
func (m *mesh) window(ctx context.Context, o *options, targets *targetsProcess, timer *process) (w window, err error) {
	read := func(i int) error {
		var errs [3]error
		w.agent[i], errs[0] = m.agent.usage()
		w.broker[i], errs[1] = m.broker.usage()
		w.sent[i], errs[2] = targets.count()
		return errors.Join(errs[:]...)
	}
	ask := func() (l lateness, err error) {
		if _, err := fmt.Fprintln(timer.in); err != nil {
			return l, err
		}
		line, err := timer.line("{", 5*time.Second)
		if err == nil {
			err = json.Unmarshal([]byte(line), &l)
		}
		return l, err
	}
	if w.first, err = m.stored(ctx); err != nil {
		return w, err
	}
	if _, err := ask(); err != nil {
		return w, err
	}
	if o.profile != "" {
		m.agent.cmd.Process.Signal(profileSignal)
	}
	w.begin = time.Now()
	if err := read(0); err != nil {
		return w, err
	}
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return w, err
	}
	w.end = time.Now()
	if err := read(1); err != nil {
		return w, err
	}
	if o.profile != "" {
		m.agent.cmd.Process.Signal(profileSignal)
	}
	if w.floor, err = ask(); err != nil {
		return w, err
	}
	// What was due at the end is measured and stored soon after.
	if err := sleep(ctx, 2500*time.Millisecond); err != nil {
		return w, err
	}
	w.last, err = m.stored(ctx)
	return w, err
}

// row is what a window says.
func (m *mesh) row(ctx context.Context, l load, n int, w window) (row, error) {
	d := w.end.Sub(w.begin)
	// Whole intervals, so that each monitor is due equally often.
	whole := d / l.every * l.every
	r := row{Who: "netmon", Kind: l.kind, Monitors: n, Seconds: d.Seconds(), Asked: float64(n) / l.every.Seconds(), Floor: w.floor}
	var late []time.Duration
	due := 0
	err := m.results(ctx, w.first, w.last, func(x *wire.Result) {
		if x.Due.Before(w.begin) || !x.Due.Before(w.begin.Add(whole)) {
			return
		}
		due++
		late = append(late, x.Started.Sub(x.Due))
		r.Skipped += int(x.Skipped)
		if x.Outcome != wire.OK {
			r.NotOK++
			r.Why = string(x.Failure)
		}
	})
	if err != nil {
		return r, err
	}
	r.Late = latenessOf(late)
	r.Stored = float64(due) / whole.Seconds()
	r.Missed = n*int(whole/l.every) - due
	probes := float64(w.sent[1][l.kind] - w.sent[0][l.kind])
	r.Rate = probes / d.Seconds()
	r.CPU = micros(w.agent, probes)
	r.BrokerCPU = micros(w.broker, probes)
	r.RSS = w.agent[1].rss
	r.PerMonitor = (w.agent[1].rss - m.base.rss) * 1024 / float64(n)
	r.BrokerRSS = w.broker[1].rss
	r.Threads, r.FDs = w.agent[1].threads, w.agent[1].fds
	return r, nil
}

// micros is the CPU time between two readings, µs for each of n.
func micros(u [2]usage, n float64) float64 {
	if n == 0 {
		return 0
	}
	return float64((u[1].cpu - u[0].cpu).Microseconds()) / n
}

func measureFloor(ctx context.Context, o *options, l load, n int, targets *targetsProcess, dir string) (row, error) {
	p, err := json.Marshal(targets.ports)
	if err != nil {
		return row{}, err
	}
	f, err := again(ctx, dir, "floor", l.kind, fmt.Sprint(n), l.every.String(), string(p))
	if err != nil {
		return row{}, err
	}
	defer f.stop()
	return watch(ctx, o, "bare operation", l, n, targets, f)
}

// watch measures a process that is not netmon: only the target says what it does.
func watch(ctx context.Context, o *options, who string, l load, n int, targets *targetsProcess, p *process) (row, error) {
	r := row{Who: who, Kind: l.kind, Monitors: n, Asked: float64(n) / l.every.Seconds()}
	if err := sleep(ctx, 3*time.Second); err != nil {
		return r, err
	}
	before, err := targets.count()
	if err != nil {
		return r, err
	}
	used, begin := tree(p.cmd.Process.Pid), time.Now()
	if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
		return r, err
	}
	after, err := targets.count()
	if err != nil {
		return r, err
	}
	now, d := tree(p.cmd.Process.Pid), time.Since(begin)
	select {
	case <-p.ended:
		_, err := p.line("never", time.Second)
		return r, err
	default:
	}
	probes := float64(after[l.kind] - before[l.kind])
	r.Seconds = d.Seconds()
	r.Rate = probes / d.Seconds()
	r.Missed = max(0, int(r.Asked*d.Seconds()-probes))
	r.CPU = micros([2]usage{used, now}, probes)
	r.RSS, r.Threads, r.FDs = now.rss, now.threads, now.fds
	return r, nil
}
