package console_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// recorded is a mesh of which results are stored: agents paris, rome and tokyo measure
// web a few times, and the first so many find it bad at the end.
type recorded struct {
	*opsMesh
	saved []wire.Saved
	seq   map[string]uint64
	took  time.Duration
}

func newRecorded(t *testing.T) *recorded {
	r := &recorded{newOpsMesh(t), nil, map[string]uint64{}, 25 * time.Second}
	for _, name := range []string{"gateway", "web"} {
		_, err := r.Add(t.Context(), monitor(name))
		r.must(err)
		m, err := func() (wire.Saved, error) { return r.opsMesh.saved(name) }()
		r.must(err)
		r.saved = append(r.saved, m)
	}
	return r
}

// store has every agent find web so, once. A run takes 3 s less than the previous one: so
// long after it it began.
func (r *recorded) store(finds map[string]wire.Outcome) {
	r.t.Helper()
	js := natstest.JetStream(r.t, natstest.Connect(r.t, r.b))
	m := r.saved[1]
	r.took -= 3 * time.Second
	for _, agent := range []string{"paris", "rome", "tokyo"} {
		r.seq[agent]++
		res := wire.Result{Agent: agent, Monitor: "web", Kind: m.Kind, Target: m.Target, Epoch: "E", Seq: r.seq[agent], Run: r.seq[agent], Started: time.Now().UTC().Add(-r.took), ElapsedNS: int64(r.took), Outcome: wire.OK, Revision: m.Revision}
		if o := finds[agent]; o != "" {
			res.Outcome, res.Failure, res.Error = o, wire.FailRefused, "refused"
		}
		data, err := res.AppendJSON(nil)
		r.must(err)
		_, err = js.Publish(r.t.Context(), "results."+agent+".web", data)
		r.must(err)
	}
}

func (r *recorded) under(rule wire.Rule, parents ...string) []wire.Saved {
	tried := []wire.Saved{r.saved[0], r.saved[1]}
	tried[1].Verdict, tried[1].DependsOn = &rule, parents
	return tried
}

