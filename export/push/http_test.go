package push

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

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
		{500, "too old sample", tooOld}, {500, "disk full", "later"}, {503, "out of order sample", "later"}, // Prometheus 2.42 says 500
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

// TestEndpoint_Mistakes: all at once, without what may be a secret.
func TestEndpoint_Mistakes(t *testing.T) {
	t.Setenv("SET", "hidden")
	dir := t.TempDir()
	writeFile(t, dir+"/empty", "")
	_, err := RemoteWrite(Endpoint{URL: "ftp://me:word@h/x", TokenFile: dir + "/none", CAFile: dir + "/empty", Headers: []string{"no colon ${env:SET}", "A: ${env:UNSET_NAME}", "B: ${x} hunter2", "C: hunter2\nD: e", "E F: hunter2"}}, kinds.All(), &Tags{})
	for _, want := range []string{`want a URL such as`, `@h/x`, dir + "/none", "want certificates in PEM, found none in " + dir + "/empty", "without a colon", "${env:UNSET_NAME}: there is nothing in it", `want references as ${env:NAME}`, "want a header in one line, got C", "one whose name has other characters"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in %v", want, err)
		}
	}
	for _, secret := range []string{"word", "hidden", "hunter2"} {
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
		http.Error(w, "you sent "+password+" and "+r.Header.Get("Authorization")+" and "+r.Header.Get("X-Literal")+" and "+r.Header.Get("X-Key")+" and \x1b[31m"+r.URL.RawQuery, http.StatusForbidden)
	}))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "http://")
	t.Setenv("KEY", "k3y-0f-the-d00r")
	files := map[string]bool{}
	for _, password := range []string{"first-word", "second-word"} {
		d, err := RemoteWrite(Endpoint{URL: "http://me:" + password + "@" + host + "/write?apikey=qu3ry", Headers: []string{"X-Key: ${env:KEY}", "X-Literal: l1teral"}}, kinds.All(), &Tags{})
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
		for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte("me:" + password)), "l1teral", "k3y-0f", "qu3ry", "\x1b"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %q", secret, text)
			}
		}
	}
	if len(files) != 1 {
		t.Errorf("positions in %v, want one", files)
	}
}

func TestWithoutSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"ftp://me:p@ss@h/x":           "…@h/x",
		"ftp://h/x?token=abc":         "ftp://h/x?…",
		"ftp://me:p@ss?@h/x?a=b":      "…@h/x?…",
		"ftp://h/x?to=me@example.org": "…@example.org",
		"127.0.0.1:4318":              "127.0.0.1:4318",
	} {
		if got := withoutSecrets(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestEndpoint_ReadAgain: what files have is read for each request, and a file that
// everybody reads is refused.
func TestEndpoint_ReadAgain(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		got = append(got, password+r.Header.Get("X-Key")+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}))
	t.Cleanup(s.Close)
	file := t.TempDir() + "/secret"
	host := strings.TrimPrefix(s.URL, "http://")
	for _, e := range []Endpoint{
		{URL: "http://me:${file:" + file + "}@" + host + "/", Headers: []string{"Authorization: "}},
		{URL: s.URL, Headers: []string{"X-Key: ${file:" + file + "}"}},
		{URL: s.URL, TokenFile: file},
	} {
		writeFile(t, file, "first\n")
		d, err := RemoteWrite(e, kinds.All(), &Tags{})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"first", "second"} {
			writeFile(t, file, text)
			if got = nil; d.Sink.Send(t.Context(), &Batch{Results: golden(t)}) != nil || len(got) != 1 || !strings.HasPrefix(got[0], text) {
				t.Errorf("%+v: got %q, want %q", e, got, text)
			}
		}
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := RemoteWrite(e, kinds.All(), &Tags{}); err == nil || !strings.Contains(err.Error(), "everybody may read it") {
			t.Errorf("%+v: %v", e, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEndpoint_InClear: credentials that others can read on the way are worth a line.
func TestEndpoint_InClear(t *testing.T) {
	for _, c := range []struct {
		url, header string
		warned      bool
	}{
		{"http://me:word@192.0.2.1/", "", true}, {"http://192.0.2.1/", "X-Key: a", true}, {"http://192.0.2.1/?token=a", "", true},
		{"http://192.0.2.1/", "", false}, {"https://me:word@192.0.2.1/", "", false}, {"http://me:word@127.0.0.1/", "", false}, {"http://me:word@localhost/", "", false},
	} {
		e := Endpoint{URL: c.url}
		if c.header != "" {
			e.Headers = []string{c.header}
		}
		d, err := RemoteWrite(e, kinds.All(), &Tags{})
		if err != nil || (d.Warning != "") != c.warned || strings.Contains(d.Warning, "word") {
			t.Errorf("%+v: %q %v", c, d.Warning, err)
		}
	}
}

// TestPost_AnsweredEarly: a receiver that answers before it read the body is done with it
// when post returns: the race detector sees whether it is.
func TestPost_AnsweredEarly(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) }))
	t.Cleanup(s.Close)
	r, err := newReceiver(Endpoint{URL: s.URL}, "Bearer", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 32<<20)
	for i := range 20 {
		a, err := r.post(t.Context(), r.url, nil, body)
		if err == nil && a.status != http.StatusRequestEntityTooLarge {
			t.Error(a.status)
		}
		for j := range body {
			body[j] = byte(i)
		}
	}
}

// slowTransport reads a body after it answered.
type slowTransport struct {
	began, closed chan struct{}
	read          string
}

// RoundTrip answers at once, and reads the body afterwards.
func (s *slowTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	go func() {
		<-s.began
		data, _ := io.ReadAll(r.Body)
		s.read = string(data)
		r.Body.Close()
		close(s.closed)
	}()
	return &http.Response{StatusCode: 413, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// TestPost_WaitsForTheBody: post returns when the transport closed the body.
func TestPost_WaitsForTheBody(t *testing.T) {
	r, err := newReceiver(Endpoint{URL: "http://127.0.0.1:9/"}, "Bearer", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	s := &slowTransport{began: make(chan struct{}), closed: make(chan struct{})}
	r.client.Transport = s
	returned := make(chan error, 1)
	go func() {
		_, err := r.post(t.Context(), r.url, nil, []byte("body"))
		select {
		case <-s.closed:
		default:
			err = fmt.Errorf("it returned while the body is read: %w", err)
		}
		returned <- err
	}()
	close(s.began)
	if err := <-returned; err != nil || s.read != "body" {
		t.Errorf("%q %v", s.read, err)
	}
}
