package notify

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/wire"
)

// TestRender_Golden is what people read, for each reason.
func TestRender_Golden(t *testing.T) {
	c := channelOf(t, `{"name":"ops","kind":"webhook","url":"https://x.test/","zone":"Europe/Oslo"}`)
	var all strings.Builder
	for _, reason := range []wire.Reason{wire.ReasonOpened, wire.ReasonChanged, wire.ReasonAcknowledged, wire.ReasonRepeated, wire.ReasonEscalated, wire.ReasonUnmuted, wire.ReasonFlapping, wire.ReasonFallback, wire.ReasonResolved, wire.ReasonTest} {
		m := testMessage(reason)
		m.Mesh, m.Link = "shop", "https://status.test/i/web"
		i := &m.Incident
		switch reason {
		case wire.ReasonChanged:
			i.Members[1].Until, i.Good = i.Opened.Add(time.Minute), 1
			i.Blame = &wire.Blame{Class: wire.BlamePath, Why: "paris and oslo get no answer"}
		case wire.ReasonAcknowledged:
			i.Ack = &wire.Ack{By: "anna@desk", At: i.Opened.Add(time.Minute), Text: "I look"}
		case wire.ReasonFlapping:
			i.Flaps = true
		case wire.ReasonFallback:
			m.Notice.Fallback = "hook"
		case wire.ReasonUnmuted:
			i.Muted = []string{"patch-night"}
			i.More = 7
			i.Members[0].About, i.Members[0].Muted = wire.AboutCertificate, []string{"patch-night"}
		}
		c.render(m, i.Opened.Add(90*time.Minute))
		fmt.Fprintf(&all, "== %s\n%s\n--\n%s\n\n", reason, m.Title, m.Text)
	}
	golden(t, "texts.golden", all.String())
}

// TestRender_Hostile: what a banner or a name holds is text in one line.
func TestRender_Hostile(t *testing.T) {
	c := channelOf(t, hook("ops", "https://x.test/", `,"title":"{{.Summary}}","text":"{{range .Members}}{{.Why}}\n{{end}}"`))
	m := testMessage(wire.ReasonOpened)
	m.Incident.Summary = "a\r\nBcc: x\x1b[31m\u202eevil\u2028b\x00\xff"
	m.Incident.Members[0].Why = "\x1b]0;x\x07 {{.Title}} \u200bz"
	c.render(m, m.At)
	for _, text := range []string{m.Title, m.Text} {
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\x1b\x00\x07\u202e\u2028\u200b") {
			t.Errorf("%q", text)
		}
	}
	if strings.Contains(m.Title, "\n") || !strings.Contains(m.Text, "{{.Title}}") {
		t.Errorf("%q, %q", m.Title, m.Text)
	}
}

// TestRender_Storm: a thousand monitors behind one router are all in the text, and of
// what has no room the number is.
func TestRender_Storm(t *testing.T) {
	m := testMessage(wire.ReasonOpened)
	m.Incident.Members = nil
	for n := range 1000 {
		m.Incident.Members = append(m.Incident.Members, wire.IncidentMember{About: wire.AboutMonitor, Name: fmt.Sprintf("web-%d", n), Severity: wire.SeverityDown, Since: m.At, Why: "timeout from 2 of 2 agents"})
	}
	c := channelOf(t, hook("ops", "https://x.test/", ""))
	c.render(m, m.At)
	if n := strings.Count(m.Text, "web-"); n != 1000+strings.Count(m.Incident.ID, "web-") || !strings.Contains(m.Text, "1000 of 1000 are wrong now:") {
		t.Errorf("%d of 1000 are in the text", n)
	}
	c.kind.MaxText = 2000
	c.render(m, m.At)
	shown := strings.Count(m.Text, ": down since")
	if len(m.Text) > 2000 || shown < 10 || !strings.HasSuffix(m.Text, fmt.Sprintf("\nand %d more", 1000-shown)) {
		t.Errorf("%d bytes, %d shown: ...%s", len(m.Text), shown, m.Text[max(0, len(m.Text)-40):])
	}
}

func TestBackoff(t *testing.T) {
	b, first := usual.backoff, time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		attempts   int
		after      time.Duration // since the first
		later      time.Duration
		want       time.Duration
		undeliverd bool
	}{
		{1, 0, 0, 5 * time.Second, false}, {2, 0, 0, 10 * time.Second, false}, {7, 0, 0, 320 * time.Second, false}, {8, 0, 0, 10 * time.Minute, false}, {1 << 20, 0, 0, 10 * time.Minute, false},
		{1, 0, 24 * time.Hour, 10 * time.Minute, false}, {1, 0, time.Minute, time.Minute, false}, {3, 0, time.Second, 20 * time.Second, false},
		{9, 24*time.Hour - time.Minute, 0, time.Minute, false}, {9, 24 * time.Hour, 0, 0, true}, {1, 24*time.Hour - time.Minute, 48 * time.Hour, time.Minute, false},
	} {
		got, ok := b.pause(tt.attempts, first, first.Add(tt.after), tt.later)
		if got != tt.want || ok == tt.undeliverd {
			t.Errorf("%+v: %v %v", tt, got, ok)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("{{.Title}} {{range .Members}}{{.Line}}{{end}}", "a\x00b")
	f.Add(`{"a":"{{.Summary}}"}`, `","x":"`)
	f.Fuzz(func(t *testing.T, text, summary string) {
		m := testMessage(wire.ReasonOpened)
		m.Incident.Summary = summary
		d := dataOf(m, time.UTC, m.At)
		if tt, err := parseTemplate(text, false); err == nil {
			if got, err := tt.execute(&d); err == nil && len(got) > maxRendered {
				t.Errorf("%d bytes", len(got))
			}
		}
		if strings.ContainsAny(d.Summary, "\n\r\x00\x1b") || !utf8.ValidString(d.Summary) {
			t.Errorf("%q", d.Summary)
		}
	})
}

func FuzzChannel(f *testing.F) {
	f.Add([]byte(`{"name":"a","kind":"webhook","url":"https://x/${env:A}","headers":{"A":"${file:/x}"},"title":"{{.Status}}"}`))
	f.Add([]byte(`{"name":"a","kind":"mail","to":"a@b.c","server":"x:25","user":"u","password":"${env:P}"}`))
	f.Add([]byte(`{"name":"a","kind":"exec","program":"x","timeout":"1s"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := wire.DecodeSetting("channel.a", data, 1)
		if err != nil {
			return
		}
		c, err := build(s.(*wire.Channel))
		if err != nil {
			return
		}
		for _, to := range c.sender.To() { // what is valid leads somewhere
			if _, err := testEnv(t, nil).destinationFor(to); err != nil && len(c.refs) == 0 && to != "" {
				t.Errorf("%q: %v", to, err)
			}
		}
		Grants([]wire.Channel{c.saved})
	})
}
