package console

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console/view"
	"netmon/internal/natstest"
	"netmon/wire"
)

// dnsDown is an incident with a bit of everything, as it was at that time.
func dnsDown(at time.Time) wire.Incident {
	at = at.UTC().Truncate(time.Millisecond)
	return wire.Incident{ID: "dns-3f2a91bc00112233", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseMonitor, Name: "dns"}, Summary: "dns is down: refused from 2 of 2 agents",
		Opened: at, Decided: at, At: at, Joined: at, N: 1, Blame: &wire.Blame{Class: wire.BlameTarget, Sure: true},
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "dns", Severity: wire.SeverityDown, Since: at, Why: "refused from 2 of 2 agents", N: 2}},
		Log:     []wire.Entry{{At: at, What: wire.EntryOpened, Text: "dns is down"}}}
}

func subjectOf(t *testing.T) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func (f *followed) incident(x wire.Incident) {
	f.t.Helper()
	f.publish(subjectOf(f.t)(wire.IncidentSubject(x.ID)), x)
}

func TestModel_Incidents(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	x := dnsDown(time.Now())
	f.incident(x)
	f.publish("deliveries.hook."+x.ID, wire.Delivery{Channel: "hook", Incident: x.ID, N: 1, Outcome: wire.Retrying, Attempts: 3})
	f.publish("deliveries.hook.never", wire.Delivery{Channel: "hook", Incident: "never", N: 1})
	f.publish("channels.hook", wire.ChannelStatus{Channel: "hook", By: "host", Ready: true})
	f.publish("incidents.garbage", "no incident")
	stop := f.lead()
	defer stop()
	f.publish("verdicts.group.store", wire.GroupVerdict{Group: "store", State: wire.VerdictDown, N: 1})
	f.run()
	f.until("the incident is there", func() bool { return f.model.Incidents().Open == 1 })
	l := f.model.Incidents()
	if l.All[0].ID != x.ID || l.Short[x.ID] != "3f2a" || !l.Read || l.Why != "" {
		t.Errorf("%+v", l)
	}
	if d := f.model.Deliveries(x.ID); len(d) != 1 || d[0].Attempts != 3 {
		t.Errorf("deliveries %+v", d)
	}
	if d := f.model.Deliveries("never"); len(d) != 0 {
		t.Errorf("of an incident that is not kept: %+v", d)
	}
	if c := f.model.Channels(); len(c) != 1 || !c[0].Ready || c[0].Silent(time.Now()) {
		t.Errorf("channels %+v", c)
	}
	f.until("the group is judged", func() bool { g, ok := f.model.Group("store"); return ok && g.State == wire.VerdictDown })

	older := x
	x.N, x.State, x.Resolved, x.Good = 2, wire.IncidentResolved, x.At.Add(time.Minute), 1
	x.Members[0].Until = x.Resolved
	f.incident(x)
	f.until("it is over", func() bool { l := f.model.Incidents(); return l.Open == 0 && len(l.All) == 1 })
	f.model.mesh.Incident(older)
	if l := f.model.Incidents(); l.Open != 0 {
		t.Error("an older message opens it again")
	}
	if len(l.All) != 1 || l.All[0].State != wire.IncidentOpen {
		t.Error("what was asked for changes later")
	}
}

// TestModel_IncidentsTogether: of what comes together the last of each counts, and nothing
// is lost of an incident that is new there.
func TestModel_IncidentsTogether(t *testing.T) {
	f := newFollowed(t, ModelOptions{Gather: 20 * time.Millisecond})
	f.run()
	f.until("it is ready", func() bool { return f.model.Incidents().Read })
	x := dnsDown(time.Now())
	for range 5 {
		f.incident(x)
		f.publish("deliveries.hook."+x.ID, wire.Delivery{Channel: "hook", Incident: x.ID, N: x.N, Outcome: wire.Sent})
		x.N++
	}
	f.until("the last of all is there", func() bool {
		l, d := f.model.Incidents(), f.model.Deliveries(x.ID)
		return len(l.All) == 1 && l.All[0].N == 5 && len(d) == 1 && d[0].N == 5
	})
}

func TestNewest_OfEachSubject(t *testing.T) {
	var n newest
	for i, subject := range []string{"a", "b", "a", "c", "a"} {
		n.add(&nats.Msg{Subject: subject, Data: []byte{byte(i)}}, time.Time{})
	}
	var got []byte
	for _, x := range n.list {
		got = append(got, x.msg.Data[0])
	}
	if want := []byte{4, 1, 3}; !slices.Equal(got, want) {
		t.Errorf("the newest are %v, want %v", got, want)
	}
}

