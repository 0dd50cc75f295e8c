package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"netmon/agent"
	"netmon/broker"
	"netmon/internal/host"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/probes/kinds"
	"netmon/wire"
)

// TestRecover loses the broker's store under two agents: they go on, and a person
// takes the monitors back from them, or stops them.
func TestRecover(t *testing.T) {
	need.Time(t)
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	js := natstest.JetStream(t, natstest.Connect(t, b))
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	h, err := host.Around(b, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	wg.Go(func() { h.Control(ctx, broker.DefaultLimits(), func() {}) })
	for _, id := range []string{"oslo", "paris"} {
		a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, State: t.TempDir(), Version: version, Connect: b.Connect, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { a.Run(ctx) })
	}
	const anyCode = -1
	says := func(code int, want []string, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if got := execute(t.Context(), append([]string{"netmon"}, args...), nil, &out, &out); got != code && code != anyCode {
			t.Fatalf("%v: exit %d, want %d: %s", args, got, code, out.String())
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%v: no %q in\n%s", args, w, out.String())
			}
		}
		return out.String()
	}
	until := func(want string, args ...string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
			if out := says(anyCode, nil, args...); strings.Contains(out, want) {
				return
			} else if time.Now().After(end) {
				t.Fatalf("%v: no %q in\n%s", args, want, out)
			}
		}
	}
	until("paris", "get", "agents", "-o", "name")
	until("oslo", "get", "agents", "-o", "name")
	says(0, nil, "add", "tcp", "127.0.0.1:1", "--name", "web", "--every", "20s", "--timeout", "3s", "--max-bytes", "100", "--on", "all")
	says(0, nil, "add", "dns", "example.com@127.0.0.1", "--name", "names", "--on", "paris")
	says(0, nil, "add", "tcp", "127.0.0.1:2", "--name", "old", "--on", "oslo")
	before := monitorsByName(t, says(0, nil, "get", "monitors", "-o", "ndjson"))

	lose := func() {
		t.Helper()
		if err := js.DeleteKeyValue(t.Context(), wire.MonitorsBucket); err != nil {
			t.Fatal(err)
		}
	}
	lose()
	until("that are not saved in it: netmon recover lists them", "get", "monitors")
	until("runs monitors that are not saved", "get", "agents", "-o", "ndjson")
	says(1, []string{`runs an unsaved monitor "nope"`}, "recover", "nope", "--yes")
	out := says(2, []string{"save 3 monitors: nothing is changed"}, "recover")
	for _, row := range []string{"names  dns   example.com@127.0.0.1  10s    paris", "old    tcp   127.0.0.1:2            10s    oslo", "web    tcp   127.0.0.1:1            20s    all"} {
		if !strings.Contains(out, row) {
			t.Errorf("no %q in\n%s", row, out)
		}
	}
	says(0, []string{"1 added, 0 changed", "paris        names running"}, "recover", "names", "-y")
	says(0, []string{"oslo         old stopped"}, "recover", "old", "--discard", "-y")
	says(0, []string{"1 added, 0 changed"}, "recover", "-y")
	until("everything that the connected agents run is saved", "recover")
	after := monitorsByName(t, says(0, nil, "get", "monitors", "-o", "ndjson"))
	delete(before, "old")
	if len(after) != len(before) {
		t.Errorf("%d monitors are there, want %d", len(after), len(before))
	}
	for name, was := range before {
		is := after[name]
		is.Revision, is.Change, was.Revision, was.Change = 0, "", 0, ""
		x, _ := json.Marshal(was)
		y, _ := json.Marshal(is)
		if !bytes.Equal(x, y) {
			t.Errorf("%s is %s, was %s", name, y, x)
		}
	}
}

func monitorsByName(t *testing.T, lines string) map[string]wire.Saved {
	t.Helper()
	all := map[string]wire.Saved{}
	for line := range strings.Lines(lines) {
		if !strings.HasPrefix(line, "{") {
			continue // what is told to people
		}
		var m wire.Saved
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		all[m.Name] = m
	}
	return all
}
