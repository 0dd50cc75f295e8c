package notify

import (
	"encoding/json"
	"strings"
	"testing"

	"netmon/wire"
)

// TestSettings_Mistakes: each mistake is named with its field and value, all at once.
func TestSettings_Mistakes(t *testing.T) {
	const url = `"https://hooks.example.org/${env:X}"`
	for _, tt := range []struct{ kind, settings, want string }{
		{"slack", `{}`, `url: is missing: want url, or token and channel`},
		{"slack", `{"url": ` + url + `, "token": "${env:T}"}`, `url: want url, or token and channel, not both`},
		{"slack", `{"url": ` + url + `, "channel": "#ops"}`, `channel: a webhook has a channel of its own, got "#ops"`},
		{"slack", `{"token": "${env:T}", "channel": "our ops"}`, `channel: want one word, got "our ops"`},
		{"slack", `{"token": "${env:T}"}`, `channel: is missing`},
		{"slack", `{"token": "xoxb-1", "channel": "C1"}`, `token: want a reference, ${env:NAME} or ${file:PATH}, not the secret itself`},
		{"slack", `{"token": "${env:T}", "channel": "C1", "server": "slack.com", "colour": 1}`, `colour: unknown field "colour": one of channel, server, token, url|server: want a URL such as https://host/path, got "slack.com"`},
		{"discord", `{}`, `url: is missing: want a URL such as https://host/path`},
		{"discord", `{"url": ` + url + `, "username": "Discord bot", "thread": "abc", "forum": true}`, `username: want at most 80 characters without the words discord and clyde, got "Discord bot"|thread: want the digits of an id, got "abc"|forum: want thread or forum, not both`},
		{"telegram", `{"chat": "ops", "topic": -1}`, `token: is missing: want a reference, ${env:NAME} or ${file:PATH}|chat: want a number, or @channel, got "ops"|topic: want more than 0, got -1`},
		{"telegram", `{"token": "${env:T}", "chat": "", "server": "ftp://x"}`, `chat: is missing|server: want a URL such as https://host/path, got "ftp://x"`},
		{"teams", `{"url": "https://acme.webhook.office.com/webhookb2/${env:X}"}`, `url: "acme.webhook.office.com" is a connector of Office 365, which Microsoft retired: make a webhook in the Workflows app`},
		{"ntfy", `{"topic": "a/b", "token": "${env:T}", "user": "u", "priority": 9, "tags": ["two words"]}`, `topic: want 1 to 64 of A-Z, a-z, 0-9, - and _, got "a/b"|user: want token, or user and password, not both: got "u"|password: is missing: want a reference, ${env:NAME} or ${file:PATH}|priority: want 1 to 5, got 9|tags: want one word, got "two words"`},
		{"ntfy", `{"topic": "t", "password": "${env:T}"}`, `user: is missing: password is of one`},
		{"pagerduty", `{"region": "de"}`, `key: is missing: want a reference, ${env:NAME} or ${file:PATH}|region: want one of us, eu, got "de"`},
		{"opsgenie", `{"key": "${env:K}", "tags": ["` + strings.Repeat("x", 51) + `"], "teams": [""], "region": ""}`, `region: want one of us, eu, got ""|teams: want names, got ""|tags: want 1 to 50 characters, got "` + strings.Repeat("x", 51) + `"`},
		{"matrix", `{"server": "https://m.example.org", "room": "#ops:example.org"}`, `token: is missing: want a reference, ${env:NAME} or ${file:PATH}|room: want the id of a room, such as !abc:example.org, got "#ops:example.org"`},
		{"matrix", `{}`, `server: is missing: want a URL such as https://host/path|token: is missing: want a reference, ${env:NAME} or ${file:PATH}|room: want the id of a room, such as !abc:example.org, got ""`},
		{"gotify", `{"server": "https://u:p@g.example.org", "token": "${env:T}", "priority": 11}`, `server: want no user and password in the URL: they go into a header|priority: want 0 to 10, got 11`},
		{"pushover", `{"token": "${env:T}", "retry": "5s", "expire": "4h", "device": "my phone", "sound": "a b"}`, `user: is missing: want a reference, ${env:NAME} or ${file:PATH}|device: want names of at most 25 letters, digits, - and _, got "my phone"|retry: want 30s to 3h, got "5s"|expire: want retry to 3h, got "4h"|sound: want one word, got "a b"`},
		{"alertmanager", `{"server": "http://am:9093", "labels": {"a-b": "c", "severity": "page", "x": ""}, "user": "a:b"}`, `labels: want names of letters, digits and _, got "a-b"|labels.severity: is set by netmon: choose another name|labels.x: want one line of text, got ""|password: is missing: want a reference, ${env:NAME} or ${file:PATH}|user: want a name without colons, got "a:b"`},
		{"shoutrrr", `{"url": "smtp://u:${env:P}@host", "to": "host", "size": 7}`, `url: want a URL of one of bark, googlechat, ifttt, join, lark, mattermost, notifiarr, pushbullet, rocketchat, signal, wecom, zulip, got "smtp": for others see the kinds of channels|to: want HOST:PORT, got "host"|size: want 200 to 100000, got 7`},
		{"shoutrrr", `{"url": "zulip://u:p@host", "to": "https://host:443"}`, `url: want a reference, ${env:NAME} or ${file:PATH}, not the secret itself|to: want HOST:PORT, got "https://host:443"`},
	} {
		kind, ok := FindKind(tt.kind)
		if !ok {
			t.Fatalf("no kind %s", tt.kind)
		}
		_, err := kind.New(json.RawMessage(tt.settings))
		var got []string
		for _, e := range wire.FieldErrors(err) {
			got = append(got, e.Error())
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%s %s:\ngot  %s\nwant %s", tt.kind, tt.settings, s, tt.want)
		}
	}
}

