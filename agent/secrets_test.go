package agent

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/internal/testlog"
	"netmon/wire"
)

// parrot answers every request with all that it received, in several forms.
func parrot(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told := fmt.Sprint(r.Header, string(body))
		word := r.Header.Get("X-Word")
		w.Header().Set("X-Said", word)
		w.Header().Set("X-Said-Base64", base64.StdEncoding.EncodeToString([]byte(word)))
		w.Header().Set("X-Said-Hex", hex.EncodeToString([]byte(word)))
		if r.URL.Path == "/redirect" {
			w.Header().Set("Location", "/?word="+url.QueryEscape(word))
			w.WriteHeader(http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, `{"told": %q, "word": %q}`, told, word)
	}))
	t.Cleanup(s.Close)
	return s
}

// tcpParrot says again what it hears.
func tcpParrot(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { io.Copy(c, c); c.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return l.Addr().String()
}

// TestSecrets_StayOnTheAgent uses secrets in every way against targets that say
// them again, and looks for them in all that leaves the agent or is written.
func TestSecrets_StayOnTheAgent(t *testing.T) {
	const word, password, file = "open-sesame/42+?", "pass\"word&more", "from-a-file-7"
	t.Setenv("NETMON_SECRET_WORD", word)
	t.Setenv("NETMON_SECRET_PASSWORD", password)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "token")
	if err := os.WriteFile(path, []byte(file+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log testlog.Buffer
	l, nc := liveWithPolicy(t, fmt.Sprintf(`{"secrets":{"env":["NETMON_SECRET_*"],"files":[%q],"targets":["loopback"]}}`, dir), func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	var tap testlog.Buffer
	if _, err := nc.Subscribe(">", func(m *nats.Msg) { fmt.Fprintf(&tap, "%s %v %s\n", m.Subject, m.Header, m.Data) }); err != nil {
		t.Fatal(err)
	}
	web, tcp := parrot(t).URL, tcpParrot(t)
	monitors := map[string]string{
		"headers":  fmt.Sprintf(`"kind":"http","target":%q,"options":{"headers":{"X-Word":"${env:NETMON_SECRET_WORD}"},"expect":{"headers":{"X-Said":"no"},"body_contains":["nothing of it"]}}`, web),
		"redirect": fmt.Sprintf(`"kind":"http","target":%q,"options":{"headers":{"X-Word":"${env:NETMON_SECRET_WORD}"}}`, web+"/redirect"),
		"basic":    fmt.Sprintf(`"kind":"http","target":%q,"options":{"auth":{"user":"ana","password":"${env:NETMON_SECRET_PASSWORD}"},"method":"POST","body":"${file:%s}","expect":{"body_contains":["nope"]}}`, web, path),
		"bearer":   fmt.Sprintf(`"kind":"http","target":%q,"options":{"auth":{"bearer":"${file:%s}"},"expect":{"body_contains":["nope"]}}`, web, path),
		"dialogue": fmt.Sprintf(`"kind":"tcp","target":%q,"options":{"steps":[{"send":"${env:NETMON_SECRET_WORD} ${file:%s}\n","expect":"(?P<all>.*)"},{"send":"${capture:all}\n","expect":"never","wait":"200ms"}],"keep":["all"]}`, tcp, path),
		"denied":   fmt.Sprintf(`"kind":"http","target":%q,"options":{"headers":{"X-Word":"${env:HOME}"}}`, web),
		"outside":  fmt.Sprintf(`"kind":"http","target":%q,"options":{"headers":{"X-Word":"${file:/etc/hostname}"}}`, web),
	}
	for name, m := range monitors {
		if r := ask(t, nc, "paris", fmt.Sprintf(`{"op":"start","monitors":[{"name":%q,"every":"200ms",%s}]}`, name, m)); !r.OK {
			t.Fatalf("%s: %+v", name, r.Error)
		}
		ask(t, nc, "paris", fmt.Sprintf(`{"op":"probe","monitors":[{%s}]}`, m))
	}
	seen := map[string]wire.Result{}
	for len(seen) < len(monitors) {
		r := await(t, l.put, "a result of each")
		seen[r.Monitor] = r
	}
	for name, want := range map[string]wire.Failure{"headers": wire.FailMismatch, "basic": wire.FailMismatch, "bearer": wire.FailMismatch, "redirect": wire.FailMismatch,
		"dialogue": "", "denied": wire.BrokenSecret, "outside": wire.BrokenSecret} {
		if r := seen[name]; want != "" && r.Failure != want {
			t.Errorf("%s: %s %s, want %s", name, r.Failure, r.Error, want)
		}
	}
	ask(t, nc, "paris", `{"op":"list"}`)
	l.stop()
	l.awaitEnd()
	nc.Flush()

	all := map[string]string{"NATS": tap.String(), "the log": log.String()}
	err = filepath.WalkDir(l.o.State, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			data, _ := os.ReadFile(p)
			all[p] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(all["NATS"], "results.paris.headers") || !strings.Contains(all["NATS"], "*****") {
		t.Errorf("the tap did not see the results, or nothing was concealed:\n%.2000s", all["NATS"])
	}
	for _, v := range []string{word, password, file} {
		for _, form := range []string{v, url.QueryEscape(v), base64.StdEncoding.EncodeToString([]byte(v)), hex.EncodeToString([]byte(v)),
			strings.Trim(fmt.Sprintf("%q", v), `"`), base64.StdEncoding.EncodeToString([]byte("ana:" + v))} {
			for where, text := range all {
				if i := strings.Index(text, form); i >= 0 {
					t.Errorf("%q stands in %s: …%s…", form, where, text[max(0, i-200):min(len(text), i+200)])
				}
			}
		}
	}
}
