package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/notify/policy"
	"netmon/wire"
)

func policyOf(t *testing.T, text string) *policy.Policy {
	t.Helper()
	f := policy.Default()
	if err := wire.DecodeStrict([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	p, err := policy.New(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func channelOf(t *testing.T, settings string) *channel {
	t.Helper()
	var c wire.Channel
	if err := json.Unmarshal([]byte(settings), &c); err != nil {
		t.Fatal(err)
	}
	ch, err := build(&c)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// sendBy sends a message by a policy, as a notifier does.
func sendBy(t *testing.T, p *policy.Policy, c *channel) error {
	t.Helper()
	env, done := newEnv(p, "desk", "1.2.3")
	defer done()
	m := testMessage(wire.ReasonOpened)
	c.render(m, m.At)
	_, err := c.sender.Send(t.Context(), env, m)
	return concealed(env, err)
}

// TestPolicy_WhatIsDialled: the policy is asked about the address that is dialled, so
// that neither a name that resolves to a denied one nor another way to write it gets
// around it.
func TestPolicy_WhatIsDialled(t *testing.T) {
	reached := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	defer reached.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(reached.URL, "http://"), ":")
	p := policyOf(t, `{}`)
	for _, url := range []string{"http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/", "http://127.0.0.1:" + port, "http://localhost:" + port, "http://[::1]:" + port, "http://0.0.0.0:" + port} {
		c := channelOf(t, hook("hook", url, ""))
		if err := sendBy(t, p, c); err == nil || !strings.Contains(err.Error(), "the notifier's policy does not allow it") {
			t.Errorf("%s: %v", url, err)
		}
		if literal := !strings.Contains(url, "localhost"); literal && c.check(p) == nil {
			t.Errorf("%s: nothing is said before it is sent", url)
		}
	}
}

// TestPolicy_Redirect: an answer that leads to a denied address is not followed.
func TestPolicy_Redirect(t *testing.T) {
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	})
	err := sendBy(t, openPolicy(t), channelOf(t, hook("hook", r.URL, "")))
	if err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
		t.Error(err)
	}
}

// TestSecrets_GoNowhereElse: whoever may save channels gets no secret sent to a server
// of their own, and none shown.
func TestSecrets_GoNowhereElse(t *testing.T) {
	t.Setenv("NETMON_SECRET_HOOK", "s3cret/value")
	t.Setenv("NETMON_SECRET_URL", "https://hooks.example.org/T/s3cret")
	got := receive(t, func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "you sent %s to %s", req.Header.Get("Authorization"), req.URL)
	})
	only := policyOf(t, `{"targets":{"reopen":["loopback"]},"secrets":{"targets":["hooks.example.org ports 443"]}}`)
	for name, more := range map[string]string{
		"a header":                     `,"headers":{"Authorization":"Bearer ${env:NETMON_SECRET_HOOK}"}`,
		"a signature":                  `,"secret":"${env:NETMON_SECRET_HOOK}"`,
		"a URL in a header":            `,"headers":{"X-A":"${env:NETMON_SECRET_URL}"}`,
		"a file":                       `,"headers":{"X-A":"${file:/etc/netmon/secrets/x}"}`,
		"a file that nobody lists":     `,"headers":{"X-A":"${file:/etc/passwd}"}`,
		"a variable that nobody lists": `,"headers":{"X-A":"${env:PATH}"}`,
	} {
		c := channelOf(t, hook("hook", got.URL, more))
		if err := sendBy(t, only, c); err == nil || !strings.Contains(err.Error(), "policy does not allow it") {
			t.Errorf("%s: %v", name, err)
		}
		if c.check(only) == nil {
			t.Errorf("%s: nothing is said before it is sent", name)
		}
	}
	if n := len(got.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	for _, url := range []string{"https://${env:NETMON_SECRET_HOOK}.evil.test/", "https://hooks.example.org@${env:NETMON_SECRET_HOOK}/", "https://u:${env:NETMON_SECRET_HOOK}@evil.test/", "${env:NETMON_SECRET_HOOK}://x/"} {
		var c wire.Channel
		if err := json.Unmarshal([]byte(hook("hook", url, "")), &c); err != nil {
			t.Fatal(err)
		}
		if Check(&c) == nil {
			t.Errorf("%s is a URL", url)
		}
	}

	// What is sent where it may go comes back in no error.
	err := sendBy(t, openPolicy(t), channelOf(t, hook("hook", got.URL+"/${env:NETMON_SECRET_HOOK}", `,"headers":{"Authorization":"Bearer ${env:NETMON_SECRET_HOOK}"}`)))
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "400 Bad Request you sent Bearer *****") {
		t.Errorf("the answer: %v", err)
	}
}