// TestKinds_Documented: every setting has help, and defaults pass but for what is missing.
func TestKinds_Documented(t *testing.T) {
	for _, k := range Kinds() {
		if k.Summary == "" {
			t.Errorf("%s has no summary", k.Name)
		}
		for _, f := range k.Fields() {
			if f.Help == "" {
				t.Errorf("%s: %s has no help", k.Name, f.Name)
			}
			if f.Name == "title" || f.Name == "text" || f.Name == "zone" {
				t.Errorf("%s: %s is common to all kinds", k.Name, f.Name)
			}
		}
		_, err := k.New(json.RawMessage(`{}`))
		for _, e := range wire.FieldErrors(err) {
			if !strings.Contains(e.Error(), "is missing") && !strings.Contains(e.Error(), `got ""`) && !strings.HasSuffix(e.Error(), "got 0") {
				t.Errorf("%s: a default is refused: %v", k.Name, e)
			}
		}
	}
}

// TestTo: where each kind sends to without a server of its own.
func TestTo(t *testing.T) {
	for _, tt := range []struct{ kind, settings, want string }{
		{"slack", `{"token": "${env:T}", "channel": "C1"}`, "https://slack.com"},
		{"telegram", `{"token": "${env:T}", "chat": "@ops"}`, "https://api.telegram.org"},
		{"ntfy", `{"topic": "t"}`, "https://ntfy.sh"},
		{"pagerduty", `{"key": "${env:T}"}`, "https://events.pagerduty.com"},
		{"pagerduty", `{"key": "${env:T}", "region": "eu"}`, "https://events.eu.pagerduty.com"},
		{"opsgenie", `{"key": "${env:T}"}`, "https://api.opsgenie.com"},
		{"opsgenie", `{"key": "${env:T}", "region": "eu"}`, "https://api.eu.opsgenie.com"},
		{"pushover", `{"token": "${env:T}", "user": "${env:U}"}`, "https://api.pushover.net"},
	} {
		kind, _ := FindKind(tt.kind)
		if got := testSender(t, kind, tt.settings).To(); len(got) != 1 || string(got[0]) != tt.want {
			t.Errorf("%s %s: To() = %q, want %q", tt.kind, tt.settings, got, tt.want)
		}
	}
}
