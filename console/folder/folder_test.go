package folder_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/console"
	"netmon/console/folder"
	"netmon/internal/natstest"
	"netmon/wire"
)

// following is a folder that is kept, and what was said of it.
type following struct {
	t    *testing.T
	dir  string
	b    *broker.Broker
	cl   *console.Client // somebody else's
	said chan string
}

// follow keeps a new folder with these files until the test ends, pruning what its own
// author saved.
func follow(t *testing.T, files map[string]string) *following {
	t.Helper()
	f := &following{t: t, dir: filepath.Join(t.TempDir(), "monitors"), b: natstest.Start(t), said: make(chan string, 1000)}
	if err := os.Mkdir(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		f.write(name, text)
	}
	f.cl = connect(t, f.b, "anna")
	f.keep(f.dir, "keeper")
	return f
}

func connect(t *testing.T, b *broker.Broker, name string) *console.Client {
	t.Helper()
	cl, err := dial(b, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func dial(b *broker.Broker, name string) (*console.Client, error) {
	return console.ConnectAs(console.Person{Name: name}, func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
}

// keep keeps a folder in somebody's name until the test ends.
func (f *following) keep(dir, author string) {
	b := f.b
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	o := folder.Options{Paths: []string{dir}, Checks: anything, Prune: true, Within: true, Every: 5 * time.Millisecond, Settle: 20 * time.Millisecond,
		Connect: func(context.Context) (*console.Client, func(), error) {
			cl, err := dial(b, author)
			if err != nil {
				return nil, nil, err
			}
			return cl, cl.Close, nil
		},
		Plan: func(ctx context.Context, cl *console.Client, wanted console.Wanted) (console.Plan, error) {
			return cl.Ops(anything).PlanOwned(ctx, wanted, true, author)
		},
		Saved: func(s folder.Saved) { f.said <- s.String() },
		Warn:  func(text string) { f.said <- "warning: " + text },
		Wrong: func(err error) { f.said <- "wrong: " + err.Error() },
		Trouble: func(err error) {
			f.said <- fmt.Sprintf("trouble: %v", err)
		},
		Kept: func(of console.Wanted) { f.said <- "kept: " + of.Count() },
	}
	go func() { ended <- folder.Run(ctx, o) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Error(err)
		}
	})
}

var anything = console.Checks{Monitor: func(m wire.Monitor) error { return m.Validate() }}

func (f *following) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// hears waits for lines with these words, in any order, and for no others.
func (f *following) hears(want ...string) {
	f.t.Helper()
	for left := append([]string(nil), want...); len(left) > 0; {
		select {
		case line := <-f.said:
			at := -1
			for i, words := range left {
				if strings.Contains(line, words) {
					at = i
				}
			}
			if at < 0 {
				f.t.Fatalf("it says %q, want %q", line, left)
			}
			left = append(left[:at], left[at+1:]...)
		case <-time.After(time.Minute):
			f.t.Fatalf("it never says %q", left)
		}
	}
}

// saved are the monitors, each with who saved it last.
func (f *following) saved() string {
	f.t.Helper()
	store, err := f.cl.Monitors(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	list, err := store.List(f.t.Context())
	if err != nil {
		f.t.Fatal(err)
	}
	text := ""
	for _, m := range list {
		text += fmt.Sprintf("%s/%s/%v ", m.Name, m.Author, m.Every)
	}
	return strings.TrimSpace(text)
}

const web = "monitors:\n- {name: web, kind: tcp, target: \"h:1\", every: 10s}\n"

func monitor(name string) string {
	return fmt.Sprintf("monitors:\n- {name: %s, kind: tcp, target: \"h:1\", every: 10s}\n", name)
}

// TestRun_FollowsFiles: what they add, change and have no more, and nothing else.
func TestRun_FollowsFiles(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web, "blog.yaml": monitor("blog")})
	f.hears("web added", "blog added", "kept: 2 monitors")
	if _, err := f.cl.Ops(anything).Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "annas", Kind: "tcp", Target: "h:2"}}); err != nil {
		t.Fatal(err)
	}
	f.write("web.yaml", strings.Replace(web, "10s", "20s", 1))
	f.hears("web changed", "kept: 2 monitors")
	if err := os.Remove(filepath.Join(f.dir, "blog.yaml")); err != nil {
		t.Fatal(err)
	}
	f.hears("blog deleted", "kept: 1 monitor")
	if got, want := f.saved(), "annas/anna/10s web/keeper/20s"; got != want {
		t.Errorf("saved are %s, want %s", got, want)
	}
	store, err := f.cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m, err := store.Get(t.Context(), "web"); err != nil || m.Change != "applied from "+filepath.Join(f.dir, "web.yaml") {
		t.Errorf("its history says %q, error %v", m.Change, err)
	}
}

