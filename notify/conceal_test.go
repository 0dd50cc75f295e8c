package notify

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"netmon/wire"
)

// secretsOfURL are what nobody may see of a URL that is a secret.
var secretsOfURL = []string{"TOKEN0123456789", "abc/def+ghi", "abc%2Fdef%2Bghi", "B0WORKSPACE"}

// TestSecrets_EchoedURL: what a server says about the URL that was called has nothing of
// it, whatever form it says it in.
func TestSecrets_EchoedURL(t *testing.T) {
	said := map[string]func(*http.Request) string{
		"as Apache does": func(r *http.Request) string {
			return "<title>404 Not Found</title><p>The requested URL " + html.EscapeString(r.URL.Path) + " was not found on this server.</p>"
		},
		"the request":          func(r *http.Request) string { return "Cannot POST " + r.RequestURI },
		"the path, escaped":    func(r *http.Request) string { return r.URL.EscapedPath() },
		"the last part":        func(r *http.Request) string { return "no token " + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:] },
		"parts":                func(r *http.Request) string { return strings.Join(strings.Split(r.URL.Path, "/"), " , ") },
		"the query":            func(r *http.Request) string { return r.URL.RawQuery },
		"the query in HTML":    func(r *http.Request) string { return html.EscapeString(r.URL.RawQuery) },
		"a value of the query": func(r *http.Request) string { return "bad sig " + r.URL.Query().Get("sig") },
		"in lower escapes":     func(r *http.Request) string { return strings.ReplaceAll(r.URL.RawQuery, "%2F", "%2f") },
		"in JSON as PHP does": func(r *http.Request) string {
			return strings.ReplaceAll(fmt.Sprintf(`{"path":%q,"sig":%q}`, r.URL.Path, r.URL.Query().Get("sig")), "/", `\/`)
		},
		"in JSON": func(r *http.Request) string { b, _ := json.Marshal(r.URL.String()); return string(b) },
		"in base64": func(r *http.Request) string {
			return base64.StdEncoding.EncodeToString([]byte(r.URL.Path))
		},
		"at the edge":         func(r *http.Request) string { return strings.Repeat("x", wire.MaxText-30) + r.URL.Path },
		"at the reading edge": func(r *http.Request) string { return strings.Repeat(" ", maxAnswer-25) + r.URL.Path },
	}
	const path = "/services/B0WORKSPACE/TOKEN0123456789"
	const query = "?api-version=2016-06-01&sig=abc%2Fdef%2Bghi"
	for name, say := range said {
		for _, status := range []int{http.StatusOK, http.StatusNotFound, http.StatusBadGateway} {
			r := receive(t, func(w http.ResponseWriter, req *http.Request) {
				w.WriteHeader(status)
				fmt.Fprint(w, say(req))
			})
			for _, settings := range []string{
				`{"name":"x","kind":"webhook","url":"${env:NETMON_SECRET_URL}"}`,
				`{"name":"x","kind":"deadman","url":"${env:NETMON_SECRET_URL}"}`,
				`{"name":"x","kind":"webhook","url":"` + r.URL + `/services/${env:NETMON_SECRET_PATH}?api-version=2016-06-01&sig=${env:NETMON_SECRET_SIG}"}`,
			} {
				t.Setenv("NETMON_SECRET_URL", r.URL+path+query)
				t.Setenv("NETMON_SECRET_PATH", "B0WORKSPACE/TOKEN0123456789")
				t.Setenv("NETMON_SECRET_SIG", "abc%2Fdef%2Bghi")
				c := channelOf(t, settings)
				env, done := newEnv(openPolicy(t), "desk", "1.2.3")
				receipt, err := c.sender.Send(t.Context(), env, testMessage(wire.ReasonOpened))
				text := receipt.Answer
				if err != nil {
					text = concealed(env, err).Error()
				}
				done()
				if status == http.StatusOK && text == "" || status != http.StatusOK && err == nil {
					t.Errorf("%s %d: %q %v", name, status, text, err)
				}
				for _, secret := range append([]string{base64.RawStdEncoding.EncodeToString([]byte(path))[8:32], "TOKEN0", "B0WORK"}, secretsOfURL...) {
					if strings.Contains(strings.ReplaceAll(text, `\/`, "/"), secret) {
						t.Errorf("%s %d %s: %s", name, status, settings, text)
					}
				}
			}
		}
	}
}

