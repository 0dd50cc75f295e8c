package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"netmon/agent/policy"
	"netmon/agent/spool"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// endedProbe is a probe that is over when it has begun.
type endedProbe struct{ result wire.Result }

func (endedProbe) Run(context.Context, time.Duration, func(probes.Step)) wire.Result {
	return wire.Result{}
}
func (endedProbe) Close() error { return nil }

func (p *endedProbe) Begin(done func(wire.Result)) (probes.Pending, bool) {
	done(p.result)
	return nil, true
}

// hotAgent is the part of an agent that every result goes through.
func hotAgent(t testing.TB) *Agent {
	s, _, err := spool.Open(t.TempDir(), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &Agent{o: Options{Kinds: kinds.All(), ID: "paris"}, log: slog.New(slog.DiscardHandler), spool: s}
}

// drain takes what is in the spool as a sender does.
func drain(a *Agent) (n int) {
	for {
		records := a.spool.Read(lookahead)
		if len(records) == 0 {
			return n
		}
		n += len(records)
		a.spool.Done(records[len(records)-1].Seq, len(records))
	}
}

// hotResult is one with everything that a usual result has.
func hotResult(i int) wire.Result {
	at := time.Now().UTC()
	return wire.Result{Monitor: fmt.Sprintf("monitor-%03d", i%1000), Kind: "tcp", Target: "198.51.100.7:443", Due: at, Started: at, ElapsedNS: 1_234_567,
		LatencyNS: new(int64(1_234_567)), Clock: "tcp_info", Outcome: wire.OK, Summary: "connected", Address: "198.51.100.7", Details: []byte(`{"resolve_ns":12345,"connect_ns":1234567}`)}
}

// TestAllocations bounds what one result costs the collector, from the probe's
// end to the record that the sender reads.
func TestAllocations(t *testing.T) {
	const most, slot = 4, 50
	a := hotAgent(t)
	r := hotResult(1)
	for range 1000 { // buffers are as large as they get
		a.record(r)
	}
	drain(a)
	each := testing.AllocsPerRun(200, func() {
		for range slot {
			a.record(r)
		}
		drain(a)
	}) / slot
	if each > most {
		t.Errorf("%.1f allocations for each result, want at most %d", each, most)
	}
}

// BenchmarkSlot starts and ends a slot's 50 runs of 10,000 monitors: schedule,
// runner, encoding and spool.
func BenchmarkSlot(b *testing.B) {
	a := hotAgent(b)
	run := newRunner("paris", a.record)
	for i := range 10_000 {
		m := wire.Monitor{Name: fmt.Sprintf("monitor-%05d", i), Every: wire.Duration(time.Second), Timeout: wire.Duration(time.Second)}
		run.start(b.Context(), m, &endedProbe{hotResult(i)}, time.Time{})
	}
	now := time.Now()
	b.ReportAllocs()
	results := 0
	for b.Loop() {
		now = now.Add(slot)
		run.launchDue(now)
		results += drain(a)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(max(1, results)), "ns/result")
	b.ReportMetric(float64(results)/float64(b.N), "results/op")
}

// BenchmarkRecord is encoding and appending alone.
func BenchmarkRecord(b *testing.B) {
	a := hotAgent(b)
	r := hotResult(1)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		a.record(r)
		if n%1000 == 999 {
			drain(a)
		}
	}
}

// BenchmarkCheck builds a monitor's probe and checks it against the policy, as
// each start does.
func BenchmarkCheck(b *testing.B) {
	p, err := policy.New(policy.Default(), kinds.All(), "default")
	if err != nil {
		b.Fatal(err)
	}
	a := &Agent{policy: p, env: enforce(p)}
	s := &set{check: a.checkMonitor, policy: p}
	m := wire.Monitor{Name: "web", Kind: "https", Target: "https://192.0.2.1/", Options: json.RawMessage(`{"expect":{"status":"200-299","body_contains":["ok"]},"headers":{"accept":"text/html"},"tls":{"min_version":"1.2"}}`)}.WithDefaults()
	for b.Loop() {
		e := &entry{durableEntry: durableEntry{monitor: m}}
		found, err := s.check(m)
		if err == nil {
			err = s.admit(e, found.footprint, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
