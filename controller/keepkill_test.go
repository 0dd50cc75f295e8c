package controller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// notifier reports of what it takes that it was sent, or for now not, until stop. It reads
// what became of earlier notices, as a real one does.
type notifier struct {
	k     *kept
	mu    sync.Mutex
	sent  []wire.Notice // in order, each once
	twice int
}

func (k *kept) notifier(channel string, r *rand.Rand) (n *notifier, stop func()) {
	n = &notifier{k: k}
	js := natstest.JetStream(k.t, natstest.Connect(k.t, k.b))
	ctx, cancel := context.WithCancel(k.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		last := map[string]uint64{}
		for ctx.Err() == nil {
			consumer, err := js.Consumer(ctx, wire.NoticesStream, channel)
			if err != nil {
				<-time.After(10 * time.Millisecond)
				continue
			}
			m, err := consumer.Next(jetstream.FetchMaxWait(100 * time.Millisecond))
			if err != nil {
				continue
			}
			x, err := wire.DecodeNotice(m.Subject(), m.Data())
			if err != nil {
				k.t.Error(err)
			}
			if x.N > last[x.Incident] { // else it was reported before, and is reported again
				n.mu.Lock()
				n.sent = append(n.sent, x)
				n.mu.Unlock()
			} else {
				n.twice++
			}
			last[x.Incident] = max(last[x.Incident], x.N)
			now := k.now()
			k.publish("deliveries."+channel+"."+x.Incident, wire.Delivery{Channel: channel, Incident: x.Incident, N: x.N, Key: x.Key(), Shown: x.Of, Outcome: wire.Sent, Attempts: 1, First: now, At: now, By: "test"})
			m.Ack()
			if r.IntN(3) == 0 {
				<-time.After(time.Duration(r.IntN(20)) * time.Millisecond)
			}
		}
	}()
	return n, func() { cancel(); <-done }
}

func (n *notifier) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sent)
}

// TestKeeping_KilledAtRandom: leaders that are killed between any two writes, and
// followed by others, keep incidents as one that lived: each is numbered without holes,
// what is down at the end is wrong in one open incident and what is up in none, and
// everybody who was notified of something is notified of its end, in order, once.
func TestKeeping_KilledAtRandom(t *testing.T) {
	need.Time(t)
	const speed = 60 // a minute in a second
	for seed := range uint64(1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var names []string
			for i := range 12 {
				names = append(names, fmt.Sprintf("m%d", i))
			}
			k := newKept(t, names...)
			begun := time.Now()
			k.now = func() time.Time { return begun.Add(speed * time.Since(begun)).UTC() }
			k.save(hook())
			k.save(rule())
			k.save(&wire.Group{Name: "store", Of: names[:4], Rule: "all"})
			n, stop := k.notifier("hook", rand.New(rand.NewPCG(seed, 2)))
			state := map[string]wire.VerdictState{}
			kills := 0
			var l *keeperLife
			enough := func() bool { return kills >= 5 && n.count() >= 5 } // a busy machine takes longer
			for begun := time.Now(); time.Since(begun) < 4*time.Second || !enough() && time.Since(begun) < time.Minute; {
				if l == nil {
					l = k.start(func(g *keeping) { g.every = 20 * time.Millisecond })
				}
				name := names[r.IntN(len(names))]
				if state[name] == wire.VerdictDown {
					state[name] = wire.VerdictUp
				} else {
					state[name] = wire.VerdictDown
				}
				k.verdict(name, state[name], k.now())
				<-time.After(time.Duration(r.IntN(30)) * time.Millisecond)
				if r.IntN(4) == 0 {
					l.nc.Close() // in the midst of whatever it does
					l.stop()
					<-l.ended
					l = nil
					kills++
				}
			}
			if l == nil {
				l = k.start(nil)
			}
			for _, name := range names { // some are down at the end
				if want := []wire.VerdictState{wire.VerdictUp, wire.VerdictDown}[r.IntN(2)]; state[name] != want {
					state[name] = want
					k.verdict(name, want, k.now())
				}
			}
			k.awaitDecided(state, "hook")
			l.stop()
			stop()

			n.mu.Lock()
			defer n.mu.Unlock()
			t.Logf("%d kills, %d incidents, %d notices, %d of them came twice", kills, len(k.incidents()), len(n.sent), n.twice)
			if kills < 5 || len(n.sent) < 5 {
				t.Errorf("too little happened")
			}
			k.consistent(state, n.sent)
		})
	}
}

