package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/tail"
	"netmon/wire"
)

// kept is a mesh in which a leader keeps incidents. Its verdicts are the test's.
type kept struct {
	t        *testing.T
	b        *broker.Broker
	js       jetstream.JetStream // the test's own
	monitors []string
	now      func() time.Time // nil: the broker's
	check    func(subject, operation, accepted, proof string, data []byte) error

	n map[string]uint64 // verdicts of each monitor
}

func newKept(t *testing.T, monitors ...string) *kept {
	b := natstest.Start(t)
	return &kept{t: t, b: b, js: natstest.JetStream(t, natstest.Connect(t, b)), monitors: monitors, n: map[string]uint64{}}
}

// keeperLife is a leader's part that keeps incidents.
type keeperLife struct {
	nc    *nats.Conn
	g     *keeping
	begun chan struct{} // closed when it has read what was there
	ended chan error
	stop  func() // returns when it ended
}

// start has one begin; more is what else it is set to.
func (k *kept) start(more func(*keeping)) *keeperLife {
	k.t.Helper()
	nc := natstest.Connect(k.t, k.b)
	l := &keeperLife{nc: nc, begun: make(chan struct{}), ended: make(chan error, 1)}
	c, err := New(nc, nil, Access{CheckSaved: k.check}, slog.New(slog.NewTextHandler(k.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})))
	if err != nil {
		k.t.Fatal(err)
	}
	c.feed = newFeed(nil)
	for _, name := range k.monitors {
		c.desired[name] = wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: name + ".example.org:1", Every: wire.Duration(time.Second)}, Agents: wire.Selectors{"all"}}
	}
	if l.g, err = newKeeping(nc, c.feed.now, c.log); err != nil {
		k.t.Fatal(err)
	}
	if k.now != nil {
		l.g.now = k.now
	}
	if more != nil {
		more(l.g)
	}
	ctx, cancel := context.WithCancel(k.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		err := l.g.begin(ctx, c)
		if err == nil {
			close(l.begun)
			err = l.g.run(ctx)
		}
		cancel()
		c.wg.Wait()
		l.ended <- err
	})
	l.stop = func() {
		cancel()
		done.Wait()
	}
	k.t.Cleanup(l.stop)
	return l
}

// save saves a setting.
func (k *kept) save(s wire.Setting) {
	k.t.Helper()
	if err := s.Validate(); err != nil {
		k.t.Fatal(err)
	}
	key, err := wire.SettingKey(s.Sort(), s.SettingName())
	if err != nil {
		k.t.Fatal(err)
	}
	data, err := json.Marshal(s)
	if err != nil {
		k.t.Fatal(err)
	}
	if _, err := k.js.Publish(k.t.Context(), settingsPrefix+key, data); err != nil {
		k.t.Fatal(err)
	}
}

// verdict publishes that a monitor is in a state since at.
func (k *kept) verdict(monitor string, state wire.VerdictState, at time.Time) {
	k.t.Helper()
	k.n[monitor]++
	v := wire.Verdict{Monitor: monitor, State: state, Since: at.UTC(), At: at.UTC(), N: k.n[monitor], Why: "for the test"}
	if state != wire.VerdictUp {
		v.Incident = fmt.Sprintf("%s-%d", monitor, v.N)
		v.Blame = &wire.Blame{Class: wire.BlameTarget, Why: "for the test"}
	}
	k.publish("verdicts."+monitor, v)
}

func (k *kept) publish(subject string, v any) {
	k.t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		_, err = k.js.Publish(k.t.Context(), subject, data)
	}
	if err != nil {
		k.t.Fatal(err)
	}
}

// all are the messages of some subjects, in order.
func (k *kept) all(stream string, subjects ...string) (list []*nats.Msg) {
	k.t.Helper()
	r, err := tail.Open(k.t.Context(), k.js, stream, tail.From{Subjects: subjects})
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Stop()
	if _, err := read(r, func(m *nats.Msg, _ *nats.MsgMetadata) input {
		list = append(list, m)
		return input{}
	}); err != nil {
		k.t.Fatal(err)
	}
	return list
}

// incidents are the newest of each id.
func (k *kept) incidents() map[string]wire.Incident {
	k.t.Helper()
	all := map[string]wire.Incident{}
	for _, m := range k.all(wire.IncidentsStream, wire.AllIncidents) {
		i, err := wire.DecodeIncident(m.Subject, m.Data)
		if err != nil {
			k.t.Fatal(err)
		}
		all[i.ID] = i
	}
	return all
}

