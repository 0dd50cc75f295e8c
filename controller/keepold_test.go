package controller

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// TestKeeping_WhatIsOpenStays: an incident that is open, a trouble, and how far they
// are decided are there however much is stored behind them.
func TestKeeping_WhatIsOpenStays(t *testing.T) {
	k := newKept(t, "web", "db")
	s, err := k.js.Stream(t.Context(), wire.IncidentsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.MaxBytes = 256 << 10
	if _, err := k.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	k.publish("troubles.certificate.db", wire.Trouble{About: wire.AboutCertificate, Name: "db", Wrong: true, Since: time.Now().UTC(), At: time.Now().UTC(), N: 3, Incident: "db-cert", Why: "for the test", Severity: wire.SeverityCertificate})
	l := k.start(nil)
	k.verdict("web", wire.VerdictDown, time.Now())
	k.await("open", func(i wire.Incident) bool { return i.ID == "web-1" })
	k.await("open", func(i wire.Incident) bool { return i.ID == "db-cert" })
	before := k.incidents()["web-1"]
	much := func(from int) {
		for i := range 200 { // some stream lengths
			k.publish(fmt.Sprintf("deliveries.hook.x%d", from+i), wire.Delivery{Channel: "hook", Incident: fmt.Sprintf("x%d", from+i), N: 1, Outcome: wire.Sent, Answer: string(bytes.Repeat([]byte("x"), 4000))})
			<-time.After(time.Millisecond) // a notifier is not faster than that
		}
	}
	much(0)
	l.stop()
	<-l.ended
	for _, subject := range []string{"incidents.web-1", "incidents.db-cert", "troubles.certificate.db", keptPosition} {
		if m, err := lastOf(t.Context(), k.js, wire.IncidentsStream, subject); err != nil || m.Sequence == 0 {
			t.Errorf("%s is gone: %v", subject, err)
		}
	}
	l = k.start(nil) // it continues with what is there, and writes it again
	much(1000)
	k.verdict("web", wire.VerdictUp, time.Now())
	k.publish("troubles.certificate.db", wire.Trouble{About: wire.AboutCertificate, Name: "db", At: time.Now().UTC(), N: 4, Incident: "db-cert", Why: "for the test", Severity: wire.SeverityCertificate})
	if after := k.await("over", func(i wire.Incident) bool { return i.ID == "web-1" && i.State == wire.IncidentResolved }); after.N != before.N+1 || !after.Opened.Equal(before.Opened) {
		t.Errorf("it ended as %+v, was %+v", after, before)
	}
	k.await("over", func(i wire.Incident) bool { return i.ID == "db-cert" && i.State == wire.IncidentResolved })
	l.stop()
}

// TestKeeping_GroupsOnce: a verdict on a group that was decided, by a leader that was
// killed then, is published by the next one, and not decided again.
func TestKeeping_GroupsOnce(t *testing.T) {
	k := newKept(t, "web", "db")
	k.save(&wire.Group{Name: "store", Of: []string{"web", "db"}})
	k.verdict("web", wire.VerdictUp, time.Now())
	k.verdict("db", wire.VerdictUp, time.Now())
	l := k.start(nil)
	groups := func(want int) (last wire.GroupVerdict) {
		t.Helper()
		for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
			all := k.all(wire.VerdictsStream, wire.AllGroupVerdicts)
			for i, m := range all {
				v, err := wire.DecodeGroupVerdict(m.Subject, m.Data)
				if err != nil || v.N != uint64(i+1) {
					t.Fatalf("%s: %v", m.Data, err)
				}
				last = v
			}
			if len(all) == want {
				return last
			}
			if len(all) > want || time.Since(begun) > time.Minute {
				t.Fatalf("%d verdicts, want %d; the last is %+v", len(all), want, last)
			}
		}
	}
	if v := groups(1); v.State != wire.VerdictUp {
		t.Errorf("%+v", v)
	}
	l.stop()

	// Another one read that web is down, decided that the group is, and came no further.
	k.verdict("web", wire.VerdictDown, time.Now())
	s := &incidentStore{js: k.js, log: l.g.log}
	if err := s.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	down := groups(1)
	down.N, down.State, down.Was, down.Why, down.Incident = 2, wire.VerdictDown, wire.VerdictUp, "for the test", "store-2"
	info, err := k.js.Stream(t.Context(), wire.VerdictsStream)
	if err != nil {
		t.Fatal(err)
	}
	at := s.at
	at.Verdicts, at.At = info.CachedInfo().State.LastSeq, time.Now()
	if _, err := s.write(t.Context(), nil, []wire.GroupVerdict{down}, at); err != nil {
		t.Fatal(err)
	}
	l = k.start(nil)
	if v := groups(3); v.State != wire.VerdictDown || v.Incident != "store-2" { // says why in its own words
		t.Errorf("%+v", v)
	}
	l.stop()
}

// TestNoticeQueue_Consumers: there is a consumer for each channel and none for others,
// whoever deleted what, and the notices of a channel go with it.
func TestNoticeQueue_Consumers(t *testing.T) {
	k := newKept(t, "web")
	k.save(hook())
	k.save(&wire.Channel{Name: "mail", Kind: "mail"})
	l := k.start(nil)
	await := func(want string) {
		t.Helper()
		for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
			s, err := k.js.Stream(t.Context(), wire.NoticesStream)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			list := s.ConsumerNames(t.Context())
			for name := range list.Name() {
				names = append(names, name)
			}
			got := fmt.Sprint(names, s.CachedInfo().State.Msgs)
			if got == want {
				return
			}
			if time.Since(begun) > time.Minute {
				t.Fatalf("there are %s, want %s", got, want)
			}
		}
	}
	await("[hook mail] 0")
	k.verdict("web", wire.VerdictDown, time.Now().Add(-time.Minute))
	k.await("told", func(i wire.Incident) bool { return len(i.Channels) == 2 })
	await("[hook mail] 2")
	remove := func(key string) {
		t.Helper()
		m := nats.NewMsg(settingsPrefix + key)
		m.Header.Set(headerOperation, "DEL")
		if _, err := k.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	remove("channel.mail")
	await("[hook] 1")
	l.stop()
	remove("channel.hook") // while nobody leads
	k.start(nil)
	await("[] 0")
}