// TestRun_ChangesBack: files are what people agreed on; who changes something past them
// sees it in the history.
func TestRun_ChangesBack(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web})
	f.hears("web added", "kept: 1 monitor")
	store, err := f.cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.Get(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	m.Every = wire.Duration(time.Hour)
	if _, err := f.cl.Ops(anything).EditAs(t.Context(), m, "set every"); err != nil {
		t.Fatal(err)
	}
	f.hears("web changed back, after anna: set every")
	if got := f.saved(); got != "web/keeper/10s" {
		t.Errorf("saved are %s", got)
	}
}

// TestRun_WrongFiles changes nothing, says each mistake once, and goes on by itself.
func TestRun_WrongFiles(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web})
	f.hears("web added", "kept: 1 monitor")
	for name, c := range map[string]struct {
		do, undo func(path string) error
		want     string
	}{
		"a name in two files":   {func(p string) error { return os.WriteFile(p, []byte(web), 0o600) }, os.Remove, "is given a second time, first at"},
		"nothing of a file":     {func(p string) error { return os.WriteFile(p, nil, 0o600) }, os.Remove, "z.yaml:1: has nothing in it"},
		"a list, cut off":       {func(p string) error { return os.WriteFile(p, []byte("monitors:\n"), 0o600) }, os.Remove, "z.yaml:1: monitors: has nothing in it"},
		"half of a file":        {func(p string) error { return os.WriteFile(p, []byte("monitors:\n- {name: x, ki"), 0o600) }, os.Remove, "z.yaml:"},
		"a loop of links":       {func(p string) error { return os.Symlink(filepath.Base(p), p) }, os.Remove, "z.yaml: too many"},
		"a folder like a file":  {func(p string) error { return os.Mkdir(p, 0o700) }, os.Remove, "is a folder"},
		"a device":              {func(p string) error { return os.Symlink("/dev/zero", p) }, os.Remove, "is a link that leads out"},
		"a link that leads out": {func(p string) error { return os.Symlink("../../secret.yaml", p) }, os.Remove, "z.yaml: is a link that leads out"},
		"too much":              {func(p string) error { return sparse(p, 64<<20) }, os.Remove, "in files together"},
		"no folder": {func(string) error { return os.Rename(f.dir, f.dir+".away") },
			func(string) error { return os.Rename(f.dir+".away", f.dir) }, "no such file"},
		"no files": {func(string) error {
			return os.Rename(filepath.Join(f.dir, "web.yaml"), filepath.Join(f.dir, "web.off"))
		},
			func(string) error {
				return os.Rename(filepath.Join(f.dir, "web.off"), filepath.Join(f.dir, "web.yaml"))
			}, "no *.yaml"},
	} {
		if runtime.GOOS == "windows" && (strings.Contains(name, "link") || name == "a device") {
			continue
		}
		path := filepath.Join(f.dir, "z.yaml")
		if err := c.do(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f.hears(c.want)
		if err := c.undo(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		f.hears("kept: 1 monitor")
	}
	if got := f.saved(); got != "web/keeper/10s" {
		t.Errorf("saved are %s", got)
	}
}

func sparse(path string, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(size), file.Close())
}

