package controller

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/history"
	"netmon/history/store"
	"netmon/internal/cputime"
	"netmon/internal/natstest"
	"netmon/wire"
)

// BenchmarkBudgets is one look at the error budgets of 1,000 monitors, with the answers of
// history to it: each monitor changed its state so many times in the last 3 days, and none
// spends too fast. look is the CPU time of who looks, and answer that of who answers.
func BenchmarkBudgets(b *testing.B) {
	for _, changes := range []int{2, 60} {
		b.Run(fmt.Sprintf("%d changes", changes), func(b *testing.B) {
			s, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "history.db"), store.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			now := time.Now().UTC().Truncate(time.Second)
			c := &Controller{desired: map[string]wire.Saved{}}
			seq := uint64(0)
			for i := range 1000 {
				name := fmt.Sprintf("monitor%04d", i)
				c.desired[name] = wire.Saved{Monitor: wire.Monitor{Name: name}, SLO: &wire.SLO{Objective: 99.9}}
				for j := range changes {
					seq++
					v := wire.Verdict{Monitor: name, State: wire.VerdictUp, Since: now.Add(-71*time.Hour + time.Duration(j/2)*time.Hour)}
					if j%2 == 1 {
						v.State, v.Since = wire.VerdictDegraded, v.Since.Add(time.Minute)
					}
					s.AddVerdict(&v, false, seq)
				}
			}
			s.Judged(now.Add(-72*time.Hour), now)
			if err := s.Commit(b.Context(), now); err != nil {
				b.Fatal(err)
			}
			broker := natstest.Start(b)
			c.nc = natstest.Connect(b, broker)
			answerer := natstest.Connect(b, broker)
			replies := 0
			var took time.Duration
			if _, err := answerer.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
				took += cputime.Of(func() {
					q, err := wire.DecodeHistoryQuery(m.Data)
					if err != nil {
						b.Error(err)
						return
					}
					r, err := s.Query(context.Background(), q)
					if err != nil {
						b.Error(err)
					}
					replies++
					m.Respond(r.Encode())
				})
			}); err != nil {
				b.Fatal(err)
			}
			if err := answerer.Flush(); err != nil {
				b.Fatal(err)
			}
			var all time.Duration
			for b.Loop() {
				all += cputime.Of(func() {
					if err := c.lookAtBudgets(b.Context(), history.NewWatch(nil), now); err != nil {
						b.Fatal(err)
					}
				})
			}
			b.ReportMetric(float64(all.Microseconds())/1e3/float64(b.N), "look-cpu-ms/op")
			b.ReportMetric(float64(took.Microseconds())/1e3/float64(b.N), "answer-cpu-ms/op")
			b.ReportMetric(float64(replies)/float64(b.N), "replies/op")
		})
	}
}
