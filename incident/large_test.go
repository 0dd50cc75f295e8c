package incident

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestKeeper_LargeIncident has 10,000 monitors with the longest names and texts in one
// incident: its message fits, and the counts stay right over restarts.
func TestKeeper_LargeIncident(t *testing.T) {
	const n = 10_000
	name := func(i int) string { return fmt.Sprintf("m%s%05d", strings.Repeat("x", wire.MaxToken-6), i) }
	w := newWorld(t)
	w.set(&wire.Channel{Name: "hook", Kind: "webhook"})
	for i := range n {
		w.save(wire.Saved{Monitor: wire.Monitor{Name: name(i), Kind: "tcp", Target: "one.example:443"}})
	}
	for i := range 5 {
		id := fmt.Sprintf("%s%d", strings.Repeat("s", wire.MaxToken-1), i)
		w.set(&wire.Silence{ID: id, From: zero, Until: zero.Add(time.Minute)})
	}
	w.step()
	worst := strings.Repeat("\x00<&>é", 1000)
	for i := range n {
		w.verdict(name(i), wire.VerdictDegraded, &wire.Blame{Class: wire.BlamePath, Names: []string{worst, worst, worst, worst, worst, worst}, Why: worst}, worst, false)
	}
	w.step()
	count := func(open, good int) {
		t.Helper()
		inc := w.incident[w.ids[0]]
		left := 0
		for _, m := range inc.Members {
			left += count(m.Open())
		}
		left += len(inc.Rest) / wire.MemberMark
		if len(inc.Members) != wire.MaxMembers || inc.More != n-wire.MaxMembers || inc.Good != good || left != open || len(w.ids) != 1 {
			t.Errorf("%d listed, %d more, %d good, %d open of %d incidents; want %d open and %d good", len(inc.Members), inc.More, inc.Good, left, len(w.ids), open, good)
		}
	}
	count(n, 0)
	w.until(zero.Add(2 * time.Minute))
	w.restore()
	for i := 0; i < n; i += 2 {
		w.verdict(name(i), wire.VerdictUp, nil, "up", false)
	}
	w.step()
	count(n/2, n/2)
	w.restore()
	for i := 1; i < n; i += 4 {
		w.remove(name(i))
	}
	w.step()
	count(n/4, n/4*3)
	w.restore()
	for i := 3; i < n; i += 4 {
		w.verdict(name(i), wire.VerdictUp, nil, "up", false)
	}
	w.step()
	count(0, n)
	if inc := w.incident[w.ids[0]]; inc.State != wire.IncidentResolved {
		t.Errorf("it is %s", inc.State)
	}
	data, err := json.Marshal(w.history[0])
	t.Logf("%d bytes, %v", len(data), err)
}

// TestKeeper_LongLog keeps the first and the last of what happened.
func TestKeeper_LongLog(t *testing.T) {
	w := newWorld(t)
	w.set(&wire.Channel{Name: "hook", Kind: "webhook"})
	w.save(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "a:1"}})
	w.step()
	for i := range 3 * wire.MaxLog {
		w.until(w.now.Add(10 * time.Minute))
		w.verdict("web", []wire.VerdictState{wire.VerdictDown, wire.VerdictDegraded}[i%2], nil, "refused", false)
		w.step()
	}
	inc := w.incident["web-1"]
	if len(inc.Log) != wire.MaxLog || inc.Log[0].What != wire.EntryOpened || inc.Log[wire.MaxLog-1].At.Before(w.now.Add(-11*time.Minute)) {
		t.Errorf("%d entries, the first %+v, the last %+v", len(inc.Log), inc.Log[0], inc.Log[len(inc.Log)-1])
	}
}

// TestKeeper_ManyChannels notifies at most MaxChannels of one incident.
func TestKeeper_ManyChannels(t *testing.T) {
	w := newWorld(t)
	for i := range 2 * wire.MaxChannels {
		w.set(&wire.Channel{Name: fmt.Sprintf("c%03d", i), Kind: "webhook"})
	}
	w.save(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "a:1"}})
	w.step()
	w.verdict("web", wire.VerdictDown, nil, "refused", false)
	w.step()
	w.until(zero.Add(time.Minute))
	if inc := w.incident["web-1"]; len(inc.Channels) != wire.MaxChannels || len(w.told) != wire.MaxChannels {
		t.Errorf("%d channels, %d notices", len(inc.Channels), len(w.told))
	}
}

// BenchmarkKeeper has 10,000 monitors, a tenth of them in incidents of their own: one
// verdict and what follows.
func BenchmarkKeeper(b *testing.B) {
	w := newWorld(b)
	w.set(&wire.Channel{Name: "hook", Kind: "webhook"})
	for i := range 20 {
		w.set(&wire.NoticeRule{Name: fmt.Sprintf("r%d", i), Match: wire.Match{Tags: map[string]string{"team": fmt.Sprintf("t%d", i)}}, To: []string{"hook"}})
	}
	for i := range 10_000 {
		w.save(wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("m%d", i), Kind: "tcp", Target: fmt.Sprintf("h%d:1", i)}, Tags: map[string]string{"team": fmt.Sprintf("t%d", i%30)}})
	}
	w.k.Advance(zero)
	now := zero
	n := uint64(0)
	tell := func(i int, state wire.VerdictState) {
		n++
		v := wire.Verdict{Monitor: fmt.Sprintf("m%d", i), State: state, N: n, Since: now, At: now, Why: "refused from 3 of 3 agents", Incident: fmt.Sprintf("m%d-%d", i, n)}
		if state == wire.VerdictUp {
			v.Incident = ""
		}
		w.k.Verdict(v)
		w.k.Advance(now)
		w.k.Changes()
		for _, x := range w.k.Notices() {
			w.k.Delivery(wire.Delivery{Channel: x.Channel, Incident: x.Incident, N: x.N, Outcome: wire.Sent, Shown: x.Of, At: now})
		}
	}
	for i := range 1000 {
		now = now.Add(31 * time.Second)
		tell(i, wire.VerdictDown)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Second)
		tell(2000+i/2%7000, []wire.VerdictState{wire.VerdictDown, wire.VerdictUp}[i%2])
	}
}