// TestModel_MeshWithoutIncidents is that of an older broker: all else is shown.
func TestModel_MeshWithoutIncidents(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	if err := natstest.JetStream(t, f.nc).DeleteStream(t.Context(), wire.IncidentsStream); err != nil {
		t.Fatal(err)
	}
	f.save("web")
	f.run()
	f.until("it is said", func() bool { return strings.Contains(f.model.Incidents().Why, "keeps no incidents") })
	if err := f.model.Await(t.Context()); err != nil {
		t.Error(err)
	}
	if tr := f.model.Troubles(); len(tr) > 0 {
		t.Errorf("a trouble: %v", tr)
	}
	if _, err := f.model.c.Channels(t.Context()); err == nil || !strings.Contains(err.Error(), "keeps no incidents") {
		t.Errorf("channels: %v", err)
	}
}

func TestClient_ResolveIncident(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	now := time.Now()
	open := dnsDown(now)
	over := dnsDown(now.Add(-time.Hour))
	over.ID, over.State = "dns-3f2b000000000000", wire.IncidentResolved
	web := dnsDown(now.Add(-2 * time.Hour))
	web.ID, web.State, web.Members[0].Name = "web-3f2bffffffffffff", wire.IncidentResolved, "web"
	for _, x := range []wire.Incident{open, over, web} {
		f.incident(x)
	}
	for text, want := range map[string]string{
		open.ID: open.ID, "3f2a": open.ID, "3f2b0": over.ID, "dns-3f2b": over.ID, "dns": open.ID, "web": web.ID,
		"3f2b": "may be dns-3f2b000000000000, web-3f2bffffffffffff", "nothing": `no incident "nothing" is known`,
	} {
		x, err := f.model.c.ResolveIncident(t.Context(), text)
		if strings.Contains(want, " ") {
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrNotFound) {
				t.Errorf("%q: %v, want %q", text, err, want)
			}
		} else if err != nil || x.ID != want {
			t.Errorf("%q is %s (%v), want %s", text, x.ID, err, want)
		}
	}
	list, _, err := f.model.c.Incidents(t.Context(), IncidentFilter{})
	if err != nil || len(list) != 1 || list[0].ID != open.ID {
		t.Errorf("open ones: %v, %v", list, err)
	}
	list, short, err := f.model.c.Incidents(t.Context(), IncidentFilter{All: true, From: now.Add(-90 * time.Minute)})
	if err != nil || len(list) != 2 || short[web.ID] != "3f2bf" {
		t.Errorf("of the last 90 minutes: %v, %v, %v", list, short, err)
	}
	list, _, err = f.model.c.Incidents(t.Context(), IncidentFilter{All: true, Monitors: []string{"web"}})
	if err != nil || len(list) != 1 {
		t.Errorf("of web: %v, %v", list, err)
	}
	f.save("dns", func(m *wire.Saved) { m.Tags = map[string]string{"team": "shop"} })
	for value, want := range map[string]int{"shop": 2, "other": 0} {
		if list, _, err = f.model.c.Incidents(t.Context(), IncidentFilter{All: true, Tags: map[string]string{"team": value}}); err != nil || len(list) != want {
			t.Errorf("of team %s: %d, %v", value, len(list), err)
		}
	}
}

