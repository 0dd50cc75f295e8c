package host

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/console"
	"netmon/internal/need"
	"netmon/notify"
	"netmon/wire"
)

// TestBroker_KeepsFiles: on a mesh that asks who people are, too, the controller saves what
// files want in its own name, and says how far it is to whoever reads the mesh.
func TestBroker_KeepsFiles(t *testing.T) {
	need.Time(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for name, asks := range map[string]bool{"open": false, "asks who people are": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			web := filepath.Join(dir, "web.yaml")
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(web, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write("monitors:\n- {name: web, kind: tcp, target: \"${broker}\"}\nchannels:\n- {name: hook, kind: webhook, url: \"https://h/\"}\n")
			log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
			b, err := Start(t.Context(), BrokerOptions{AskAll: asks, Talk: io.Discard, Options: broker.Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Log: log}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			_, person, err := b.Own("own", nil, t.TempDir(), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			check := console.Checks{Channel: notify.Check, Monitor: func(m wire.Monitor) error { return m.Validate() }}
			limits := b.DefaultLimits()
			ctx, stop := context.WithCancel(t.Context())
			answers, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- b.Serve(ctx, Serving{Limits: &limits, Answers: sync.OnceFunc(func() { close(answers) }),
					Files: &Files{Paths: []string{dir}, Prune: true, Checks: check, every: 5 * time.Millisecond, settle: 20 * time.Millisecond}})
			}()
			defer func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			<-answers
			cl, err := console.ConnectAs(person.Who, person.Connect)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			is := func(what string, so func(wire.KeptFiles) bool) {
				t.Helper()
				var last *wire.KeptFiles
				for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
					if f, err := cl.KeptFiles(ctx); err == nil && f != nil {
						if last = f; so(*f) {
							return
						}
					}
				}
				t.Fatalf("%s: it is never so: %+v", what, last)
			}
			is("saved", func(f wire.KeptFiles) bool { return f.Problem == "" && f.Monitors == 1 && f.Settings == 1 })
			store, err := cl.Monitors(ctx)
			if err != nil {
				t.Fatal(err)
			}
			m, err := store.Get(ctx, "web")
			if err != nil || m.Author != access.FilesAuthor || m.Change != "applied from "+web || strings.Contains(m.Target, "$") {
				t.Errorf("saved is %+v, error %v", m, err)
			}
			if _, err := cl.Ops(check).Add(ctx, wire.Saved{Monitor: wire.Monitor{Name: "mine", Kind: "tcp", Target: "h:1"}}); err != nil {
				t.Fatal(err)
			}

			m.Every = wire.Duration(time.Hour)
			if o, err := cl.Ops(check).Edit(ctx, m); err != nil || len(o.Warnings) == 0 || !strings.Contains(o.Warnings[len(o.Warnings)-1], "and changes this back") {
				t.Errorf("who changes it hears %q, error %v", o.Warnings, err)
			}
			back := make(chan struct{})
			watching, seen := context.WithCancel(ctx)
			if err := store.Watch(watching, []string{"web"}, nil, func() {}, func(_ string, saved *wire.Saved, _ error) {
				if saved != nil && saved.Edition == 3 && saved.Author == access.FilesAuthor && saved.Every != m.Every {
					seen()
					close(back)
				}
			}); err != nil {
				t.Fatal(err)
			}
			<-back

			write("monitors:\n- {name: web, kind: tcp}\n")
			is("wrong", func(f wire.KeptFiles) bool {
				return f.Mistakes == 1 && f.Monitors == 1 && strings.Contains(f.Problem, "web.yaml:2: monitors[0].target")
			})
			if runtime.GOOS != "windows" {
				write("monitors:\n- {name: blog, kind: tcp, target: \"h:1\"}\n")
				if err := os.Chmod(web, 0o646); err != nil {
					t.Fatal(err)
				}
				is("everybody may write it", func(f wire.KeptFiles) bool { return strings.Contains(f.Problem, "everybody may write it") })
				if err := os.Chmod(web, 0o644); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(dir, os.ModeSticky|0o777); err != nil {
					t.Fatal(err)
				}
				is("everybody may add to it", func(f wire.KeptFiles) bool {
					return strings.HasPrefix(f.Problem, dir+": everybody may write it (mode 0777)")
				})
				secret, link := filepath.Join(t.TempDir(), "secret"), filepath.Join(dir, "link.yaml")
				if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(secret, []byte("geheim: geheim"), 0o600), os.Symlink(secret, link)); err != nil {
					t.Fatal(err)
				}
				is("a link leads out", func(f wire.KeptFiles) bool { return strings.Contains(f.Problem, "link.yaml: is a link that leads out") })
				if err := os.Remove(link); err != nil {
					t.Fatal(err)
				}
			}
			write("")
			is("half written", func(f wire.KeptFiles) bool { return strings.Contains(f.Problem, "web.yaml:1: has nothing in it") })
			write("monitors:\n- {name: blog, kind: tcp, target: \"h:1\"}\n")
			is("right again", func(f wire.KeptFiles) bool { return f.Problem == "" && f.Mistakes == 0 && f.Settings == 0 })
			if names, err := store.Names(ctx); err != nil || strings.Join(names, " ") != "blog mine" {
				t.Errorf("saved are %s, error %v", names, err)
			}
			if list, err := cl.ListSettings(ctx, wire.SortChannel); err != nil || len(list) > 0 {
				t.Errorf("a channel that is in no file is still there: %v, error %v", list, err)
			}
		})
	}
}