// await waits until an incident is as wanted.
func (k *kept) await(what string, ok func(wire.Incident) bool) wire.Incident {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), time.Minute)
	defer cancel()
	r, err := tail.Open(ctx, k.js, wire.IncidentsStream, tail.From{Subjects: []string{wire.AllIncidents}, Last: true})
	if err != nil {
		k.t.Fatal(err)
	}
	defer r.Stop()
	for {
		m, _, err := r.Next()
		if err != nil {
			k.t.Fatalf("no incident is %s: %v; there are %+v", what, err, k.incidents())
		}
		i, err := wire.DecodeIncident(m.Subject, m.Data)
		if err != nil {
			k.t.Fatal(err)
		}
		if ok(i) {
			return i
		}
	}
}

// started waits until a leader follows all that it has to.
func (k *kept) started(l *keeperLife) {
	k.t.Helper()
	select {
	case <-l.begun:
	case <-time.After(time.Minute):
		k.t.Fatal("it does not begin")
	}
}

// send takes the next notice of a channel, as its notifier does, and says what became of it.
func (k *kept) send(channel string, outcome wire.SendOutcome) wire.Notice {
	k.t.Helper()
	var consumer jetstream.Consumer
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var err error
		if consumer, err = k.js.Consumer(k.t.Context(), wire.NoticesStream, channel); err == nil {
			break
		}
		if !errors.Is(err, jetstream.ErrConsumerNotFound) || time.Since(begun) > time.Minute {
			k.t.Fatal(err)
		}
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(time.Minute))
	if err != nil {
		k.t.Fatalf("no notice of %s: %v", channel, err)
	}
	n, err := wire.DecodeNotice(m.Subject(), m.Data())
	if err != nil {
		k.t.Fatal(err)
	}
	if m.Headers().Get(jetstream.MsgIDHeader) != n.Key() {
		k.t.Errorf("notice %s has the id %q", n.Key(), m.Headers().Get(jetstream.MsgIDHeader))
	}
	now := time.Now().UTC()
	k.publish("deliveries."+channel+"."+n.Incident, wire.Delivery{Channel: channel, Incident: n.Incident, N: n.N, Key: n.Key(), Shown: n.Of, Outcome: outcome, Attempts: 1, First: now, At: now, By: "test"})
	if err := m.DoubleAck(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	return n
}

func hook() *wire.Channel { return &wire.Channel{Name: "hook", Kind: "webhook"} }

func rule() *wire.NoticeRule {
	return &wire.NoticeRule{Name: "all", To: []string{"hook"}, Wait: wire.Duration(time.Second)}
}