// TestKeeping_Sweeps: silences and acknowledgements that were over long ago go, and
// nothing else.
func TestKeeping_Sweeps(t *testing.T) {
	k := newKept(t, "web")
	k.save(hook())
	long := time.Now().UTC().Add(-30 * 24 * time.Hour)
	k.verdict("web", wire.VerdictDown, time.Now())
	k.publish("incidents.merged", wire.Incident{ID: "merged", State: wire.IncidentMerged, Into: "web-1", Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseMonitor, Name: "web"},
		Opened: long, Decided: long, At: long, Joined: long, N: 2, Members: []wire.IncidentMember{}, Log: []wire.Entry{}})
	for _, s := range []wire.Setting{
		&wire.Silence{ID: "old", From: long, Until: long.Add(time.Hour)},
		&wire.Silence{ID: "young", From: long, Until: time.Now().UTC().Add(-time.Hour)},
		&wire.Acknowledgement{Incident: "web-1", At: long},  // is open
		&wire.Acknowledgement{Incident: "merged", At: long}, // went into one that is open
		&wire.Acknowledgement{Incident: "other", At: long},
	} {
		k.save(s)
	}
	k.start(nil)
	for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
		s, err := k.js.Stream(t.Context(), settingsStream)
		if err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context(), jetstream.WithSubjectFilter(">"))
		if err != nil {
			t.Fatal(err)
		}
		have := func(key string) bool { return info.State.Subjects[settingsPrefix+key] > 0 }
		if !have("silence.young") || !have("ack.web-1") || !have("ack.merged") || !have("channel.hook") {
			t.Fatalf("there are %v", info.State.Subjects)
		}
		if !have("silence.old") && !have("ack.other") {
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("there are %v", info.State.Subjects)
		}
	}
}

// TestKeeping_OnlyWhatTheMeshLetIn: a setting that was not let in, and the deletion of
// one, change nothing.
func TestKeeping_OnlyWhatTheMeshLetIn(t *testing.T) {
	k := newKept(t, "web", "db")
	k.check = func(subject, operation, _, _ string, _ []byte) error {
		if subject == settingsPrefix+"channel.hook" && operation == "" {
			return nil
		}
		return fmt.Errorf("not let in")
	}
	k.save(hook())
	k.save(&wire.Channel{Name: "intruder", Kind: "webhook"})
	l := k.start(nil)
	told := func(id string) {
		t.Helper()
		i := k.await("told", func(i wire.Incident) bool { return i.ID == id && len(i.Channels) > 0 })
		if len(i.Channels) != 1 || i.Channels[0].Channel != "hook" {
			t.Errorf("told are %+v", i.Channels)
		}
	}
	k.verdict("web", wire.VerdictDown, time.Now().Add(-time.Minute))
	told("web-1")
	m := nats.NewMsg(settingsPrefix + "channel.hook")
	m.Header.Set(headerOperation, "DEL")
	if _, err := k.js.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	k.save(&wire.NoticeRule{Name: "none", To: []string{}})
	k.verdict("db", wire.VerdictDown, time.Now().Add(-time.Minute))
	told("db-1")
	l.stop()
}

// TestKeeping_Latency logs how long it takes from a verdict, stored, to its incident, stored.
func TestKeeping_Latency(t *testing.T) {
	k := newKept(t, "web")
	k.start(nil)
	k.verdict("web", wire.VerdictUp, time.Now())
	sub := make(chan *nats.Msg, 100)
	s, err := k.js.Conn().ChanSubscribe(wire.AllIncidents, sub)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Unsubscribe()
	var all time.Duration
	const runs = 20
	for i := range runs {
		begun := time.Now()
		k.verdict("web", []wire.VerdictState{wire.VerdictDown, wire.VerdictUp}[i%2], time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		select {
		case <-sub:
		case <-ctx.Done():
			t.Fatal("no incident")
		}
		cancel()
		all += time.Since(begun)
	}
	t.Logf("%v from a verdict to its incident", (all / runs).Round(10*time.Microsecond))
}

// TestKeeping_WritesNothingAtRest: what it wrote itself, and what a notifier says of
// itself, is not a reason to write.
func TestKeeping_WritesNothingAtRest(t *testing.T) {
	k := newKept(t, "web")
	k.verdict("web", wire.VerdictDown, time.Now())
	k.start(func(g *keeping) { g.every = 10 * time.Millisecond })
	k.await("open", func(i wire.Incident) bool { return true })
	sub, err := k.js.Conn().SubscribeSync("keeper.>")
	if err != nil {
		t.Fatal(err)
	}
	for { // until it is at rest
		if _, err := sub.NextMsg(500 * time.Millisecond); err != nil {
			break
		}
	}
	for range 20 {
		k.publish("channels.hook", wire.ChannelStatus{Channel: "hook", At: time.Now().UTC(), Ready: true})
		<-time.After(20 * time.Millisecond)
	}
	if m, err := sub.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("it wrote %s: %s", m.Subject, m.Data)
	}
}
