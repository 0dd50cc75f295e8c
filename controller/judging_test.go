package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// recorded is what happened in some minutes in a mesh of three agents: faults of
// targets, of one agent's paths, and an agent that is offline for a while.
func recorded(seed uint64, monitors int, length time.Duration) (facts []fact) {
	r := rand.New(rand.NewPCG(seed, 0))
	begin := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	type outage struct{ from, to time.Duration }
	some := func() outage {
		from := time.Duration(r.Int64N(int64(length)))
		return outage{from, from + 5*time.Second + time.Duration(r.Int64N(int64(90*time.Second)))}
	}
	in := func(list []outage, at time.Duration) bool {
		return slices.ContainsFunc(list, func(o outage) bool { return o.from <= at && at < o.to })
	}
	targets, paths, away := map[int][]outage{}, map[string][]outage{}, map[string][]outage{}
	agents := []string{"oregon", "paris", "tokyo"}
	away["tokyo"] = []outage{{length / 2, length/2 + 70*time.Second}}
	for m := range monitors {
		if m%2 == 0 {
			targets[m] = []outage{some(), some()}
		}
	}
	for _, a := range agents {
		paths[a] = []outage{some()}
	}
	for m := range monitors {
		s := wire.Saved{Monitor: wire.Monitor{Name: fmt.Sprintf("m%d", m), Kind: "tcp", Target: fmt.Sprintf("h%d:1", m), Every: wire.Duration(time.Duration(1+m%5) * time.Second),
			Timeout: wire.Duration(time.Second), Revision: uint64(m + 1)}, Agents: wire.Selectors{"all"}}
		facts = append(facts, fact{at: begin.Add(time.Duration(m) * time.Millisecond), number: s.Revision, saved: &s})
	}
	for i, id := range agents {
		for at := time.Duration(i+1) * time.Second; at < length; at += wire.AliveEvery {
			if !in(away[id], at) {
				facts = append(facts, fact{at: begin.Add(at), alive: &wire.Alive{Agent: id, Instance: "1", Version: "1.0.0", Started: begin, At: begin.Add(at), Labels: map[string]string{"region": id}}})
			}
		}
		for m := range monitors {
			every := time.Duration(1+m%5) * time.Second
			for at := 2*time.Second + time.Duration(r.Int64N(int64(every))); at < length; at += every {
				if in(away[id], at) {
					continue
				}
				x := wire.Result{Agent: id, Monitor: fmt.Sprintf("m%d", m), Kind: "tcp", Target: fmt.Sprintf("h%d:1", m), Epoch: "E6TGUCZCDN434QQK", Due: begin.Add(at), Started: begin.Add(at),
					ElapsedNS: 20e6, Outcome: wire.OK, Revision: uint64(m + 1)}
				switch {
				case in(targets[m], at):
					x.Outcome, x.Failure, x.Error = wire.Failed, wire.FailRefused, "refused"
				case in(paths[id], at) && m%3 == 0, r.IntN(200) == 0:
					x.Outcome, x.Failure, x.Error, x.ElapsedNS = wire.Failed, wire.FailTimeout, "timeout", 1e9
				}
				facts = append(facts, fact{at: begin.Add(at + x.Elapsed() + time.Duration(r.Int64N(1e6))), result: &x})
			}
		}
	}
	slices.SortStableFunc(facts, func(a, b fact) int { return a.at.Compare(b.at) })
	number, seq := uint64(0), map[string]uint64{}
	for i := range facts {
		if x := facts[i].result; x != nil {
			number++
			seq[x.Agent]++
			facts[i].number, x.Seq = number, seq[x.Agent]
		}
	}
	return facts
}

// life is one life of a leader that judges what is recorded.
type life struct {
	t     *testing.T
	b     *broker.Broker
	facts []fact
	r     *rand.Rand
	deaf  int // before this fact it cannot hear for a while; 0 is never
}

