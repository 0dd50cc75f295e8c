package broker

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/need"
)

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nats.conf")
	writeFile(t, path, text)
	return path
}

func TestConfig_EveryMistakeAtOnce(t *testing.T) {
	conf := config(t, `listen: "127.0.0.1:-1"
max_payload: "a lot"
no_such_thing: 1
jetstream {
  store_dir: 7
}
ping_interval: "often"
`)
	wantStartError(t, Options{Config: conf}, conf, conf+":2:1: want a value of type int64, got string", conf+":3:", `unknown field "no_such_thing"`, conf+":7:")

	_, _, err := Options{Config: conf}.server()
	if err == nil {
		t.Fatal("no error")
	}
	last := -1
	for _, line := range []string{":2:", ":3:", ":7:"} {
		at := strings.Index(err.Error(), conf+line)
		if at < last {
			t.Errorf("mistakes are not in the order of their lines:\n%v", err)
		}
		last = at
	}
}

func TestConfig_Refused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax":             {"listen: {", "nats.conf"},
		"no place for data":  {"jetstream: enabled", "jetstream.store_dir: is missing"},
		"cluster of no name": {"listen: 127.0.0.1:-1\njetstream { store_dir: STORE }\ncluster { name: c, listen: 127.0.0.1:-1 }", "server_name"},
		"bad account":        {"accounts { A { users: [ {usr: a} ] } }", "usr"},
	} {
		t.Run(name, func(t *testing.T) {
			wantStartError(t, Options{Config: config(t, strings.ReplaceAll(c.text, "STORE", t.TempDir()))}, c.want)
		})
	}
	wantStartError(t, Options{Config: filepath.Join(t.TempDir(), "none.conf")}, "none.conf", "no such file")
}

func TestConfig_StoreOverrides(t *testing.T) {
	store := t.TempDir()
	b := mustStart(t, Options{Config: config(t, "listen: 127.0.0.1:-1\njetstream { store_dir: /proc/none, max_file_store: 1GB }"), Store: store})
	if b.Store() != store {
		t.Errorf("Store() = %q, want %q", b.Store(), store)
	}
	if got := b.options().JetStreamMaxStore; got != 1<<30 && got != 1_000_000_000 {
		t.Errorf("max store %d, want the configuration's", got)
	}
}

func TestConfig_Cluster(t *testing.T) {
	need.Time(t)
	var routes []string
	for range 3 {
		routes = append(routes, freeport.Addr(t))
	}
	var all []*Broker
	for i, own := range routes {
		all = append(all, mustStart(t, Options{Config: config(t, fmt.Sprintf(`
server_name: n%d
listen: 127.0.0.1:-1
jetstream { store_dir: %q }
cluster { name: lab, listen: %q, routes: [ nats://%s ] }
`, i, t.TempDir(), own, strings.Join(routes, ", nats://")))}))
	}
	l := DefaultLimits()
	l.Replicas = 3
	js := connect(t, all[0].URL())
	mustProvision(t, js, l)
	if _, err := js.Publish(t.Context(), "results.paris.web", nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	if err := all[0].Run(ctx); err != nil {
		t.Error(err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("leaving the cluster took %v", d)
	}
	js = connect(t, all[1].URL())
	mustProvision(t, js, Limits{})
	if n := stored(t, js); n != 1 {
		t.Errorf("%d results with one server of three gone, want 1", n)
	}
}
