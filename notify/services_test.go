package notify

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"netmon/wire"
)

// service is a kind as tests drive it.
type service struct {
	kind     Kind
	settings string                                // %s is the receiver's URL
	secrets  map[string]string                     // by reference
	answer   http.HandlerFunc                      // as the service answers what it takes
	text     func(t *testing.T, r *request) string // of the request that carries the text, as people see it
	most     func(t *testing.T, r *request)        // the sizes that the service documents
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// services are all of them, by name.
func services() map[string]service {
	return map[string]service{
		"slack": {
			kind: slackKind(), settings: `{"url": "%s/services/T0/B0/${env:HOOK}"}`, secrets: map[string]string{"${env:HOOK}": "h00k"},
			answer: reply(200, "ok"), text: slackSeen, most: slackMost,
		},
		"slack-bot": {
			kind: slackKind(), settings: `{"token": "${file:/s/slack}", "channel": "C0123456789", "server": "%s"}`, secrets: map[string]string{"${file:/s/slack}": "xoxb-1"},
			answer: reply(200, `{"ok":true,"channel":"C0123456789","ts":"1764496805.000100"}`), text: slackSeen, most: slackMost,
		},
		"discord": {
			kind: discordKind(), settings: `{"url": "%s/api/webhooks/1/${env:HOOK}"}`, secrets: map[string]string{"${env:HOOK}": "h00k"},
			answer: reply(200, `{"id":"77","channel_id":"5"}`), text: discordSeen, most: discordMost,
		},
		"discord-forum": {
			kind: discordKind(), settings: `{"url": "%s/api/webhooks/1/${env:HOOK}", "forum": true, "username": "mesh"}`, secrets: map[string]string{"${env:HOOK}": "h00k"},
			answer: reply(200, `{"id":"77","channel_id":"900"}`), text: discordSeen, most: discordMost,
		},
		"telegram": {
			kind: telegramKind(), settings: `{"token": "${env:BOT}", "chat": "-100123", "topic": 4, "silent": true, "server": "%s"}`, secrets: map[string]string{"${env:BOT}": "123:ABC"},
			answer: reply(200, `{"ok":true,"result":{"message_id":42}}`), text: telegramSeen, most: telegramMost,
		},
		"teams": {
			kind: teamsKind(), settings: `{"url": "%s/workflows/1/triggers/manual/paths/invoke?sig=${env:SIG}"}`, secrets: map[string]string{"${env:SIG}": "s1g"},
			answer: reply(202, ""), text: teamsSeen, most: teamsMost,
		},
		"ntfy": {
			kind: ntfyKind(), settings: `{"topic": "netmon_x7", "token": "${env:NTFY}", "tags": "paris", "server": "%s"}`, secrets: map[string]string{"${env:NTFY}": "tk_1"},
			answer: reply(200, `{"id":"hwQ2YpKdmg","time":1764496805,"event":"message","topic":"netmon_x7"}`), text: jsonField("message"), most: ntfyMost,
		},
		"pagerduty": {
			kind: pagerdutyKind(), settings: `{"key": "${env:PD}", "server": "%s"}`, secrets: map[string]string{"${env:PD}": "0123456789abcdef0123456789abcdef"},
			answer: reply(202, `{"status":"success","message":"Event processed","dedup_key":"web-paris-1-7"}`), text: pagerdutySeen, most: pagerdutyMost,
		},
		"opsgenie": {
			kind: opsgenieKind(), settings: `{"key": "${env:OG}", "teams": ["shop"], "tags": "prod, web", "server": "%s"}`, secrets: map[string]string{"${env:OG}": "eb243592"},
			answer: reply(202, `{"result":"Request will be processed","took":0.1,"requestId":"43a29c5c"}`), text: jsonField("description"), most: opsgenieMost,
		},
		"matrix": {
			kind: matrixKind(), settings: `{"server": "%s", "token": "${env:MX}", "room": "!abc:example.org"}`, secrets: map[string]string{"${env:MX}": "syt_1"},
			answer: reply(200, `{"event_id":"$ev1"}`), text: matrixSeen, most: matrixMost,
		},
		"gotify": {
			kind: gotifyKind(), settings: `{"server": "%s/gotify", "token": "${env:GT}"}`, secrets: map[string]string{"${env:GT}": "A1"},
			answer: reply(200, `{"id":25,"appid":5,"message":"x"}`), text: jsonField("message"), most: func(*testing.T, *request) {},
		},
		"pushover": {
			kind: pushoverKind(), settings: `{"token": "${env:APP}", "user": "${env:USR}", "emergency": true, "device": "phone", "server": "%s"}`, secrets: map[string]string{"${env:APP}": "azGD", "${env:USR}": "uQiR"},
			answer: reply(200, `{"status":1,"request":"647d2300"}`), text: pushoverSeen, most: pushoverMost,
		},
		"alertmanager": {
			kind: alertmanagerKind(), settings: `{"server": "%s/am", "labels": {"team": "shop"}, "user": "netmon", "password": "${env:PW}"}`, secrets: map[string]string{"${env:PW}": "pw"},
			answer: answerAlertmanager, text: alertmanagerSeen, most: func(*testing.T, *request) {},
		},
	}
}

// sender is one that sends to the receiver at url.
func (s *service) sender(t *testing.T, url string) Sender {
	t.Helper()
	return testSender(t, s.kind, strings.ReplaceAll(s.settings, "%s", url))
}

// story is a message of an incident that opened, changed, was acknowledged and resolved.
func story(reason wire.Reason) *Message {
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	blame := &wire.Blame{Class: wire.BlameTarget, Sure: true, Why: "every agent sees it"}
	m := &Message{
		Incident: wire.Incident{
			ID: "web-paris-1-7", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseHost, Name: "shop.example.org"},
			Summary: "web and api are down", Opened: at, Decided: at.Add(2 * time.Second), At: at.Add(5 * time.Second), N: 3, Blame: blame,
			Members: []wire.IncidentMember{
				{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Since: at, Why: "connection refused", Blame: blame, N: 4},
				{About: wire.AboutMonitor, Name: "api", Severity: wire.SeverityDown, Since: at.Add(time.Second), Why: "timeout", N: 9},
			},
		},
		Notice:  wire.Notice{Channel: "ops", Incident: "web-paris-1-7", N: 1, Reason: reason, Of: 3, At: at.Add(5 * time.Second), Rule: "shop"},
		Title:   "DOWN: web and api are down",
		Head:    []string{"web and api are down", "Since 2026-11-30 10:00:00 UTC, for 5s.", "Fault: target: every agent sees it"},
		Members: []string{"web: down since 10:00:00: connection refused", "api: down since 10:00:01: timeout"},
		Link:    "https://netmon.example.org/incidents/web-paris-1-7?a=1&b=<2>", Mesh: "netmon", At: at.Add(6 * time.Second),
	}
	ack := &wire.Ack{By: "anna@desk", At: at.Add(20 * time.Second), Text: "I look"}
	switch reason {
	case wire.ReasonChanged:
		m.Notice.N, m.Incident.Severity = 2, wire.SeverityDegraded
		m.Title = "DEGRADED: web is down, api is slow"
	case wire.ReasonAcknowledged:
		m.Notice.N, m.Incident.Ack = 3, ack
		m.Title, m.Head = "ACKNOWLEDGED: web and api are down", append(m.Head, "Acknowledged by anna@desk at 10:00:20: I look")
	case wire.ReasonResolved:
		m.Notice.N, m.Incident.Ack, m.Incident.State, m.Incident.Resolved = 4, ack, wire.IncidentResolved, at.Add(time.Minute)
		m.Title = "RESOLVED: web and api are down"
		m.Members = []string{"web: good again since 10:01:00", "api: good again since 10:01:00"}
		m.At = at.Add(62 * time.Second)
	}
	m.Text = strings.Join(append(append([]string{}, m.Head...), m.Members...), "\n")
	return m
}

