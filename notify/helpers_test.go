package notify

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"netmon/wire"
)

// testEnv is an Env that reaches everything and knows these secrets, by reference.
func testEnv(t *testing.T, secrets map[string]string) *Env {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	return &Env{
		HTTP: &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Dial: (&net.Dialer{}).DialContext,
		Secret: func(ref string, _ Destination) (string, error) {
			v, ok := secrets[ref]
			if !ok {
				return "", fmt.Errorf("nobody set it")
			}
			return v, nil
		},
		Host: "broker-1", Version: "1.2.3",
	}
}

// testSender is a sender of a kind, by its settings in JSON.
func testSender(t *testing.T, kind Kind, settings string) Sender {
	t.Helper()
	s, err := kind.New(json.RawMessage(settings))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// testMessage is a message about an incident of two monitors, with hostile text in it.
func testMessage(reason wire.Reason) *Message {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	m := &Message{
		Incident: wire.Incident{ID: "web-paris-1-7", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseHost, Name: "shop.example.org"},
			Summary: "web and api are down", Opened: at, Decided: at.Add(2 * time.Second), At: at.Add(5 * time.Second), N: 3,
			Members: []wire.IncidentMember{
				{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Since: at, Why: `refused: <b>*x*</b> @everyone $(reboot)`, N: 4},
				{About: wire.AboutMonitor, Name: "api", Severity: wire.SeverityDown, Since: at.Add(time.Second), Why: "timeout", N: 9},
			}},
		Notice: wire.Notice{Channel: "ops", Incident: "web-paris-1-7", N: 1, Reason: reason, Of: 3, At: at.Add(5 * time.Second), Rule: "shop"},
		Title:  "DOWN: web and api are down",
		Text:   "web is down since 10:00:00 UTC: refused: <b>*x*</b> @everyone $(reboot)\napi is down since 10:00:01 UTC: timeout",
		Mesh:   "netmon", At: at.Add(6 * time.Second),
	}
	if reason == wire.ReasonResolved {
		m.Incident.State, m.Incident.Resolved, m.Incident.N, m.Notice.N, m.Notice.Of = wire.IncidentResolved, at.Add(time.Minute), 6, 2, 6
		for i := range m.Incident.Members {
			m.Incident.Members[i].Until = at.Add(time.Minute)
		}
		m.Title, m.Text = "RESOLVED: web and api", "web is up again since 10:01:00 UTC\napi is up again since 10:01:00 UTC"
	}
	return m
}
