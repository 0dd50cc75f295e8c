package feed

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"netmon/broker"
	"netmon/internal/need"
	"netmon/wire"
)

// TestFeeder_BrokerMadeAnew: a broker comes back with an empty store. What was counted
// before stays, the stream of hours is filled from the file, and verdicts, whose numbers
// begin again, count from the first on.
func TestFeeder_BrokerMadeAnew(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	from := morning()
	save := func() {
		t.Helper()
		data, err := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "192.0.2.1:443"}})
		if err == nil {
			_, err = m.js.Publish(t.Context(), monitorsPrefix+"web", data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	save()
	n := uint64(0)
	verdict := func(state wire.VerdictState, at time.Time) {
		t.Helper()
		n++
		data, err := json.Marshal(wire.Verdict{Monitor: "web", State: state, Since: at, At: at, N: n, Why: "for the test"})
		if err == nil {
			_, err = m.js.Publish(t.Context(), "verdicts.web", data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	spans := func(want ...wire.VerdictState) error {
		r, err := m.ask(wire.HistoryQuery{What: wire.HistoryVerdicts, From: from, To: time.Now()})
		var got []wire.VerdictState
		for _, s := range r.Spans {
			got = append(got, s.State)
		}
		if err == nil && fmt.Sprint(got) != fmt.Sprint(want) {
			err = fmt.Errorf("got %v, want %v", got, want)
		}
		return err
	}
	f, _ := m.feeder(t.TempDir(), nil)
	go f.Lead(t.Context())
	m.sends(100, "paris", "web", from)
	for i := range 6 { // the first ones afterwards have lower numbers
		verdict([]wire.VerdictState{wire.VerdictUp, wire.VerdictDown}[i%2], from.Add(time.Duration(i)*10*time.Minute))
	}
	judged := func(from, to time.Time) {
		t.Helper()
		data, err := json.Marshal(map[string]any{"position": map[string]any{"judged": []wire.Judged{{From: from, To: to}}}})
		if err == nil {
			_, err = m.js.Publish(t.Context(), wire.JudgeHead, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	lost := from.Add(time.Hour)
	judged(from, lost)
	up, down := wire.VerdictUp, wire.VerdictDown
	m.eventually(func() error { return spans(up, down, up, down, up, down) })
	m.eventually(func() error { return wantLen(m.hours(), 1) })

	for _, name := range []string{wire.HistoryStream, wire.VerdictsStream, wire.ResultsStream} {
		s, err := m.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		config := s.CachedInfo().Config
		if err := m.js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if _, err := m.js.CreateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	n = 0
	judged(lost, time.Now())
	verdict(wire.VerdictUp, from.Add(2*time.Hour))
	m.sends(10, "paris", "web", from.Add(10*time.Minute))
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 99, "web on paris failed": 11})
	m.eventually(func() error { return spans(up, down, up, down, up, down, up) })
	r, err := m.ask(wire.HistoryQuery{What: wire.HistoryVerdicts, From: from, To: time.Now()})
	if err != nil || !r.Spans[5].Until.Equal(lost) || !r.Spans[6].Since.Equal(from.Add(2*time.Hour)) {
		t.Errorf("nobody judged it from %v on: %+v %v", lost, r.Spans, err)
	}
	m.eventually(func() error {
		hours := m.hours()
		if len(hours) == 0 || hours[len(hours)-1].Rollup.Runs != 110 {
			return fmt.Errorf("published %+v", hours)
		}
		return nil
	})
}

// TestFeeder_MonitorsMadeAnew: the bucket of saved monitors comes back empty. What is in it
// no more has no state from then on, until it is judged again.
func TestFeeder_MonitorsMadeAnew(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	folder := t.TempDir()
	publish := func(subject string, v any) {
		t.Helper()
		data, err := json.Marshal(v)
		if err == nil {
			_, err = m.js.Publish(t.Context(), subject, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	monitor := func(name string) wire.Saved {
		return wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "192.0.2.1:443"}}
	}
	from := time.Now().UTC().Add(-time.Minute)
	for _, name := range []string{"web", "db"} {
		publish(monitorsPrefix+name, monitor(name))
		publish("verdicts."+name, wire.Verdict{Monitor: name, State: wire.VerdictUp, Since: from, At: from, N: 1, Why: "for the test"})
	}
	judged := func(to time.Time) {
		t.Helper()
		publish(wire.JudgeHead, map[string]any{"position": map[string]any{"judged": []wire.Judged{{From: from, To: to}}}})
	}
	judged(time.Now())
	open := func(want string) func() error {
		return func() error {
			r, err := m.ask(wire.HistoryQuery{What: wire.HistoryVerdicts, From: from, To: time.Now().Add(time.Hour)})
			got := ""
			for _, s := range r.Spans {
				if s.Open {
					got += s.Monitor + " "
				}
			}
			if err == nil && got != want {
				err = fmt.Errorf("open %q, want %q: %+v", got, want, r.Spans)
			}
			return err
		}
	}
	m.feeder(folder, nil)
	m.eventually(open("db web "))
	if err := m.js.DeleteKeyValue(t.Context(), wire.MonitorsBucket); err != nil {
		t.Fatal(err)
	}
	if err := broker.Provision(t.Context(), m.js, broker.DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	publish(monitorsPrefix+"web", monitor("web"))
	judged(time.Now().Add(time.Minute))
	m.eventually(open("web "))
}