func TestBacktest(t *testing.T) {
	r := newRecorded(t)
	bad := map[string]wire.Outcome{"paris": wire.Failed, "rome": wire.Failed}
	for _, finds := range []map[string]wire.Outcome{nil, nil, bad, bad, bad} {
		r.store(finds)
	}
	ctx := t.Context()
	o := console.BacktestOptions{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Minute)}
	read := uint64(0)
	o.Progress = func(done, _ uint64) { read = max(read, done) }
	b, err := r.cl.Backtest(ctx, r.saved, r.under(wire.Rule{Quorum: wire.Quorum{Kind: wire.QuorumAll}}), o)
	r.must(err)
	if b.Results != 15 || read != 15 || b.First == nil || len(b.Monitors) != 2 || b.Monitors[1].Monitor != "web" {
		t.Fatalf("%+v, %d read", b, read)
	}
	web := b.Monitors[1]
	if len(web.Gone) != 1 || web.Gone[0].State != wire.VerdictDown || !strings.Contains(web.Gone[0].Why, "2 of 3") {
		t.Errorf("gone: %+v", web)
	}
	for _, s := range web.New {
		if s.State == wire.VerdictDown {
			t.Errorf("new: %+v", s)
		}
	}
	if b.Saved.Down == 0 && web.Saved.Verdicts == 0 || b.Tried.Down != 0 || b.Monitors[0].Differs() {
		t.Errorf("%+v", b)
	}

	same, err := r.cl.Backtest(ctx, r.saved, r.saved, o)
	r.must(err)
	if same.Monitors[1].Differs() {
		t.Errorf("under the same rules: %+v", same.Monitors[1])
	}
	o.Monitors = []string{"gateway"}
	b, err = r.cl.Backtest(ctx, r.saved, r.saved, o)
	r.must(err)
	if len(b.Monitors) != 1 || b.Monitors[0].Monitor != "gateway" {
		t.Errorf("%+v", b.Monitors)
	}

	// Nothing of another time, and nothing that cannot be saved.
	o.Monitors, o.To = nil, time.Now().Add(-30*time.Minute)
	b, err = r.cl.Backtest(ctx, r.saved, r.saved, o)
	r.must(err)
	if b.Results != 0 || b.First != nil {
		t.Errorf("%+v", b)
	}
	o.Monitors = []string{"nothing"}
	if _, err := r.cl.Backtest(ctx, r.saved, r.saved, o); !errors.Is(err, console.ErrNotFound) {
		t.Errorf("of a monitor that is not saved: %v", err)
	}
	o.Monitors = nil
	if _, err := r.cl.Backtest(ctx, r.saved, r.under(wire.Rule{}, "nothing"), o); err == nil || !strings.Contains(err.Error(), `no monitor "nothing" is saved`) {
		t.Errorf("of a parent that is not saved: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := r.cl.Backtest(ended, r.saved, r.saved, console.BacktestOptions{From: time.Now().Add(-time.Hour), To: time.Now()}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestBacktest_MonitorsOfThePast: results that were measured before a monitor was
// changed are judged as it was then.
func TestBacktest_MonitorsOfThePast(t *testing.T) {
	r := newRecorded(t)
	bad := map[string]wire.Outcome{"paris": wire.Failed, "rome": wire.Failed, "tokyo": wire.Failed}
	for _, finds := range []map[string]wire.Outcome{nil, nil, bad, bad, bad} {
		r.store(finds)
	}
	m := r.saved[1]
	m.Target = "127.0.0.1:2"
	_, err := r.Edit(t.Context(), m)
	r.must(err)
	r.saved[1], err = r.opsMesh.saved("web")
	r.must(err)
	b, err := r.cl.Backtest(t.Context(), r.saved, r.saved, console.BacktestOptions{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Minute), Monitors: []string{"web"}})
	r.must(err)
	if web := b.Monitors[0]; web.Saved.Verdicts < 2 || web.Same < 2 {
		t.Errorf("%+v", web)
	}
}

// BenchmarkBacktest is what a stored result costs, with the broker in the same process.
func BenchmarkBacktest(b *testing.B) {
	s := natstest.Start(b)
	js := natstest.JetStream(b, natstest.Connect(b, s))
	cl, err := console.Connect(s.Connect)
	if err != nil {
		b.Fatal(err)
	}
	defer cl.Close()
	store, err := cl.Monitors(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const monitors = 100
	var saved []wire.Saved
	for i := range monitors {
		m := monitor(fmt.Sprintf("web-%d", i))
		m.Target, m.Every = fmt.Sprintf("192.0.2.%d:443", i), wire.Duration(10*time.Second)
		if m.Revision, err = store.Save(b.Context(), m, "added"); err != nil {
			b.Fatal(err)
		}
		saved = append(saved, m)
	}
	latency := int64(58000)
	for i := range b.N {
		agent := []string{"oslo", "paris", "tokyo"}[i%3]
		m := saved[i/3%monitors]
		r := wire.Result{Agent: agent, Monitor: m.Name, Kind: "tcp", Target: m.Target, Epoch: "E6TGUCZCDN434QQK",
			Seq: uint64(i/3 + 1), Run: uint64(i/3/monitors + 1), Due: time.Now().UTC(), Started: time.Now().UTC(), ElapsedNS: 375685, LatencyNS: &latency, Revision: m.Revision,
			Clock: "tcp_info", Outcome: wire.OK, Summary: "connected", Address: "192.0.2.1", Details: []byte(`{"connect_ns":58000,"clock":"tcp_info","bytes_read":0}`)}
		data, err := r.AppendJSON(nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := js.PublishAsync("results."+agent+"."+r.Monitor, data); err != nil {
			b.Fatal(err)
		}
		if i%2000 == 0 {
			<-js.PublishAsyncComplete()
		}
	}
	<-js.PublishAsyncComplete()
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := cl.Backtest(b.Context(), saved, saved, console.BacktestOptions{From: time.Now().Add(-time.Hour), To: time.Now().Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
}