// TestSecrets_BasicAuth: neither the password comes back nor the header that holds it.
func TestSecrets_BasicAuth(t *testing.T) {
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%s%s", strings.Repeat("x", wire.MaxText-60), req.Header.Get("Authorization"))
	})
	t.Setenv("NETMON_SECRET_PW", "pw")
	for _, kind := range []string{`"kind":"ntfy","topic":"ops"`, `"kind":"alertmanager"`} {
		c := channelOf(t, `{"name":"x",`+kind+`,"server":"`+r.URL+`","user":"somebody","password":"${env:NETMON_SECRET_PW}"}`)
		err := sendBy(t, openPolicy(t), c)
		if err == nil || !strings.Contains(err.Error(), "Basic *****") || strings.Contains(err.Error(), base64.RawStdEncoding.EncodeToString([]byte("somebody:pw"))[:6]) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestConceal: forms that overlap are hidden whole, and what no secret is in stays.
func TestConceal(t *testing.T) {
	e := &Env{}
	if got := e.Conceal("nothing is secret"); got != "nothing is secret" {
		t.Error(got)
	}
	e.keepOut("abcdX")
	e.keepOut("Xefgh")
	e.keepOut(`<pass"word&>/ä`)
	for text, want := range map[string]string{
		"1abcdXefgh2": "1*****2", "abcdX Xefgh": "***** *****", "abcd efgh": "abcd efgh",
		url.QueryEscape(`<pass"word&>/ä`): "*****", html.EscapeString(`<pass"word&>/ä`): "*****", `{"a":"<pass\"word&>\/ä"}`: `{"a":"*****"}`,
	} {
		if got := e.Conceal(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for before := range 7 {
		all := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", before) + `<pass"word&>/ä` + "\x01\x01"))
		if got := e.Conceal(all); !strings.Contains(got, "*****") || len(got) > before*4/3+4+len("*****")+6 {
			t.Errorf("%d before: %s of %s", before, got, all)
		}
	}
}

// TestSecrets_URLInErrors: what is wrong with a URL that is a secret quotes nothing of it.
func TestSecrets_URLInErrors(t *testing.T) {
	for _, secret := range []string{"https://h.test:77777777/TOKEN0123456789", "https://h.test/%zzTOKEN0123456789", "https://h.test/\x7fTOKEN0123456789", "TOKEN0123456789", "ftp://TOKEN0123456789/", "https:///TOKEN0123456789", "https://u:TOKEN0123456789@127.0.0.1:1/"} {
		t.Setenv("NETMON_SECRET_URL", secret)
		c := channelOf(t, `{"name":"x","kind":"webhook","url":"${env:NETMON_SECRET_URL}"}`)
		for _, err := range []error{c.check(openPolicy(t)), sendBy(t, openPolicy(t), c)} {
			if err != nil && (strings.Contains(err.Error(), "TOKEN") || strings.Contains(err.Error(), "77777777")) {
				t.Errorf("%q: %v", secret, err)
			}
		}
		if sendBy(t, openPolicy(t), c) == nil {
			t.Errorf("%q was sent", secret)
		}
	}
}

// TestSecrets_ShoutrrrURL: of a URL that is a secret the library shows parts in its errors.
func TestSecrets_ShoutrrrURL(t *testing.T) {
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, "no hook at %s", req.URL.Path)
	})
	host := strings.TrimPrefix(r.URL, "http://")
	s := testSender(t, shoutrrrKind(), fmt.Sprintf(`{"url": "${env:K}", "to": %q}`, host))
	for _, secret := range []string{
		"mattermost://" + host + "/TOKEN0123456789?disabletls=yes", "rocketchat://" + host + "/TOKEN0123456789/TOKENofelse?disabletls=yes",
		"zulip://bot%40example.org:TOKEN0123456789@" + host + "?stream=ops&bad=TOKEN0123456789", "zulip://TOKEN0123456789@" + host + "?stream=ops",
		"pushbullet://TOKEN0123456789", "wecom://TOKEN0123456789?nope=TOKEN0123456789", "notifiarr://TOKEN0123456789?channel=TOKEN0123456789", "ifttt://TOKEN0123456789", "telegram://TOKEN0123456789@telegram", "bark://:TOKEN0123456789%zz@" + host,
	} {
		env := testEnv(t, map[string]string{"${env:K}": secret})
		receipt, err := s.Send(t.Context(), env, testMessage(wire.ReasonOpened))
		if err == nil {
			t.Errorf("%s: %+v", secret, receipt)
			continue
		}
		if text := concealed(env, err).Error(); strings.Contains(strings.ToUpper(text), "TOKEN0123") || !strings.Contains(text, " ") {
			t.Errorf("%s: %s", secret, text)
		}
	}
}
