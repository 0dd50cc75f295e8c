package notify

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"netmon/wire"
)

func readAll(r *http.Request) []byte {
	b, _ := io.ReadAll(r.Body)
	return b
}

// TestPagers_Acknowledge: a pager learns once that somebody acknowledged it, also where the
// notice that said so was replaced by a newer one.
func TestPagers_Acknowledge(t *testing.T) {
	acked := func(reason wire.Reason, thread string) *Message {
		m := story(reason)
		m.Incident.Ack = &wire.Ack{By: "anna@desk", Text: "I look"}
		m.Thread = thread
		return m
	}
	for _, tt := range []struct {
		name   string
		m      *Message
		pd, og []string
		thread string
	}{
		{"the first notice is of the acknowledgement", acked(wire.ReasonAcknowledged, ""), []string{"trigger", "acknowledge"}, []string{"alerts", "acknowledge"}, pagerAcknowledged},
		{"acknowledged", acked(wire.ReasonAcknowledged, pagerTriggered), []string{"acknowledge"}, []string{"acknowledge"}, pagerAcknowledged},
		{"the notice of it was replaced", acked(wire.ReasonChanged, pagerTriggered), []string{"trigger", "acknowledge"}, []string{"alerts", "notes", "acknowledge"}, pagerAcknowledged},
		{"changed afterwards", acked(wire.ReasonChanged, pagerAcknowledged), []string{"trigger"}, []string{"alerts", "notes"}, pagerAcknowledged},
		{"taken back", story(wire.ReasonChanged), []string{"trigger"}, []string{"alerts"}, pagerTriggered},
		{"over", acked(wire.ReasonResolved, pagerAcknowledged), []string{"resolve"}, []string{"close"}, pagerTriggered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			receipt, got, err := sendWith(t, "pagerduty", tt.m, services()["pagerduty"].answer)
			var did []string
			for _, r := range got {
				var e pagerdutyEvent
				r.json(t, &e)
				if e.Dedup != "web-paris-1-7" || e.Key != "0123456789abcdef0123456789abcdef" || r.URI != "/v2/enqueue" || (e.Payload != nil) != (e.Action == "trigger") {
					t.Errorf("an event is not right: %s", r.dump())
				}
				did = append(did, e.Action)
			}
			if err != nil || !slices.Equal(did, tt.pd) || receipt.Thread != tt.thread {
				t.Errorf("PagerDuty: %v, thread %q, %v: want %v, %q", did, receipt.Thread, err, tt.pd, tt.thread)
			}
			receipt, got, err = sendWith(t, "opsgenie", tt.m, services()["opsgenie"].answer)
			did = nil
			for _, r := range got {
				u, _ := url.Parse(r.URI)
				did = append(did, path.Base(u.Path))
				if strings.Contains(u.Path, "web-paris") != (u.RawQuery == "identifierType=alias") || r.Header.Get("Authorization") != "GenieKey eb243592" {
					t.Errorf("a request is not right: %s", r.dump())
				}
			}
			if err != nil || !slices.Equal(did, tt.og) || receipt.Thread != tt.thread {
				t.Errorf("Opsgenie: %v, thread %q, %v: want %v, %q", did, receipt.Thread, err, tt.og, tt.thread)
			}
		})
	}
}

// TestPagers_Severity: every severity has a level, and a test wakes nobody.
func TestPagers_Severity(t *testing.T) {
	for severity, want := range map[wire.Severity]string{
		wire.SeverityDown: "critical P1 5", wire.SeverityBroker: "critical P1 5", wire.SeverityDisk: "error P2 4", wire.SeverityDegraded: "warning P3 3",
		wire.SeverityUnknown: "warning P3 3", wire.SeverityCertificate: "warning P3 3", wire.SeverityAgent: "warning P3 3", wire.SeverityDropped: "warning P3 3", wire.SeverityAudit: "info P5 3", wire.SeveritySLOFast: "error P2 4", wire.SeveritySLOSlow: "warning P3 3", "newer": "warning P3 3",
	} {
		m := story(wire.ReasonOpened)
		m.Incident.Severity = severity
		if got := m.level().String() + " " + opsgeniePriority(m) + " " + string('0'+rune((&Ntfy{}).priority(m))); got != want {
			t.Errorf("%s: %s, want %s", severity, got, want)
		}
	}
	if got := story(wire.ReasonTest).level(); got != levelInfo {
		t.Errorf("a test is %v, want info", got)
	}
}