func TestClient_IncidentStory(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	f.save("dns")
	c := f.model.c
	settings, err := c.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []wire.Setting{&wire.Channel{Name: "hook", Kind: "webhook"}, &wire.Channel{Name: "pager", Kind: "webhook"},
		&wire.NoticeRule{Name: "rest", To: []string{"hook"}, Repeat: wire.Duration(time.Hour), Escalate: []wire.Escalation{{After: wire.Duration(15 * time.Minute), To: []string{"pager"}}}}} {
		if _, err := settings.Save(t.Context(), s, "added"); err != nil {
			t.Fatal(err)
		}
	}
	x := dnsDown(time.Now().Add(-time.Minute))
	x.Channels = []wire.ChannelState{{Channel: "hook", N: 1, Reason: wire.ReasonOpened, Decided: x.At, Of: 1, Notified: true, Outcome: wire.Sent, Delivered: 1, At: x.At, Rule: "rest"}}
	f.incident(x)
	f.publish("deliveries.hook."+x.ID, wire.Delivery{Channel: "hook", Incident: x.ID, N: 1, Outcome: wire.Sent, Attempts: 2, At: x.At, By: "broker1", Answer: "200 OK"})
	f.publish("verdicts.dns", wire.Verdict{Monitor: "dns", State: wire.VerdictDown, Since: x.Opened, At: x.Opened, N: 2, Why: "refused from 2 of 2 agents", Quorum: wire.VerdictQuorum{Need: 2, Down: []string{"oslo", "paris"}},
		Evidence: []wire.Evidence{{ID: "oslo.E.7", Agent: "oslo", Started: x.Opened, Outcome: wire.Failed, Failure: wire.FailRefused, Text: "connect: refused"}}})
	s, err := c.IncidentStory(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	if v := s.Verdicts["dns"]; v == nil || v.N != 2 {
		t.Errorf("verdicts %v", s.Verdicts)
	}
	want := map[wire.Reason]time.Time{wire.ReasonRepeated: x.At.Add(time.Hour), wire.ReasonEscalated: x.At.Add(15 * time.Minute)}
	for reason, at := range want {
		if !slices.ContainsFunc(s.Next, func(n NextNotice) bool { return n.Reason == reason && n.At.Equal(at) }) {
			t.Errorf("not %s at %s: %+v", reason, at, s.Next)
		}
	}
	text := strings.Join(s.Text(time.Now()), "\n")
	for _, w := range []string{"evidence: ", "oslo failed refused: connect: refused", "sent ", "after 2 attempts by broker1: 200 OK", "escalated at ", "to pager (rest)", "log:"} {
		if w = strings.Replace(w, "(rest)", "(rule rest)", 1); !strings.Contains(text, w) {
			t.Errorf("no %q in\n%s", w, text)
		}
	}
	x.Ack = &wire.Ack{By: "ada", At: time.Now(), Severity: x.Severity}
	s.Incident, s.Next = x, nextOf(&x, append(mustSettings(t, c), &wire.Acknowledgement{Incident: x.ID, At: x.Ack.At, Saving: wire.Saving{Author: "ada"}}), map[string]wire.Saved{"dns": {Monitor: wire.Monitor{Name: "dns"}}}, view.Verdicts{}, time.Now())
	if slices.ContainsFunc(s.Next, func(n NextNotice) bool { return n.Reason != wire.ReasonAcknowledged }) {
		t.Errorf("of one that is acknowledged: %+v", s.Next)
	}
}

func mustSettings(t *testing.T, c *Client) []wire.Setting {
	t.Helper()
	list, err := c.ListSettings(t.Context(), wire.SortChannel, wire.SortRule)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestClient_Channels(t *testing.T) {
	f := newFollowed(t, ModelOptions{})
	c := f.model.c
	settings, err := c.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, ch := range []wire.Channel{{Name: "hook", Kind: "webhook"}, {Name: "mail", Kind: "mail"}, {Name: "nobody", Kind: "mail"}, {Name: "quiet", Kind: "mail", Paused: true}} {
		if _, err := settings.Save(t.Context(), &ch, "added"); err != nil {
			t.Fatal(err)
		}
	}
	f.publish("channels.hook", wire.ChannelStatus{Channel: "hook", By: "broker1", Ready: true, Sent: 3})
	f.publish("channels.mail", wire.ChannelStatus{Channel: "mail", By: "broker1", Problem: "password: ${file:/etc/smtp}: no such file", Backlog: 2})
	f.publish("channels.gone", wire.ChannelStatus{Channel: "gone", By: "broker1", Ready: true, Backlog: 1})
	list, err := c.Channels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]ChannelState{"gone": ChannelDeleted, "hook": ChannelReady, "mail": ChannelNotReady, "nobody": ChannelNobody, "quiet": ChannelPaused}
	for _, h := range list {
		if h.State != want[h.Channel] {
			t.Errorf("%s is %s, want %s", h.Channel, h.State, want[h.Channel])
		}
		delete(want, h.Channel)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	long := channelHealth(mustChannel("hook"), []ChannelSeen{{ChannelStatus: wire.ChannelStatus{Channel: "hook", By: "b", Ready: true}, Seen: time.Now().Add(-time.Minute)}}, time.Now())
	if long[0].State != ChannelNobody || !strings.Contains(long[0].StateText(time.Now()), "NOBODY sends for it: b was heard last") {
		t.Errorf("silent for a minute: %+v", long[0])
	}

	// Trying one.
	for name, want := range map[string]string{"hook": "nobody sends for hook", "mail": "mail is not ready: password: ${file:/etc/smtp}: no such file, by broker1: correct it there", "quiet": "quiet is paused", "none": `no channel "none" is saved: want one of`} {
		if _, err := c.TestChannel(t.Context(), name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if _, err := f.nc.Subscribe("notify.hook.cmd", func(m *nats.Msg) {
		var cmd wire.NotifyCommand
		_ = json.Unmarshal(m.Data, &cmd)
		data, _ := json.Marshal(wire.NotifyReply{Channel: "hook", By: "broker1", Outcome: wire.Sent, TookNS: 42e6, Answer: cmd.Op + " 200 OK"})
		_ = m.Respond(data)
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	reply, err := c.TestChannel(t.Context(), "hook")
	if err != nil {
		t.Fatal(err)
	}
	if text, want := TestText(reply), "hook: sent by broker1 in 42.0 ms; the answer: test 200 OK"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

func mustChannel(name string) []wire.Setting {
	return []wire.Setting{&wire.Channel{Name: name, Kind: "webhook"}}
}
