package store

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"netmon/wire"
)

// gapResults are 100 results of one agent, of two monitors in turn, a second apart: by their
// places in the stream from 1 on.
func gapResults() (out []recorded) {
	for i := range 100 {
		due := day.Add(time.Duration(i) * time.Second)
		latency := int64(1e6)
		out = append(out, recorded{wire.Result{Agent: "paris", Monitor: fmt.Sprint("m", i%2), Kind: "tcp", Epoch: "E1", Seq: uint64(i + 1), Run: uint64(i/2 + 1), Due: due, Started: due, Outcome: wire.OK, LatencyNS: &latency}, due})
	}
	return out
}

// TestStore_GapsAreFilled: what the hours of another controller make up for is missing no
// more, and what they do not is.
func TestStore_GapsAreFilled(t *testing.T) {
	all := gapResults()
	// The stream has let go of 41 to 60 when this controller comes back.
	for name, x := range map[string]struct {
		read   int  // by the other one
		first  bool // only the hour of the first monitor is published
		late   bool // it is, after this controller read on
		lacks  uint64
		counts uint64
	}{
		"all of it":                       {read: 100, lacks: 0, counts: 100},
		"nothing more is published":       {read: 40, lacks: 20, counts: 80},
		"the other one read half of it":   {read: 50, lacks: 10, counts: 90},
		"the other one read just that":    {read: 60, lacks: 0, counts: 100},
		"one series of two is published":  {read: 100, first: true, lacks: 10, counts: 90},
		"published later":                 {read: 100, late: true, lacks: 0, counts: 100},
		"half of it is published later":   {read: 100, late: true, first: true, lacks: 10, counts: 90},
		"published later, less than here": {read: 50, late: true, lacks: 20, counts: 80},
	} {
		t.Run(name, func(t *testing.T) {
			other := fresh(t)
			add(other, all[:x.read], 0)
			must(t, other.Commit(t.Context(), day))
			hours, err := other.Closed(t.Context(), day.Add(48*time.Hour), 10)
			must(t, err)
			if x.first {
				hours = hours[:1]
			}
			path := filepath.Join(t.TempDir(), "history.db")
			s := openAt(t, path)
			add(s, all[:40], 0)
			must(t, s.Commit(t.Context(), day))
			again := func() {
				must(t, s.Close())
				s = openAt(t, path)
			}
			take := func() {
				for range 2 { // killed before it read on
					again()
					if !x.late {
						s.Gone(60)
					}
					for _, h := range hours {
						_, err := s.Import(t.Context(), h)
						must(t, err)
					}
				}
			}
			if !x.late {
				take()
			}
			s.Gone(60)
			for i := 60; i < 100; i++ {
				s.Add(&all[i].Result, uint64(i+1), all[i].stored)
				if i == 75 {
					must(t, s.Commit(t.Context(), day))
					again()
				}
			}
			must(t, s.Commit(t.Context(), day.Add(48*time.Hour)))
			if x.late {
				take()
			}
			for range 2 {
				_, reply := ask(t, s, wire.HistoryQuery{What: wire.HistoryRollups, From: day, To: day.Add(time.Hour)})
				lacks, counts := uint64(0), uint64(0)
				for _, g := range reply.Gaps {
					lacks += g.Results
				}
				for _, series := range reply.Series {
					for _, row := range series.Rows {
						counts += row.Runs
					}
				}
				if lacks != x.lacks || counts != x.counts || len(reply.Gaps) > 1 {
					t.Errorf("lacks %d and counts %d, want %d and %d: %+v", lacks, counts, x.lacks, x.counts, reply.Gaps)
				}
				again()
			}
		})
	}
}
