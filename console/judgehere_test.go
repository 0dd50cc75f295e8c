package console

import (
	"slices"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/judge"
	"netmon/wire"
)

// ran publishes a result of a run that began so long ago.
func (f *followed) ran(agent, monitor string, outcome wire.Outcome, ago time.Duration) {
	f.seq++
	r := wire.Result{Agent: agent, Monitor: monitor, Kind: "tcp", Target: "h:1", Epoch: "E", Seq: f.seq, Run: f.seq, Started: time.Now().Add(-ago), Outcome: outcome, Revision: f.saved[monitor], ElapsedNS: int64(ago)}
	if outcome == wire.Failed {
		r.Failure, r.Error = wire.FailRefused, "connection refused"
	}
	f.publish("results."+agent+"."+monitor, r)
}

// TestJudgeHere: where nobody leads, the model judges by the rules of the judge, from
// what is stored and from what comes. When somebody leads, it does no more.
func TestJudgeHere(t *testing.T) {
	need.Time(t)
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.save("db")
	for _, a := range []string{"oslo", "paris", "rome"} {
		f.beat(a)
		f.ran(a, "web", wire.OK, 5*time.Second)
	}
	for _, ago := range []time.Duration{8, 6, 4, 2} {
		f.ran("oslo", "db", wire.Failed, ago*time.Second)
	}
	f.ran("paris", "db", wire.OK, 4*time.Second)
	f.model.c.leadGrace = 4 * time.Second // a test cannot wait for long
	f.run()
	f.is("web", "up")
	f.is("db", "degraded")
	s, _ := f.model.Status("db")
	if !s.Here || s.Verdict == nil || !slices.Equal(s.Verdict.Quorum.Down, []string{"oslo"}) || s.Since.IsZero() || s.Why == "" {
		t.Errorf("%+v, %+v", s, s.Verdict)
	}
	f.ran("paris", "web", wire.Failed, 4*time.Second)
	f.ran("oslo", "web", wire.Failed, 4*time.Second)
	f.ran("paris", "web", wire.Failed, 0)
	f.ran("oslo", "web", wire.Failed, 0)
	f.is("web", "down")
	f.verdict("web", wire.VerdictUp, "oslo", "paris", "rome")
	stop := f.lead()
	f.is("web", "up")
	f.is("db", "unknown") // the leader said nothing of it so far
	f.shows("it judges no more", func() bool {
		s, _ := f.model.Status("web")
		f.model.judging.mu.Lock()
		defer f.model.judging.mu.Unlock()
		return f.model.judging.j == nil && !s.Here && s.Why == "the judge says so"
	})
	stop()
	f.is("web", "down") // judged here again, from what is stored
}

// TestStatus_WithoutALeader asks once; the runs are from before a change that keeps what
// is measured.
func TestStatus_WithoutALeader(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web", func(m *wire.Saved) { m.Agents = wire.Selectors{"paris"} })
	f.beat("paris")
	f.ran("paris", "web", wire.Failed, 8*time.Second)
	f.ran("paris", "web", wire.Failed, 4*time.Second)
	old := f.saved["web"]
	f.save("web", func(m *wire.Saved) { m.Agents, m.Author = wire.Selectors{"paris"}, "placed anew" })
	s, err := f.model.c.Status(t.Context(), "web")
	if err != nil || s.State != judge.Down || !s.Here || len(s.Agents) != 1 || s.Agents[0].Result == nil {
		t.Errorf("%+v, %v (revision %d, then %d)", s, err, old, f.saved["web"])
	}
}

// TestWindows: as far back as a few runs of each take, those of one pace together.
func TestWindows(t *testing.T) {
	var monitors []wire.Saved
	for name, every := range map[string]time.Duration{"a": time.Second, "b": 10 * time.Second, "hour": time.Hour, "day": wire.MaxEvery} {
		monitors = append(monitors, wire.Saved{Monitor: wire.Monitor{Name: name, Every: wire.Duration(every)}})
	}
	got := windows(monitors)
	if len(got) != 3 || len(got[0].names) != 2 || got[0].back < 50*time.Second || !slices.Equal(got[1].names, []string{"hour"}) || got[1].back < 4*time.Hour || got[2].back < 4*wire.MaxEvery {
		t.Errorf("%+v", got)
	}
}

// TestStatus_OfTheLeader asks once, and reads no result to know a state.
func TestStatus_OfTheLeader(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("web")
	f.lead()
	f.verdict("web", wire.VerdictDown, "paris")
	f.ran("paris", "web", wire.OK, 0)
	if err := natstest.JetStream(t, f.nc).DeleteStream(t.Context(), wire.ResultsStream); err != nil {
		t.Fatal(err)
	}
	saved := f.monitor("web")
	all, err := f.model.c.Statuses(t.Context(), []wire.Saved{saved})
	if err != nil || all[0].State != judge.Down || all[0].Here || all[0].Why != "the judge says so" {
		t.Errorf("%+v, %v", all, err)
	}
	// A change of where it runs keeps the verdict, one of what is measured does not.
	f.save("web", func(m *wire.Saved) { m.Agents = wire.Selectors{"paris"} })
	if all, err = f.model.c.Statuses(t.Context(), []wire.Saved{f.monitor("web")}); err != nil || all[0].State != judge.Down {
		t.Errorf("placed anew: %+v, %v", all, err)
	}
	f.save("web", func(m *wire.Saved) { m.Target = "h:2" })
	if all, err = f.model.c.Statuses(t.Context(), []wire.Saved{f.monitor("web")}); err != nil || all[0].State != judge.Unknown || all[0].Why == "" {
		t.Errorf("another target: %+v, %v", all, err)
	}
}

func (f *followed) monitor(name string) wire.Saved {
	f.t.Helper()
	m, err := f.store.Get(f.t.Context(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return m
}