// TestRun_Emptied: what the producer of a file leaves that died, or a full disk, deletes
// nothing. An empty list does.
func TestRun_Emptied(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web})
	f.hears("web added", "kept: 1 monitor")
	f.write("web.yaml", "")
	f.hears("web.yaml:1: has nothing in it")
	if got := f.saved(); got != "web/keeper/10s" {
		t.Errorf("saved are %s", got)
	}
	f.write("web.yaml", "monitors: []\n")
	f.hears("web deleted", "kept: 0 monitors")
}

// TestRun_WhatMonitorsNeed is no mistake of one file alone: it is wrong among all that is
// saved, and right once that changes.
func TestRun_WhatMonitorsNeed(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": "monitors:\n- {name: web, kind: tcp, target: \"h:1\", depends_on: [annas]}\n"})
	f.hears(`wrong: web.depends_on[0]: no monitor "annas" is saved`)
	if _, err := f.cl.Ops(anything).Add(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: "annas", Kind: "tcp", Target: "h:2"}}); err != nil {
		t.Fatal(err)
	}
	f.hears("web added", "kept: 1 monitor")
}

// TestRun_BrokerAway is said once, and waited for.
func TestRun_BrokerAway(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web})
	f.hears("web added", "kept: 1 monitor")
	f.b.Close()
	f.hears("trouble: broker unreachable")
	f.write("web.yaml", strings.Replace(web, "10s", "20s", 1))
	f.b = natstest.Restart(t, f.b)
	f.hears("web changed", "kept: 1 monitor", "trouble: <nil>")
}

// TestRun_HiddenFiles are of editors, or of a ConfigMap, whose files are links: swapped
// all at once, they are read once.
func TestRun_HiddenFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links")
	}
	f := &following{t: t, dir: filepath.Join(t.TempDir(), "mount"), b: natstest.Start(t), said: make(chan string, 1000)}
	f.cl = connect(t, f.b, "anna")
	version := func(n int, files map[string]string) {
		t.Helper()
		at := fmt.Sprintf("..2026_12_0%d", n)
		if err := os.MkdirAll(filepath.Join(f.dir, at), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			f.write(filepath.Join(at, name), text)
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(f.dir, name)); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
		}
		next := filepath.Join(f.dir, "..data_tmp")
		if err := errors.Join(os.Symlink(at, next), os.Rename(next, filepath.Join(f.dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	version(1, map[string]string{"web.yaml": web, "blog.yaml": monitor("blog")})
	f.write(".#web.yaml", "not a file of ours")
	f.write(".web.yaml.swp", "nor this")
	f.keep(f.dir, "keeper")
	f.hears("web added", "blog added", "kept: 2 monitors")
	version(2, map[string]string{"web.yaml": strings.Replace(web, "10s", "20s", 1), "blog.yaml": monitor("news")})
	f.hears("web changed", "news added", "blog deleted", "kept: 2 monitors")
}

// TestRun_TwoThatWantDifferentThings take turns, more and more rarely.
func TestRun_TwoThatWantDifferentThings(t *testing.T) {
	f := follow(t, map[string]string{"web.yaml": web})
	f.hears("web added", "kept: 1 monitor")
	other := &following{t: t, dir: t.TempDir(), b: f.b, cl: f.cl, said: make(chan string, 1000)}
	other.write("web.yaml", strings.Replace(web, "10s", "20s", 1))
	other.keep(other.dir, "other")
	other.hears("web changed", "kept: 1 monitor")
	f.hears("web changed back, after other: applied from")
	other.hears("web changed back, after keeper: applied from")
	store, err := f.cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := store.History(t.Context(), "web")
	if err != nil || len(list) > 6 {
		t.Errorf("%d revisions, error %v: want few", len(list), err)
	}
}
