package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"netmon/history"
	"netmon/history/store"
	"netmon/wire"
)

// What history is measured with: so many monitors on three agents, each every 10 s.
const (
	historyAgents = 3
	historyEvery  = 10 * time.Second
	historyYear   = 365 * 24 * time.Hour
	historyMonth  = 30 * 24 * time.Hour
	// grown is of how many monitors a file grows for a month, hour by hour.
	grown = 100
)

// remembering measures the file of history.
func remembering(ctx context.Context, o *options, r *report) error {
	for _, n := range o.monitors {
		dir, err := os.MkdirTemp(o.storeAt, "netmon-bench-history")
		if err != nil {
			return err
		}
		err = measureHistory(ctx, dir, o, r, n)
		if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
			return fmt.Errorf("%d monitors: %w", n, err)
		}
	}
	return nil
}

func measureHistory(ctx context.Context, dir string, o *options, r *report, n int) error {
	rep := historyReport{monitors: n, say: r.say}
	rep.say("history of %d monitors on %d agents, %d series, a run every %s", n, historyAgents, n*historyAgents, historyEvery)
	for _, step := range []func() error{
		func() error { return rep.fill(ctx, filepath.Join(dir, "feed.db"), n) },
		func() error { return rep.feed(ctx, dir, o) },
		func() error { return rep.month(ctx, filepath.Join(dir, "month.db")) },
		func() error { return rep.year(ctx, filepath.Join(dir, "year.db"), n) },
	} {
		if err := errors.Join(step(), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// historyReport says what comes out.
type historyReport struct {
	monitors int
	say      func(format string, args ...any)
}

// historyResults are the next result of each series.
func historyResults(n int) []wire.Result {
	out := make([]wire.Result, 0, n*historyAgents)
	for m := range n {
		for a := range historyAgents {
			out = append(out, wire.Result{Agent: fmt.Sprintf("agent%d", a), Monitor: fmt.Sprintf("monitor%04d", m), Kind: "tcp", Epoch: "ME2YW6MPKOZDJBXM", Outcome: wire.OK, LatencyNS: new(int64)})
		}
	}
	return out
}

func historyFigures(string) []history.Figure { return []history.Figure{{Name: "connect_ns"}} }

// fill adds six hours of results to a file, and commits as a controller does.
func (h *historyReport) fill(ctx context.Context, path string, n int) error {
	s, err := store.Open(ctx, path, store.Options{Figures: historyFigures})
	if err != nil {
		return err
	}
	defer s.Close()
	const length = 6 * time.Hour
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	rnd := rand.New(rand.NewPCG(1, 2))
	results := historyResults(n)
	var adding, committing, longest time.Duration
	seq, total, committed, most := uint64(0), 0, begin, int64(0)
	for at := time.Duration(0); at < length; at += historyEvery {
		now := begin.Add(at)
		for i := range results {
			r := &results[i]
			r.Run++
			r.Seq = r.Run*uint64(n) + uint64(i/historyAgents)
			r.Due, r.Started = now, now
			*r.LatencyNS = int64(1e6 * float64(1+i%20) * math.Exp(0.2*rnd.NormFloat64()))
			r.Details = fmt.Appendf(r.Details[:0], `{"connect_ns":%d}`, *r.LatencyNS)
		}
		used := cpu()
		for i := range results {
			seq++
			s.Add(&results[i], seq, now)
		}
		adding += cpu() - used
		total += len(results)
		if now.Sub(committed) >= s.CommitEvery() {
			most = max(most, rss())
			committed, used = now, cpu()
			if err := s.Commit(ctx, now); err != nil {
				return err
			}
			committing += cpu() - used
			longest = max(longest, cpu()-used)
			most = max(most, rss())
		}
	}
	by := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / float64(total) }
	h.say("the file: %.2f µs of CPU a result, %.2f to add it and %.2f to commit; the longest commit %.2f s of CPU (an hour of all series is closed)", by(adding+committing), by(adding), by(committing), longest.Seconds())
	h.say("memory of a process that does just this: %.0f MB", float64(most)/1e6)
	return nil
}

// month lets a file grow for 30 days, hour by hour, and reads those of one monitor by minutes.
func (h *historyReport) month(ctx context.Context, path string) error {
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := grow(ctx, path, grown, begin, historyMonth, true); err != nil {
		return err
	}
	sizes, err := tableSizes(ctx, path)
	if err != nil {
		return err
	}
	days := historyMonth.Hours() / 24 * grown * historyAgents
	minutes, hours := sizes["minutes"]/days, (sizes["hours"]+sizes["days"])/days
	series := float64(h.monitors * historyAgents)

	h.say("a file that grew for 30 days: %.1f kB a series-day in minutes, %.2f in hours", minutes/1e3, hours/1e3)
	h.say("%d series: %.2f GB after the first month, then %.2f GB more each month, up to 2 years (%.1f GB)", int(series), (minutes+hours)*30*series/1e9, hours*30*series/1e9, (30*minutes+730*hours)*series/1e9)
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return h.question(ctx, s, path, "30 days of a monitor on 3 agents, made of minutes", wire.HistoryQuery{What: wire.HistoryRollups, Monitors: []string{"monitor0050"}, From: begin, To: begin.Add(historyMonth), Step: wire.Duration(20 * time.Minute), Together: true}, 30*24*3)
}

// year makes a year of hours, as it would have grown, and asks for one monitor.
func (h *historyReport) year(ctx context.Context, path string, n int) error {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := grow(ctx, path, n, begin, historyYear, false); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	dropCache(path)
	before := freshPeak()
	used, began := cpu(), time.Now()
	s, err := store.Open(ctx, path, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	h.say("a year of hours of %d series (invented): %.2f GB; it opens in %.0f ms, %.0f of CPU", n*historyAgents, float64(info.Size())/1e9, ms(time.Since(began)), ms(cpu()-used))
	q := wire.HistoryQuery{What: wire.HistoryRollups, Monitors: []string{fmt.Sprintf("monitor%04d", n/2)}, From: begin, To: begin.Add(historyYear), Step: wire.Duration(24 * time.Hour), Together: true}
	if err := h.question(ctx, s, path, "a year of a monitor on 3 agents, by days", q, 365); err != nil {
		return err
	}
	h.say("memory of all that: %.0f MB more at most", float64(peak()-before)/1e6)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// tableSizes are the bytes of the pages of each table.
func tableSizes(ctx context.Context, path string) (map[string]float64, error) {
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT name, sum(pgsize) FROM dbstat GROUP BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	sizes := map[string]float64{}
	for rows.Next() {
		var name string
		var size float64
		if err := rows.Scan(&name, &size); err != nil {
			return nil, err
		}
		sizes[name] = size
	}
	return sizes, rows.Err()
}

// cpu is the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rss is the memory of this process.
func rss() int64 { return statusKB("VmRSS") << 10 }

// freshPeak begins to watch the most memory that this process takes, and is what it has.
func freshPeak() int64 {
	runtime.GC()
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return rss()
}

// peak is the most memory since.
func peak() int64 { return statusKB("VmHWM") << 10 }

// statusKB is a line of /proc/self/status; 0 where it is not known.
func statusKB(name string) (kb int64) {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			fmt.Sscan(rest, &kb)
		}
	}
	return kb
}