// live has a leader begin when so many facts are stored, and hear of those up to
// another one. It returns when it ended: by a kill, which leaves it no time for
// anything; by a stop, once all is written; or, with an error, because another one leads.
func (l *life) live(from, to int, kill bool) error {
	l.t.Helper()
	nc := natstest.Connect(l.t, l.b)
	defer nc.Close()
	c, err := New(nc, nil, Access{}, slog.New(slog.DiscardHandler))
	if err != nil {
		l.t.Fatal(err)
	}
	defer c.wg.Wait()
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	c.feed = newFeed(nil)
	g, err := c.resume(ctx)
	if err != nil {
		return err
	}
	g.every = time.Duration(l.r.Int64N(40)) * time.Millisecond
	g.now = func() time.Time { return g.at.At } // no timer outruns what is recorded

	for i, x := range l.facts { // what an earlier try of this life read is stored
		if x.result != nil && x.number <= g.at.Results {
			from = max(from, i+1)
		}
	}
	to = max(from, to)

	var silent, heard atomic.Bool
	g.silent = func() time.Duration {
		if !silent.Load() {
			return 0
		}
		heard.Store(true)
		return time.Minute
	}
	var stored []fact // results that are read before it has caught up
	beats, names := map[string][]fact{}, []string(nil)
	for _, x := range l.facts[:from] {
		switch {
		case x.saved != nil:
			names = append(names, x.saved.Name)
			c.feed.add(x)
		case x.alive != nil:
			beats[x.alive.Agent] = append(beats[x.alive.Agent], x)
		case x.number > g.at.Results:
			stored = append(stored, x)
		}
	}
	for _, list := range beats {
		for _, x := range list[max(0, len(list)-10):] { // as the stream keeps them
			c.feed.add(x)
		}
	}
	g.left = uint64(len(stored))
	for i := range stored {
		stored[i].pending = uint64(len(stored) - i - 1)
	}
	g.deleteUnsaved("store", names)
	done := make(chan error, 1)
	go func() { done <- g.run(ctx) }()
	var ended error
	send := func(chunk []fact) bool {
		if len(chunk) == 0 {
			return true
		}
		select {
		case c.feed.results <- chunk:
			return true
		case ended = <-done:
			return false
		}
	}
	goesOn := send(stored)
	for i := from; goesOn && i < to; {
		if i == l.deaf && i > 0 {
			silent.Store(true)
			for !heard.Load() { // it looks from time to time
				<-time.After(10 * time.Millisecond)
			}
			silent.Store(false)
		}
		if l.facts[i].result == nil {
			c.feed.add(l.facts[i])
			i++
			continue
		}
		end := i
		for n := 1 + l.r.IntN(20); end < to && (end != l.deaf || end == i) && end-i < n && l.facts[end].result != nil; {
			end++
		}
		goesOn = send(slices.Clone(l.facts[i:end]))
		i = end
		<-time.After(time.Duration(l.r.Int64N(int64(2 * time.Millisecond)))) // what follows happens beside it
	}
	end := fact{at: l.facts[max(0, to-1)].at, number: resultsIn(l.facts[:to])}
	for range cap(c.feed.results) + 2 { // once these are taken, all before was applied
		goesOn = goesOn && (kill || send([]fact{end}))
	}
	if !goesOn {
		return ended
	}
	for kill && from == 0 { // a mesh begins once
		var h head
		if last, err := lastOf(ctx, g.pub.js, wire.VerdictsStream, checkpointHead); err != nil {
			l.t.Fatal(err)
		} else if json.Unmarshal(last.Data, &h) == nil && len(h.Shards) > 0 {
			break
		}
	}
	if kill {
		nc.Close()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func resultsIn(facts []fact) (n uint64) {
	for _, x := range facts {
		if x.result != nil {
			n++
		}
	}
	return n
}

// lives is live, until another one no longer leads: what one that was killed had sent
// may be stored while the next one begins.
func (l *life) lives(from, to int, kill bool) (err error) {
	l.t.Helper()
	for range 10 {
		if err = l.live(from, to, kill); !errors.Is(err, errFenced) {
			break
		}
	}
	return err
}

// TestJudging_KilledAtRandom: leaders that are killed, and followed by others, publish
// just what one that lived would have.
func TestJudging_KilledAtRandom(t *testing.T) {
	for seed := range uint64(1) { // more for proof: 0 to 2 were tried
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			facts := recorded(seed, 8, 4*time.Minute)
			r := rand.New(rand.NewPCG(seed, 1))
			one := &life{t: t, b: natstest.Start(t), facts: facts, r: r}
			if err := one.live(0, len(facts), false); err != nil {
				t.Fatal(err)
			}
			want := verdictsIn(t, natstest.JetStream(t, natstest.Connect(t, one.b)))

			many := &life{t: t, b: natstest.Start(t), facts: facts, r: r}
			at, kills := 0, 0
			for at < len(facts) {
				next := min(len(facts), at+1+r.IntN(len(facts)/6))
				// Time continues between two leaders.
				from := min(len(facts), at+r.IntN(50))
				if at == 0 {
					from = 0
				}
				if err := many.lives(from, max(from, next), true); err != nil {
					t.Fatal(err)
				}
				at = max(from, next)
				kills++
			}
			if err := many.lives(len(facts), len(facts), false); err != nil {
				t.Fatal(err)
			}
			got := verdictsIn(t, natstest.JetStream(t, natstest.Connect(t, many.b)))
			t.Logf("%d facts, %d verdicts, %d kills", len(facts), len(want), kills)
			compare(t, got, want)
		})
	}
}

