package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/internal/need"
	"netmon/wire"
)

// realAlertmanager starts Debian's on loopback, with a receiver of ours, and returns
// its URL. It tells the receiver within a second.
func realAlertmanager(t *testing.T, tell string) string {
	t.Helper()
	program := need.Tool(t, "prometheus-alertmanager", "prometheus-alertmanager")
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	err := os.WriteFile(config, fmt.Appendf(nil, `
route: {receiver: hook, group_by: [incident], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: %q, send_resolved: true}]}]
`, tell), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--config.file="+config, "--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("alertmanager: %s", text)
		}
	})
	base := "http://" + addr
	eventually(t, "alertmanager is ready", func() bool {
		resp, err := http.Get(base + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
	return base
}

// eventually waits for something to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// alertLog is what Alertmanager sent its receiver, an entry for each alert of each message.
type alertLog struct {
	mu   sync.Mutex // guards list
	list []string
}

func (l *alertLog) record(w http.ResponseWriter, r *http.Request) {
	var v struct {
		Alerts []struct {
			Status      string            `json:"status"`
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
		} `json:"alerts"`
	}
	_ = json.NewDecoder(r.Body).Decode(&v)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range v.Alerts {
		l.list = append(l.list, a.Status+" "+a.Labels["severity"]+" "+a.Annotations["summary"])
	}
}

func (l *alertLog) has(prefix string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.list, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// getJSON reads from Alertmanager.
func getJSON(t *testing.T, url string, v any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
}

type realAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Generator   string            `json:"generatorURL"`
	Starts      time.Time         `json:"startsAt"`
	Ends        time.Time         `json:"endsAt"`
	Status      struct {
		State      string   `json:"state"`
		SilencedBy []string `json:"silencedBy"`
	} `json:"status"`
}

// TestAlertmanager_Real: an incident appears, is acknowledged, gets another severity,
// and is resolved; one that nobody sends again lapses.
func TestAlertmanager_Real(t *testing.T) {
	t.Parallel()
	list := &alertLog{}
	hook := receive(t, list.record)
	base := realAlertmanager(t, hook.URL)
	s := testSender(t, alertmanagerKind(), fmt.Sprintf(`{"server": %q, "labels": {"team": "shop"}}`, base))
	began := time.Now().Add(-time.Minute).Truncate(time.Millisecond) // as finely as it keeps times
	thread := ""
	send := func(m *Message) {
		t.Helper()
		m.Incident.Opened, m.At, m.Thread = began, time.Now(), thread
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		receipt, err := s.Send(ctx, testEnv(t, nil), m)
		if err != nil {
			t.Fatal(err)
		}
		if receipt.Thread != "" {
			thread = receipt.Thread
		}
	}
	alerts := func() (out []realAlert) {
		getJSON(t, base+"/api/v2/alerts", &out)
		return out
	}

	m := story(wire.ReasonOpened)
	m.Head[0] = hostile
	send(m)
	send(m) // sent again it is the same alert
	got := alerts()
	if len(got) != 1 {
		t.Fatalf("%d alerts, want 1: %+v", len(got), got)
	}
	a := got[0]
	for name, want := range map[string]string{"alertname": "NetmonIncident", "incident": "web-paris-1-7", "instance": "web", "severity": "critical", "mesh": "netmon", "team": "shop"} {
		if a.Labels[name] != want {
			t.Errorf("label %s is %q, want %q", name, a.Labels[name], want)
		}
	}
	if !strings.HasPrefix(a.Annotations["description"], hostile+"\n") || a.Annotations["blame"] == "" || a.Generator != m.Link || !a.Starts.Equal(began.UTC()) {
		t.Errorf("the alert is not what was sent: %+v", a)
	}
	if left := time.Until(a.Ends); left < 3*time.Minute || left > 5*time.Minute {
		t.Errorf("it lapses in %v, want 4m", left)
	}
	eventually(t, "the receiver hears that it fires", func() bool { return list.has("firing critical DOWN") })

	ack := story(wire.ReasonAcknowledged)
	send(ack)
	send(ack) // a second silence is not made
	var silences []alertmanagerSilence
	getJSON(t, base+"/api/v2/silences", &silences)
	if len(silences) != 1 || silences[0].By != "anna@desk (netmon)" || silences[0].Comment != "acknowledged: I look" || thread != silences[0].ID {
		t.Fatalf("silences %+v, thread %q: want one, by whom acknowledged it", silences, thread)
	}
	eventually(t, "the alert is silenced", func() bool {
		got := alerts()
		return len(got) == 1 && got[0].Status.State == "suppressed" && len(got[0].Status.SilencedBy) == 1 && strings.Contains(got[0].Annotations["acknowledged"], "anna@desk: I look")
	})

	other := story(wire.ReasonChanged) // degraded
	other.Incident.Ack = nil           // and taken back
	send(other)
	eventually(t, "the silence ends with the acknowledgement", func() bool {
		getJSON(t, base+"/api/v2/silences", &silences)
		return len(silences) == 1 && silences[0].Status.State == "expired"
	})
	eventually(t, "the receiver hears of the other severity", func() bool { return list.has("firing warning DEGRADED") })

	over := story(wire.ReasonResolved)
	over.Incident.Severity, over.Incident.Resolved = wire.SeverityDegraded, time.Now()
	send(over)
	send(over)
	eventually(t, "the receiver hears that it is over", func() bool { return list.has("resolved warning RESOLVED") })
	for _, a := range alerts() {
		if a.Labels["severity"] == "warning" {
			t.Errorf("an alert that is over is listed: %+v", a)
		}
	}

	lapsing := story(wire.ReasonOpened)
	lapsing.Incident.ID, lapsing.Title = "db-paris-1-9", "DOWN: db"
	lapsing.Incident.Opened, lapsing.At = began, time.Now().Add(-alertmanagerLapse+2*time.Second)
	if _, err := s.Send(t.Context(), testEnv(t, nil), lapsing); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it fires", func() bool { return list.has("firing critical DOWN: db") })
	eventually(t, "it lapses when nobody sends it again", func() bool { return list.has("resolved critical DOWN: db") })
}

// TestAlertmanager_Resend: how often, and that what is sent again is the same alert.
func TestAlertmanager_Resend(t *testing.T) {
	s := testSender(t, alertmanagerKind(), `{"server": "http://127.0.0.1:1"}`).(*Alertmanager)
	every, over := Resender(s).Resend()
	if every != time.Minute || over != 5*time.Minute {
		t.Errorf("Resend() = %v, %v: want 1m, 5m", every, over)
	}
	m := story(wire.ReasonOpened)
	first := s.alert(m)
	m.At = m.At.Add(every)
	second := s.alert(m)
	if !second.Starts.Equal(first.Starts) || second.Ends.Sub(first.Ends) != every || second.Ends.Sub(m.At) < 2*every {
		t.Errorf("ends %v, then %v: want it to stay ahead of the next", first.Ends, second.Ends)
	}
	m = story(wire.ReasonResolved)
	first = s.alert(m)
	m.At = m.At.Add(every)
	if second = s.alert(m); !second.Ends.Equal(first.Ends) || !first.Ends.Equal(m.Incident.Resolved) {
		t.Errorf("an end at %v, then %v: want when it was resolved", first.Ends, second.Ends)
	}
	m.Incident.Resolved = m.At.Add(time.Hour) // by a clock that is ahead
	if a := s.alert(m); a.Ends.After(m.At) || a.Ends.Before(a.Starts) {
		t.Errorf("it is over at %v, in the future", a.Ends)
	}
}
