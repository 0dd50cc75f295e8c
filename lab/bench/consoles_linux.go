package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// consoles measures the time from the end of a probe to its line on a console,
// and what consoles cost.
func consoles(ctx context.Context, o *options, r *report) error {
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	for _, kind := range o.kinds {
		for _, n := range o.monitors {
			if err := measureConsoles(ctx, o, r, loadOf(kind), n, targets); err != nil {
				return fmt.Errorf("%s, %d monitors: %w", kind, n, err)
			}
		}
	}
	return nil
}

func measureConsoles(ctx context.Context, o *options, r *report, l load, n int, targets *targetsProcess) error {
	m, err := startMesh(ctx, o, "")
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
	var all []*watcher
	defer func() {
		for _, w := range all {
			w.cmd.Process.Kill()
			w.cmd.Wait()
		}
	}()
	for _, count := range []int{0, 1, o.consoles} {
		for len(all) < count {
			w, err := m.watch()
			if err != nil {
				return err
			}
			all = append(all, w)
		}
		if err := sleep(ctx, 3*time.Second); err != nil {
			return err
		}
		first, err := m.stored(ctx)
		if err != nil {
			return err
		}
		broker, err := m.broker.usage()
		if err != nil {
			return err
		}
		var before usage
		for _, w := range all {
			w.reset()
			u, err := usageOf(w.cmd.Process.Pid)
			if err != nil {
				return err
			}
			before.cpu += u.cpu
		}
		if err := sleep(ctx, time.Duration(o.seconds)*time.Second); err != nil {
			return err
		}
		last, err := m.stored(ctx)
		if err != nil {
			return err
		}
		after, err := m.broker.usage()
		if err != nil {
			return err
		}
		results := float64(last - first)
		line := fmt.Sprintf("%s, %.0f results/s, %d consoles: broker %.0f µs of CPU a result", l.kind, results/float64(o.seconds), count, micros([2]usage{broker, after}, results))
		if count > 0 {
			var now usage
			var late []time.Duration
			lines := 0
			for _, w := range all {
				u, err := usageOf(w.cmd.Process.Pid)
				if err != nil {
					return err
				}
				now.cpu += u.cpu
				w.mu.Lock()
				late = append(late, w.late...)
				lines += w.lines
				w.mu.Unlock()
			}
			slices.Sort(late)
			at := func(percent int) float64 {
				return float64(late[max(0, (len(late)*percent+99)/100-1)].Microseconds()) / 1000
			}
			if len(late) == 0 {
				return errors.New("the consoles print nothing")
			}
			line += fmt.Sprintf(", each console %.0f µs; from the end of a probe to its line: p50 %.1f ms, p99 %.1f ms (%d lines, %d timed)", micros([2]usage{before, now}, float64(lines)), at(50), at(99), lines, len(late))
		}
		r.say("%s", line)
	}
	return nil
}

// watcher is a console whose lines are read as they come.
type watcher struct {
	cmd *exec.Cmd

	mu    sync.Mutex // guards what follows
	lines int
	late  []time.Duration // of those that were timed
}

// timed is one line in so many: to time them all took 6 % of the machine that
// the consoles share with it. They come in bursts of some fifty, and seven
// meets each place in one.
const timed = 7

func (w *watcher) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines, w.late = 0, w.late[:0]
}

// watch starts a console. Its output is read through a large pipe.
func (m *mesh) watch() (*watcher, error) {
	w := &watcher{cmd: exec.Command(m.netmon, append([]string{"watch", "-o", "ndjson"}, m.as()...)...)}
	w.cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+m.dir, "XDG_CONFIG_HOME="+m.dir)
	w.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go w.read(out)
	return w, nil
}

func (w *watcher) read(out io.Reader) {
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		w.mu.Lock()
		w.lines++
		if w.lines%timed == 0 {
			if late, ok := behind(line); ok {
				w.late = append(w.late, late)
			}
		}
		w.mu.Unlock()
	}
}

// behind is the time since the end of the probe whose result is read.
func behind(line []byte) (time.Duration, bool) {
	now := time.Now()
	started, terr := time.Parse(time.RFC3339Nano, string(between(line, `"started":"`, `"`)))
	elapsed, nerr := strconv.ParseInt(string(between(line, `"elapsed_ns":`, `,`)), 10, 64)
	return now.Sub(started.Add(time.Duration(elapsed))), terr == nil && nerr == nil
}

func between(b []byte, left, right string) []byte {
	_, rest, _ := bytes.Cut(b, []byte(left))
	in, _, _ := bytes.Cut(rest, []byte(right))
	return in
}