// awaitDecided waits until all is decided and sent.
func (k *kept) awaitDecided(state map[string]wire.VerdictState, channel string) {
	k.t.Helper()
	for begun := time.Now(); ; <-time.After(50 * time.Millisecond) {
		why := ""
		wrong := map[string]int{}
		for _, i := range k.incidents() {
			for _, c := range i.Channels {
				if c.N > c.Delivered {
					why = fmt.Sprintf("notice %d of %s is not delivered", c.N, i.ID)
				}
				if c.Notified && i.State == wire.IncidentResolved && c.Reason != wire.ReasonResolved {
					why = fmt.Sprintf("the end of %s is not told", i.ID)
				}
			}
			if i.State == wire.IncidentOpen && len(i.Channels) == 0 {
				why = i.ID + " is told to nobody"
			}
			for _, m := range i.Members {
				if i.State == wire.IncidentOpen && m.Wrong() && m.About == wire.AboutMonitor {
					wrong[m.Name]++
				}
			}
		}
		for name, s := range state {
			if want := map[bool]int{true: 1}[s == wire.VerdictDown]; wrong[name] != want {
				why = fmt.Sprintf("%s is %s, and wrong in %d incidents", name, s, wrong[name])
			}
		}
		if why == "" {
			return
		}
		if time.Since(begun) > time.Minute {
			k.t.Fatal(why)
		}
	}
}

// consistent compares what was stored and sent with each other.
func (k *kept) consistent(state map[string]wire.VerdictState, sent []wire.Notice) {
	t := k.t
	t.Helper()
	numbers, last := map[string]uint64{}, map[string]string{}
	for _, m := range k.all(wire.IncidentsStream, wire.AllIncidents) {
		i, err := wire.DecodeIncident(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if last[i.ID] == string(m.Data) {
			continue // a batch that was sent again
		}
		if i.N != numbers[i.ID]+1 {
			t.Errorf("%s: message %d follows %d\n%s\n%s", i.ID, i.N, numbers[i.ID], last[i.ID], m.Data)
		}
		numbers[i.ID], last[i.ID] = i.N, string(m.Data)
	}
	groups := map[string]uint64{}
	for _, m := range k.all(wire.VerdictsStream, wire.AllGroupVerdicts) {
		v, err := wire.DecodeGroupVerdict(m.Subject, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if groups[v.Group]++; v.N != groups[v.Group] {
			t.Errorf("group %s: verdict %d follows %d", v.Group, v.N, groups[v.Group]-1)
		}
	}
	if groups["store"] == 0 {
		t.Error("no verdict on the group")
	}
	told, newest := map[string]uint64{}, map[string]wire.Reason{}
	for _, n := range sent {
		if n.N <= told[n.Incident] {
			t.Errorf("notice %s was sent after %d", n.Key(), told[n.Incident])
		}
		told[n.Incident], newest[n.Incident] = n.N, n.Reason
	}
	for id, i := range k.incidents() {
		if i.State == wire.IncidentResolved && newest[id] != "" && newest[id] != wire.ReasonResolved {
			t.Errorf("the last that was told of %s, which is over, is %s", id, newest[id])
		}
		if i.State == wire.IncidentOpen && newest[id] == "" && !strings.HasPrefix(id, "store") {
			t.Errorf("nobody was told of %s, which is open", id)
		}
	}
}

// TestKeeping_TwoLead: one that does not know that it no longer leads writes nothing.
func TestKeeping_TwoLead(t *testing.T) {
	k := newKept(t, "web", "db")
	k.save(hook())
	old := k.start(nil)
	k.verdict("web", wire.VerdictDown, time.Now())
	k.await("open", func(i wire.Incident) bool { return i.ID == "web-1" })
	young := k.start(nil)
	k.verdict("db", wire.VerdictDown, time.Now())
	k.await("open", func(i wire.Incident) bool { return i.ID == "db-1" })
	select {
	case err := <-old.ended:
		if !errors.Is(err, errFenced) {
			t.Errorf("the old one ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the old one goes on")
	}
	k.verdict("db", wire.VerdictUp, time.Now())
	k.await("over", func(i wire.Incident) bool { return i.ID == "db-1" && i.State == wire.IncidentResolved })
	young.stop()
	if err := <-young.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the young one ended with %v", err)
	}
	numbers := map[string]uint64{}
	for _, m := range k.all(wire.IncidentsStream, wire.AllIncidents) {
		i, _ := wire.DecodeIncident(m.Subject, m.Data)
		if numbers[i.ID]++; i.N != numbers[i.ID] {
			t.Errorf("%s: message %d follows %d", i.ID, i.N, numbers[i.ID]-1)
		}
	}
}
