package push

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"netmon/probes/kinds"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnswer_Means(t *testing.T) {
	var later *Later
	var refusal *Refusal
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{200, "", ""}, {204, "", ""},
		{500, "", "later"}, {502, "", "later"}, {503, "", "later"}, {504, "", "later"}, {429, "", "later"}, {408, "", "later"},
		{401, "", "later"}, {403, "", "later"}, {404, "", "later"}, {302, "", "later"}, // somebody corrects it
		{400, "out of order sample", outOfOrder}, {400, "duplicate sample for timestamp", duplicate}, {400, "out of bounds", tooOld},
		{400, "the sample has been rejected because another sample with a more recent timestamp has already been ingested (err-mimir-sample-out-of-order)", outOfOrder},
		{409, "store locally for endpoint: out of order labels", outOfOrder}, {422, "odd", invalid}, {400, "label name is too long", invalid}, {413, "", tooLarge},
	} {
		a := &answer{status: c.status, body: []byte(c.body), text: "x"}
		switch err := a.err(); {
		case c.want == "" && err == nil, c.want == "later" && errors.As(err, &later):
		case errors.As(err, &refusal) && refusal.Reason == c.want:
		default:
			t.Errorf("%d %s: %v, want %q", c.status, c.body, err, c.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "99999999": laterMost,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestEndpoint_Mistakes: all at once, without what may be a secret.
func TestEndpoint_Mistakes(t *testing.T) {
	t.Setenv("SET", "hidden")
	dir := t.TempDir()
	writeFile(t, dir+"/empty", "")
	_, err := RemoteWrite(Endpoint{URL: "ftp://me:word@h/x", TokenFile: dir + "/none", CAFile: dir + "/empty", Headers: []string{"no colon ${env:SET}", "A: ${env:UNSET_NAME}", "B: ${x}"}}, kinds.All(), &Tags{})
	for _, want := range []string{`want a URL such as`, `@h/x`, dir + "/none", "want certificates in PEM, found none in " + dir + "/empty", "without a colon", "${env:UNSET_NAME}: there is nothing in it", `want references as ${env:NAME}`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
	for _, secret := range []string{"word", "hidden"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in %v", secret, err)
		}
	}
}

// TestEndpoint_Secrets: what the receiver sends back of a secret is not shown, and other
// credentials continue at the same position.
func TestEndpoint_Secrets(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		http.Error(w, "you sent "+password+" and "+r.Header.Get("X-Key")+" and \x1b[31m"+r.URL.RawQuery, http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	t.Setenv("KEY", "k3y-0f-the-d00r")
	files := map[string]bool{}
	for _, password := range []string{"first-word", "second-word"} {
		d, err := RemoteWrite(Endpoint{URL: "http://me:" + password + "@" + host + "/write?apikey=qu3ry", Headers: []string{"X-Key: ${env:KEY}"}}, kinds.All(), &Tags{})
		if err != nil {
			t.Fatal(err)
		}
		files[d.File] = true
		err = d.Sink.Send(t.Context(), &Batch{Results: golden(t)})
		text := d.Name + d.File
		if err == nil || !strings.Contains(err.Error(), "you sent *****") {
			t.Errorf("%v", err)
		} else {
			text += err.Error()
		}
		for _, secret := range []string{password, "k3y-0f", "qu3ry", "\x1b"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %q", secret, text)
			}
		}
	}
	if len(files) != 1 {
		t.Errorf("positions in %v, want one", files)
	}
}