// What people see of the text, out of a request.

func jsonField(name string) func(t *testing.T, r *request) string {
	return func(t *testing.T, r *request) string {
		var v map[string]any
		r.json(t, &v)
		s, _ := v[name].(string)
		return s
	}
}

func slackSeen(t *testing.T, r *request) string {
	var p slackPost
	r.json(t, &p)
	for _, s := range []string{p.Text, p.Attachments[0].Blocks[0].Text.Text} {
		if strings.ContainsAny(s, "<>") {
			t.Errorf("a link or a mention could stand in %q", s)
		}
	}
	if p.Markdown || p.LinkNames || p.Parse != "none" {
		t.Error("Slack is asked to look for markup")
	}
	return html.UnescapeString(p.Attachments[0].Blocks[0].Text.Text)
}

func slackMost(t *testing.T, r *request) {
	var p slackPost
	r.json(t, &p)
	if n := utf16Len(p.Attachments[0].Blocks[0].Text.Text); n > 3000 {
		t.Errorf("a block has %d characters, Slack takes 3000", n)
	}
}

func discordSeen(t *testing.T, r *request) string {
	var p discordPost
	r.json(t, &p)
	if p.Mentions.Parse == nil || len(p.Mentions.Parse) != 0 {
		t.Error("mentions are allowed")
	}
	return unescapeMarkdown(p.Embeds[0].Text)
}

// unescapeMarkdown is what Markdown shows, where every mark is escaped.
func unescapeMarkdown(s string) string {
	var b strings.Builder
	escaped := false
	for _, r := range s {
		switch {
		case r == '\\' && !escaped:
			escaped = true
			continue
		case r == '\u200b':
			continue
		case !escaped && strings.ContainsRune("*_~`[]<>#|", r):
			b.WriteString("UNESCAPED ")
		}
		escaped = false
		b.WriteRune(r)
	}
	return b.String()
}

func discordMost(t *testing.T, r *request) {
	var p discordPost
	r.json(t, &p)
	e := p.Embeds[0]
	if utf16Len(e.Title) > 256 || utf16Len(e.Text) > 4096 || utf16Len(e.Footer["text"]) > 2048 || utf16Len(e.Title+e.Text+e.Footer["text"]) > 6000 || utf16Len(p.Thread) > 100 {
		t.Errorf("an embed of %d, %d, %d characters and a thread of %d is over what Discord takes", utf16Len(e.Title), utf16Len(e.Text), utf16Len(e.Footer["text"]), utf16Len(p.Thread))
	}
}

