package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/testlog"
)

// TestBroker_ShoutsWhatIsOpen: pages that show something are told of, and what is
// open on purpose is, too.
func TestBroker_ShoutsWhatIsOpen(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	conf := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(conf, []byte("server_name: n\nlisten: 0.0.0.0:-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const pages = "WARNING: http 0.0.0.0:"
	for name, c := range map[string]struct {
		flags []string
		says  []string
	}{
		"pages":              {[]string{"--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"}, []string{pages}},
		"all, told once":     {[]string{"--listen", "0.0.0.0:0", "--http", "0.0.0.0:0", "--insecure"}, []string{"WARNING: 0.0.0.0:0 has no TLS", pages}},
		"a file":             {[]string{"--config", conf, "--insecure"}, []string{"WARNING: listen 0.0.0.0:"}},
		"nothing, and pages": {[]string{"--listen", "0.0.0.0:0", "--http", "127.0.0.1:0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var out strings.Builder
			var said testlog.Buffer // its log and its words come from two goroutines
			ready := writerFunc(func(b []byte) (int, error) { stop(); return out.Write(b) })
			args := append([]string{"netmon", "broker", "--log", "error", "--store", t.TempDir()}, c.flags...)
			if code := execute(ctx, args, strings.NewReader(""), ready, &said); code != exitOK || !strings.Contains(out.String(), "broker ready") {
				t.Fatalf("exit %d: %s", code, said.String())
			}
			if n := strings.Count(said.String(), "WARNING"); n != len(c.says) {
				t.Errorf("%d warnings, want %d:\n%s", n, len(c.says), said.String())
			}
			for _, want := range c.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("no %q in\n%s", want, said.String())
				}
			}
		})
	}
}

// writerFunc is called with what is written.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