func TestPushover_Emergency(t *testing.T) {
	form := func(r request) url.Values {
		v, _ := url.ParseQuery(string(r.Body))
		return v
	}
	ok := services()["pushover"].answer
	_, got, err := sendWith(t, "pushover", story(wire.ReasonOpened), ok)
	if f := form(got[0]); err != nil || f.Get("priority") != "2" || f.Get("retry") != "60" || f.Get("expire") != "3600" || f.Get("tags") != "web-paris-1-7" {
		t.Errorf("what is down: %v, %v: want an emergency", f, err)
	}
	for _, reason := range []wire.Reason{wire.ReasonAcknowledged, wire.ReasonResolved} {
		_, got, err = sendWith(t, "pushover", story(reason), ok)
		if err != nil || len(got) != 2 || got[0].URI != "/1/receipts/cancel_by_tag/web-paris-1-7.json" || form(got[0]).Get("token") != "azGD" || form(got[1]).Get("priority") != "0" {
			t.Errorf("%s: %d requests, %v: want the emergency to be cancelled first", reason, len(got), err)
		}
	}
	_, got, err = sendWith(t, "pushover", story(wire.ReasonResolved), func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "cancel") {
			reply(404, `{"status":0}`)(w, r)
			return
		}
		ok(w, r)
	})
	if err != nil || len(got) != 2 {
		t.Errorf("a cancel that is refused: %d requests, %v: want the message all the same", len(got), err)
	}
	_, _, err = sendWith(t, "pushover", story(wire.ReasonOpened), reply(200, `{"status":0,"errors":["user key is invalid"]}`))
	wantOutcome(t, "status 0", err, true, 0)
}

func TestNtfy_Sequence(t *testing.T) {
	sent := func(settings string, m *Message) ntfyPost {
		r := receive(t, reply(200, `{}`))
		s := testSender(t, ntfyKind(), strings.ReplaceAll(settings, "%s", r.URL))
		if _, err := s.Send(t.Context(), testEnv(t, map[string]string{"${env:PW}": "pw"}), m); err != nil {
			t.Fatal(err)
		}
		got := r.requests()
		if auth := got[0].Header.Get("Authorization"); strings.Contains(settings, "user") && auth != "Basic bmV0bW9uOnB3" {
			t.Errorf("authorization %q", auth)
		}
		var p ntfyPost
		got[0].json(t, &p)
		return p
	}
	if got := sent(`{"topic": "t", "server": "%s", "user": "netmon", "password": "${env:PW}"}`, story(wire.ReasonOpened)).Sequence; got != "web-paris-1-7-ops-1" {
		t.Errorf("sequence %q, want the notice's key", got)
	}
	if got := sent(`{"topic": "t", "server": "%s", "update": true}`, story(wire.ReasonChanged)).Sequence; got != "web-paris-1-7" {
		t.Errorf("sequence %q, want the incident", got)
	}
	long := story(wire.ReasonOpened)
	long.Notice.Channel = strings.Repeat("c", 90)
	if a, b := sent(`{"topic": "t", "server": "%s"}`, long).Sequence, sent(`{"topic": "t", "server": "%s"}`, long).Sequence; len(a) > 64 || a != b {
		t.Errorf("sequences %q and %q of a long key: want the same, of at most 64", a, b)
	}
	if got := sent(`{"topic": "t", "server": "%s", "priority": 5}`, story(wire.ReasonResolved)).Priority; got != 3 {
		t.Errorf("what is over has priority %d, want 3", got)
	}
}

func FuzzJSONLen(f *testing.F) {
	f.Add("a\"\\\n\r\t\b\f\x00\x7f é 漢 😀 <>& \u2028\u2029\ufffd \xff")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := encodeJSON(s)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := jsonLen(s), len(b)-len(`""`); got != want {
			t.Errorf("jsonLen(%q) = %d, want %d", s, got, want)
		}
	})
}

func FuzzFit(f *testing.F) {
	f.Add("web is down", "a: b", 20, uint8(3), 4)
	f.Fuzz(func(t *testing.T, head, member string, most int, n uint8, more int) {
		m := &Message{Head: []string{Plain(head), "second"}, Incident: wire.Incident{More: more}}
		for range n {
			m.Members = append(m.Members, Line(member))
		}
		for _, size := range []func(string) int{func(s string) int { return len(s) }, utf16Len, jsonLen, sizeOf(Markdown, utf16Len)} {
			if text := m.Fit(most, size); most >= 0 && size(text) > most {
				t.Errorf("Fit(%d) is %d long", most, size(text))
			}
		}
	})
}