// TestJudging_TheBrokerIsAway: what could not be heard is not silence, for a leader that
// lives as for one that comes with the broker. Agents are back one after the other.
func TestJudging_TheBrokerIsAway(t *testing.T) {
	need.Time(t)
	const monitors, away = 12, 5 * time.Minute
	begin := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	var facts []fact
	back := 0
	for _, x := range recorded(1, monitors, 8*time.Minute) {
		if x.at.Sub(begin) > 4*time.Minute {
			break // then an agent is offline
		}
		if x.result != nil {
			r := *x.result
			r.Outcome, r.Failure, r.Error, r.ElapsedNS = wire.OK, "", "", 20e6
			x.result = &r
		}
		if at := x.at.Sub(begin); at > time.Minute && at < 2*time.Minute { // the agents do not wait for anything
			continue
		}
		id := ""
		switch {
		case x.result != nil:
			id = x.result.Agent
		case x.alive != nil:
			id = x.alive.Agent
		}
		if at := x.at.Sub(begin); at >= 2*time.Minute {
			if back == 0 {
				back = len(facts)
			}
			if at < 2*time.Minute+map[string]time.Duration{"paris": 6 * time.Second, "tokyo": 12 * time.Second}[id] {
				continue
			}
			x.at = x.at.Add(away)
		}
		facts = append(facts, x)
	}
	for i, number := 0, uint64(0); i < len(facts); i++ {
		if facts[i].result != nil {
			number++
			facts[i].number = number
		}
	}
	for name, lives := range map[string]bool{"a leader that lives": true, "another leader": false} {
		t.Run(name, func(t *testing.T) {
			l := &life{t: t, b: natstest.Start(t), facts: facts, r: rand.New(rand.NewPCG(1, 1))}
			if lives {
				l.deaf = back
				if err := l.live(0, len(facts), false); err != nil {
					t.Fatal(err)
				}
			} else {
				if err := l.live(0, back, false); err != nil {
					t.Fatal(err)
				}
				if err := l.live(back+1, len(facts), false); err != nil {
					t.Fatal(err)
				}
			}
			before := map[string]wire.Verdict{}
			for _, line := range verdictsIn(t, natstest.JetStream(t, natstest.Connect(t, l.b))) {
				subject, data, _ := strings.Cut(line, " ")
				if !wire.IsMonitorVerdict(subject) {
					continue
				}
				v, err := wire.DecodeVerdict(subject, []byte(data))
				if err != nil {
					t.Fatal(err)
				}
				if was := before[subject]; v.At.After(begin.Add(time.Minute)) && (v.State != was.State || !v.Since.Equal(was.Since)) {
					t.Errorf("%s was %s since %v\n%s", subject, was.State, was.Since, line)
				}
				before[subject] = v
			}
			if len(before) != monitors {
				t.Errorf("%d monitors have verdicts", len(before))
			}
		})
	}
}

// TestJudging_TwoLead: one that does not know that it no longer leads publishes nothing
// twice, and nothing else, until it finds out.
func TestJudging_TwoLead(t *testing.T) {
	need.Time(t)
	facts := recorded(7, 8, 3*time.Minute)
	one := &life{t: t, b: natstest.Start(t), facts: facts, r: rand.New(rand.NewPCG(7, 1))}
	if err := one.live(0, len(facts), false); err != nil {
		t.Fatal(err)
	}
	want := verdictsIn(t, natstest.JetStream(t, natstest.Connect(t, one.b)))

	b := natstest.Start(t)
	old := &life{t: t, b: b, facts: facts, r: rand.New(rand.NewPCG(7, 2))}
	if err := old.live(0, len(facts)/3, true); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- old.live(len(facts)/3, len(facts), false) }()
	young := &life{t: t, b: b, facts: facts, r: rand.New(rand.NewPCG(7, 3))}
	if err := young.lives(len(facts)/3, len(facts), false); err != nil {
		t.Fatal(err)
	}
	err := <-ended
	if err != nil && !errors.Is(err, errFenced) {
		t.Error(err)
	}
	t.Logf("the old one ended with %v", err)
	compare(t, verdictsIn(t, natstest.JetStream(t, natstest.Connect(t, b))), want)
}

// compare compares what is published on each subject, in order.
func compare(t *testing.T, got, want []string) {
	t.Helper()
	slices.SortStableFunc(got, bySubject)
	slices.SortStableFunc(want, bySubject)
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%d verdicts, want %d; number %d is\n%s\nwant\n%s", len(got), len(want), i, g, w)
		}
	}
	if len(want) == 0 {
		t.Error("nothing was published")
	}
}

func bySubject(a, b string) int {
	x, _, _ := strings.Cut(a, " ")
	y, _, _ := strings.Cut(b, " ")
	return strings.Compare(x, y)
}