// shownHTML is the text of HTML, in which nothing else stands but these elements.
func shownHTML(t *testing.T, s string, elements string) string {
	t.Helper()
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return b.String()
		case html.TextToken:
			b.WriteString(z.Token().Data)
		default:
			token := z.Token()
			if !strings.Contains(" "+elements+" ", " "+token.Data+" ") {
				t.Errorf("the element %s stands in %q", token, s)
			}
			if token.Data == "br" {
				b.WriteByte('\n')
			}
		}
	}
}

func telegramSeen(t *testing.T, r *request) string {
	_, text, _ := strings.Cut(shownHTML(t, jsonField("text")(t, r), "b a"), "\n")
	return strings.TrimSuffix(text, "\nopen")
}

func telegramMost(t *testing.T, r *request) {
	if n := utf16Len(shownHTML(t, jsonField("text")(t, r), "b a")); n > 4096 {
		t.Errorf("a message has %d characters, Telegram takes 4096", n)
	}
}

func teamsSeen(t *testing.T, r *request) string {
	var p teamsPost
	r.json(t, &p)
	var lines []string
	for _, b := range p.Attachments[0].Content.Body {
		if b.Type != "RichTextBlock" {
			t.Errorf("a %s has Markdown", b.Type)
		}
		if b.Spacing == "Small" {
			lines = append(lines, b.Inlines[0].Text)
		}
	}
	return strings.Join(lines, "\n")
}

func teamsMost(t *testing.T, r *request) {
	if len(r.Body) > 28<<10 {
		t.Errorf("a card has %d bytes, Teams takes 28 KB", len(r.Body))
	}
}

func ntfyMost(t *testing.T, r *request) {
	if n := len(jsonField("message")(t, r)); n > 4096 || len(r.Body) > 8192 {
		t.Errorf("a message of %d bytes in JSON of %d is over what ntfy takes", n, len(r.Body))
	}
}

func pagerdutySeen(t *testing.T, r *request) string {
	var e pagerdutyEvent
	r.json(t, &e)
	return e.Payload.Details.Text
}

func pagerdutyMost(t *testing.T, r *request) {
	var e pagerdutyEvent
	r.json(t, &e)
	if len(r.Body) > 512<<10 || utf16Len(e.Payload.Summary) > 1024 || len(e.Dedup) > 255 {
		t.Errorf("an event of %d bytes with a summary of %d is over what PagerDuty takes", len(r.Body), utf16Len(e.Payload.Summary))
	}
}

func opsgenieMost(t *testing.T, r *request) {
	var a opsgenieAlert
	r.json(t, &a)
	details := 0
	for k, v := range a.Details {
		details += utf16Len(k + v)
	}
	if utf16Len(a.Message) > 130 || utf16Len(a.Text) > 15000 || utf16Len(a.Alias) > 512 || utf16Len(a.Source) > 100 || utf16Len(a.Entity) > 512 || details > 8000 {
		t.Errorf("an alert of %d, %d and %d characters is over what Opsgenie takes", utf16Len(a.Message), utf16Len(a.Text), details)
	}
}

func matrixSeen(t *testing.T, r *request) string {
	var e matrixEvent
	r.json(t, &e)
	_, plain, _ := strings.Cut(e.Body, "\n")
	plain, _, _ = strings.Cut(plain, "\nhttps://netmon.example.org")
	_, shown, _ := strings.Cut(shownHTML(t, e.HTML, "strong br a"), "\n")
	if shown = strings.TrimSuffix(shown, "\nopen"); shown != plain {
		t.Errorf("HTML shows %q, the text is %q", shown, plain)
	}
	return plain
}

func matrixMost(t *testing.T, r *request) {
	if len(r.Body) > 60000 {
		t.Errorf("an event has %d bytes, Matrix takes 65536 with what the server adds", len(r.Body))
	}
}

func pushoverSeen(t *testing.T, r *request) string {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	return form.Get("message")
}

func pushoverMost(t *testing.T, r *request) {
	form, _ := url.ParseQuery(string(r.Body))
	if utf16Len(form.Get("message")) > 1024 || utf16Len(form.Get("title")) > 250 || len(form.Get("url")) > 512 {
		t.Errorf("a message of %d characters with a title of %d is over what Pushover takes", utf16Len(form.Get("message")), utf16Len(form.Get("title")))
	}
}

func alertmanagerSeen(t *testing.T, r *request) string {
	var a []alertmanagerAlert
	r.json(t, &a)
	return a[0].Annotations["description"]
}

// answerAlertmanager has no silences, and takes one.
func answerAlertmanager(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet:
		reply(200, "[]")(w, r)
	case strings.HasSuffix(r.URL.Path, "/silences"):
		reply(200, `{"silenceID":"s1"}`)(w, r)
	default:
		reply(200, "")(w, r)
	}
}
