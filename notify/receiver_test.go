package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata")

// request is what a receiver got.
type request struct {
	Method, URI string
	Header      http.Header
	Body        []byte
}

// json decodes the body.
func (r *request) json(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		t.Fatalf("%s %s: %v in %q", r.Method, r.URI, err, r.Body)
	}
}

// dump is the request as golden files hold it.
func (r *request) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URI)
	for _, name := range []string{"Authorization", "Content-Type", "User-Agent", "X-Gotify-Key"} {
		if v := r.Header.Get(name); v != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteByte('\n')
	var indented bytes.Buffer
	switch {
	case json.Indent(&indented, r.Body, "", "  ") == nil:
		b.Write(indented.Bytes())
	case r.Header.Get("Content-Type") == "application/x-www-form-urlencoded":
		form, _ := url.ParseQuery(string(r.Body))
		var lines []string
		for name, v := range form {
			lines = append(lines, fmt.Sprintf("%s=%q", name, v))
		}
		slices.Sort(lines)
		b.WriteString(strings.Join(lines, "\n"))
	default:
		b.Write(r.Body)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// receiver is an HTTP server that keeps what it got.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex // guards got
	got []request
}

// receive starts a receiver that answers so.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got = append(r.got, request{req.Method, req.RequestURI, req.Header.Clone(), body})
		r.mu.Unlock()
		req.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// requests is what came since the last call.
func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// golden compares with a file in testdata, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	path = filepath.Join("testdata", path)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: go test ./notify -update rewrites it\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