// TestKeeping_FromVerdictToDelivery: a verdict opens an incident, a channel is notified, what
// became of that is in the incident, as are an acknowledgement and a silence; a restart
// changes nothing; and the end is sent.
func TestKeeping_FromVerdictToDelivery(t *testing.T) {
	k := newKept(t, "web", "db")
	k.save(hook())
	k.save(rule())
	k.verdict("web", wire.VerdictUp, time.Now())
	l := k.start(nil)
	k.verdict("web", wire.VerdictDown, time.Now())
	opened := k.await("open", func(i wire.Incident) bool { return i.State == wire.IncidentOpen })
	if opened.ID != "web-2" || opened.N != 1 || len(opened.Members) != 1 {
		t.Errorf("opened %+v", opened)
	}
	n := k.send("hook", wire.Sent)
	if n.Reason != wire.ReasonOpened || n.N != 1 || n.Incident != "web-2" {
		t.Errorf("notice %+v", n)
	}
	k.await("notified", func(i wire.Incident) bool { return len(i.Channels) == 1 && i.Channels[0].Notified })
	k.save(&wire.Acknowledgement{Incident: "web-2", At: time.Now().UTC(), Text: "on it", Saving: wire.Saving{Author: "olga"}})
	k.await("acknowledged", func(i wire.Incident) bool { return i.Ack != nil && i.Ack.By == "olga" })
	if n := k.send("hook", wire.Sent); n.Reason != wire.ReasonAcknowledged {
		t.Errorf("notice %+v", n)
	}
	k.save(&wire.Silence{ID: "quiet", From: time.Now().UTC(), Until: time.Now().UTC().Add(time.Hour), Match: wire.Match{Monitors: []string{"w*"}}})
	before := k.await("muted", func(i wire.Incident) bool { return len(i.Muted) == 1 && i.Channels[0].Delivered == 2 })

	l.stop()
	k.verdict("db", wire.VerdictUp, time.Now()) // what changes nothing
	l = k.start(nil)
	k.verdict("db", wire.VerdictDown, time.Now()) // once it is decided the restart is over
	k.await("another one", func(i wire.Incident) bool { return i.ID == "db-2" && i.State == wire.IncidentOpen })
	if after := k.incidents()["web-2"]; after.N != before.N {
		t.Errorf("the restart changed it:\n%+v\nwas\n%+v", after, before)
	}
	if n := k.send("hook", wire.Sent); n.Incident != "db-2" {
		t.Errorf("told after a restart: %+v", n)
	}
	deleted := nats.NewMsg(settingsPrefix + "silence.quiet")
	deleted.Header.Set(headerOperation, "DEL")
	if _, err := k.js.PublishMsg(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	k.await("not muted any more", func(i wire.Incident) bool { return i.ID == "web-2" && len(i.Muted) == 0 })
	k.verdict("web", wire.VerdictUp, time.Now())
	over := k.await("resolved", func(i wire.Incident) bool { return i.ID == "web-2" && i.State == wire.IncidentResolved })
	if len(over.Log) == 0 {
		t.Errorf("nothing is in its log")
	}
	for n := k.send("hook", wire.Sent); n.Incident != "web-2" || n.Reason != wire.ReasonResolved; n = k.send("hook", wire.Sent) {
		if n.Incident == "web-2" && n.Reason != wire.ReasonUnmuted {
			t.Errorf("notice %+v", n)
		}
	}
	l.stop()
}

// TestController_KeepsIncidents: an agent measures, the leader judges, and keeps an
// incident of what is down and of an agent's loss; another leader continues.
func TestController_KeepsIncidents(t *testing.T) {
	need.Time(t)
	m := newMesh(t)
	k := &kept{t: t, b: m.b, js: m.js, n: map[string]uint64{}}
	k.save(hook())
	k.save(rule())
	stop := m.control()
	m.agent("paris", nil)
	s := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1", Every: wire.Duration(time.Second)}, Agents: wire.Selectors{"all"}}
	k.publish("$KV.monitors.web", s)
	opened := k.await("open", func(i wire.Incident) bool {
		return i.State == wire.IncidentOpen && len(i.Members) == 1 && i.Members[0].Name == "web" && i.Severity == wire.SeverityDown
	})
	n := k.send("hook", wire.Sent)
	if n.Incident != opened.ID || n.Reason != wire.ReasonOpened {
		t.Errorf("notice %+v of %+v", n, opened)
	}
	k.await("told", func(i wire.Incident) bool { return i.ID == opened.ID && len(i.Channels) == 1 && i.Channels[0].Notified })
	expires := time.Now().UTC().Add(5 * 24 * time.Hour)
	seq := uint64(0)
	result := func(agent, monitor string) wire.Result {
		seq++
		return wire.Result{Agent: agent, Monitor: monitor, Kind: "https", Target: "https://web.example.org", Epoch: "E6TGUCZCDN434QQK", Seq: seq, Run: seq, Due: time.Now().UTC(), Started: time.Now().UTC(), Outcome: wire.OK, CertExpires: &expires}
	}
	lossy := result("tokyo", "web")
	lossy.Dropped = 40
	k.publish("results.tokyo.web", lossy)
	k.await("about a certificate", func(i wire.Incident) bool {
		return len(i.Members) > 0 && i.Members[len(i.Members)-1].About == wire.AboutCertificate
	})
	k.await("about lost results", func(i wire.Incident) bool {
		return len(i.Members) > 0 && i.Members[len(i.Members)-1].About == wire.AboutDropped && i.Members[len(i.Members)-1].Name == "tokyo"
	})
	stop()
	m.control()
	if err := m.kv.Delete(t.Context(), "web"); err != nil {
		t.Fatal(err)
	}
	k.await("over", func(i wire.Incident) bool { return i.ID == opened.ID && i.State == wire.IncidentResolved })
	for n := k.send("hook", wire.Sent); n.Incident != opened.ID || n.Reason != wire.ReasonResolved; n = k.send("hook", wire.Sent) {
	}
}
