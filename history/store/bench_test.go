//go:build unix

package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"netmon/history"
	"netmon/wire"
)

// tcpResults are the next result of each series, every 10 s.
type tcpResults struct {
	list []wire.Result
	rnd  *rand.Rand
	seq  uint64

	monitors, agents int
}

func newTCPResults(monitors, agents int) *tcpResults {
	x := &tcpResults{rnd: rand.New(rand.NewPCG(1, 2)), monitors: monitors, agents: agents}
	for m := range monitors {
		for a := range agents {
			x.list = append(x.list, wire.Result{Agent: fmt.Sprint("a", a), Monitor: fmt.Sprint("m", m), Kind: "tcp", Epoch: "E", Outcome: wire.OK, LatencyNS: new(int64)})
		}
	}
	return x
}

// next prepares the results of a moment.
func (x *tcpResults) next(at time.Time) {
	for i := range x.list {
		r := &x.list[i]
		r.Run++
		r.Seq = r.Run*uint64(x.monitors) + uint64(i/x.agents)
		r.Due, r.Started = at, at
		*r.LatencyNS = int64(5e6 * math.Exp(0.2*x.rnd.NormFloat64()))
		r.Details = fmt.Appendf(r.Details[:0], `{"connect_ns":%d,"local":"192.0.2.20:41234"}`, *r.LatencyNS)
	}
}

func (x *tcpResults) add(s *Store, at time.Time) {
	for i := range x.list {
		x.seq++
		s.Add(&x.list[i], x.seq, at)
	}
}

// BenchmarkFeed is one result of 3,000 series, with its part of commits and of closed hours.
func BenchmarkFeed(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "h.db"), Options{Figures: figures})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	x := newTCPResults(1000, 3)
	at, committed := day, day
	b.ResetTimer()
	for n := 0; n < b.N; n += len(x.list) {
		b.StopTimer()
		at = at.Add(10 * time.Second)
		x.next(at)
		b.StartTimer()
		x.add(s, at)
		if at.Sub(committed) >= s.CommitEvery() {
			committed = at
			if err := s.Commit(context.Background(), at); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkQuery_Month is 30 days of a monitor on 3 agents, made of minutes, all pages.
func BenchmarkQuery_Month(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "h.db"), Options{Figures: figures})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	x := newTCPResults(1, 3)
	const length = 30 * 24 * time.Hour
	for at := day; at.Before(day.Add(length)); at = at.Add(10 * time.Second) {
		x.next(at)
		x.add(s, at)
		if at.Sub(day)%time.Hour == 0 {
			if err := s.Commit(b.Context(), at); err != nil {
				b.Fatal(err)
			}
		}
	}
	used := cpuTime()
	defer func() { b.ReportMetric(float64(cpuTime()-used)/1e6/float64(b.N), "cpu-ms/op") }()
	for b.Loop() {
		size, rows, q := 0, 0, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(length), Step: wire.Duration(20 * time.Minute), Together: true}
		for {
			reply, err := s.Query(context.Background(), q)
			if err != nil {
				b.Fatal(err)
			}
			for _, y := range reply.Series {
				rows += len(y.Rows)
			}
			size += len(reply.Encode())
			if q.After = reply.Next; q.After == "" {
				break
			}
		}
		if rows != 30*24*3 || size == 0 {
			b.Fatalf("%d rows", rows)
		}
	}
}

// BenchmarkQuery_Year is a year of a monitor on 3 agents, by days that begin at midnight and
// by 15 hours, of which each begins in the middle of a day.
func BenchmarkQuery_Year(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "h.db"), Options{Figures: figures})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	x := newTCPResults(1, 3)
	const length = 365 * 24 * time.Hour
	x.next(day)
	x.add(s, day)
	if err := s.Commit(b.Context(), day.Add(2*time.Hour)); err != nil {
		b.Fatal(err)
	}
	var pool [16]*wire.Rollup
	for i := range pool {
		a, tail := history.Adder{Figures: figures("")}, history.Tail{}
		pool[i] = &wire.Rollup{}
		for range 360 {
			x.next(day)
			a.Add(pool[i], &x.list[0], &tail)
		}
	}
	err = s.change(b.Context(), "fill", func(tx *sql.Tx) error {
		rows := s.rollupsIn(tx)
		for hour := day.Unix() / hourSeconds; hour < day.Add(length).Unix()/hourSeconds; hour++ {
			for _, k := range s.series {
				if err := rows.setHour(b.Context(), rowID(k.id, hour), pool[(hour*7+k.id)%16], revisions{1, 1, 1}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	for more := true; more; {
		if more, err = s.Prune(b.Context(), day.Add(length)); err != nil {
			b.Fatal(err)
		}
	}
	for _, step := range []time.Duration{24 * time.Hour, 15 * time.Hour} {
		b.Run(step.String(), func(b *testing.B) {
			used := cpuTime()
			defer func() { b.ReportMetric(float64(cpuTime()-used)/1e6/float64(b.N), "cpu-ms/op") }()
			for b.Loop() {
				runs, q := uint64(0), wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(length), Step: wire.Duration(step), Together: true}
				for {
					reply, err := s.Query(context.Background(), q)
					if err != nil {
						b.Fatal(err)
					}
					for _, y := range reply.Series {
						for i := range y.Rows {
							runs += y.Rows[i].Runs
						}
					}
					if q.After = reply.Next; q.After == "" {
						break
					}
				}
				if runs != 365*24*3*360 {
					b.Fatalf("%d runs", runs)
				}
			}
		})
	}
}