// TestSecrets_WholeURL: a URL that is a secret goes where it leads, if secrets may.
func TestSecrets_WholeURL(t *testing.T) {
	r := receive(t, taken)
	t.Setenv("NETMON_SECRET_URL", r.URL+"/T/s3cret")
	t.Setenv("NETMON_SECRET_NONE", "hunter2")
	c := channelOf(t, hook("hook", "${env:NETMON_SECRET_URL}", `,"secret":"${env:NETMON_SECRET_NONE}"`))
	if err := sendBy(t, openPolicy(t), c); err != nil {
		t.Error(err)
	}
	if got := r.requests(); len(got) != 1 || got[0].URI != "/T/s3cret" {
		t.Errorf("got %+v", got)
	}
	closed := policyOf(t, `{"targets":{"reopen":["loopback"]}}`)
	if err := sendBy(t, closed, c); err == nil || !strings.Contains(err.Error(), "secrets.targets says") {
		t.Error(err)
	}
	closed.Grant(Grants([]wire.Channel{c.saved})...)
	if err := sendBy(t, closed, c); err != nil {
		t.Errorf("by the word of the owner: %v", err)
	}
	other := channelOf(t, hook("hook", r.URL+"/elsewhere", `,"headers":{"X-A":"${env:NETMON_SECRET_URL}"}`))
	if err := sendBy(t, closed, other); err != nil {
		t.Errorf("the same place: %v", err)
	}
	wrong := channelOf(t, hook("hook", "${env:NETMON_SECRET_NONE}", ""))
	if err := sendBy(t, openPolicy(t), wrong); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret that is no URL: %v", err)
	}
}

// TestTemplates_ReachNothing: templates read neither files nor secrets, and take bounded
// time and room.
func TestTemplates_ReachNothing(t *testing.T) {
	t.Setenv("NETMON_SECRET_HOOK", "s3cret")
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("private"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{{.Secret}}`:                                    `line 1: no field "Secret"`,
		"a\nb {{.Members.Foo}}":                          "line 2: ",
		`{{readFile "` + file + `"}}`:                    `function "readFile" not defined`,
		`{{env "PATH"}}`:                                 `function "env" not defined`,
		`{{template "x"}}`:                               "want no template",
		`{{define "x"}}{{end}}a`:                         "want no define",
		`{{block "x" .}}{{end}}`:                         "want no define",
		`{{range 1000000000}}{{end}}`:                    "takes over",
		`{{range 100000}}{{range 100000}}{{end}}{{end}}`: "takes over",
		`{{range 100000}}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{end}}`:            "produces over",
		`{{$x := "ab"}}{{range 60}}{{$x = print $x $x}}{{end}}{{len $x}}`:        "produces over",
		`{{$x := "ab"}}{{range 60}}{{$x = printf "%s%s" $x $x}}{{end}}`:          "produces over",
		`{{$x := "a<b"}}{{range 60}}{{$x = html $x}}{{$x = print $x $x}}{{end}}`: "produces over",
		`{{printf "%1000000d" 1}}`:                "widths and precisions as at most three digits",
		`{{printf "%*d" 1000000 1}}`:              "widths and precisions as at most three digits",
		`{{.Members.Line}}`:                       "line 1: ",
		`{{`:                                      "line 1: ",
		`{{call .Title}}`:                         "line 1: ",
		"{{if .Test}}\n{{.Title}}":                "line 2: ",
		`{{index .Members 99}}`:                   "line 1: ",
		`{{slice .Title 0 999}}`:                  "line 1: ",
		strings.Repeat("a", maxTemplate+1):        "want at most",
		`${env:NETMON_SECRET_HOOK} {{.Severity}}`: "",
	} {
		begin := time.Now()
		tt, err := parseTemplate(text, false)
		switch {
		case want == "produces over" && outOfTime(err, begin):
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%.80s: %v, want %q", text, err, want)
		case want == "":
			d := dataOf(testMessage(wire.ReasonOpened), time.UTC, testMessage(wire.ReasonOpened).At)
			if got, err := tt.execute(&d); err != nil || got != "${env:NETMON_SECRET_HOOK} down" {
				t.Errorf("%q %v", got, err)
			}
		}
	}
}

// outOfTime says that a template came to the bound of its time first, as one that comes
// to the others in milliseconds may on a busy machine.
func outOfTime(err error, begin time.Time) bool {
	return err != nil && strings.Contains(err.Error(), errSlow.Error()) && time.Since(begin) > maxStepTime
}

// TestWebhook_Body: what is in names and banners stays inside of the texts of a body
// in JSON.
func TestWebhook_Body(t *testing.T) {
	r := receive(t, taken)
	c := channelOf(t, hook("hook", r.URL, `,"body":"{\"text\":\"{{.Status}} {{.Summary}}\",\"n\":{{.Wrong}},\"members\":[{{range $i, $m := .Members}}{{if $i}},{{end}}{{json $m.Line}}{{end}}],\"title\":{{json .Title}}}"`))
	m := testMessage(wire.ReasonOpened)
	m.Incident.Summary = `x","admin":true,"y":"\ ` + "\x1b[0m"
	m.Incident.Members[0].Why = `"],"evil":["`
	env, done := newEnv(openPolicy(t), "desk", "1.2.3")
	defer done()
	c.render(m, m.At)
	if _, err := c.sender.Send(t.Context(), env, m); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	body := r.requests()[0].Body
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if len(got) != 4 || got["n"] != 2.0 || len(got["members"].([]any)) != 2 || !strings.HasPrefix(got["text"].(string), `DOWN x","admin":true,"y":"\ `) || strings.Contains(got["text"].(string), "\x1b") {
		t.Errorf("got %s", body)
	}
	for body, want := range map[string]string{
		`{"a": {{.Title}}}`: "is not JSON", `{"a": "{{.Nope}}"}`: `no field "Nope"`, `{`: "is not JSON",
	} {
		settings, _ := json.Marshal(map[string]string{"url": r.URL, "body": body})
		if _, err := webhookKind().New(settings); err == nil || !strings.Contains(err.Error(), "body: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
}
