package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/race"
	"netmon/wire"
)

// hostileHistory are replies on history.get that no controller gives, by what is wrong. %
// stands for the time in the query.
func hostileHistory() map[string]func(q wire.HistoryQuery) any {
	step := func(q wire.HistoryQuery) wire.Duration { return max(q.Step, wire.Duration(time.Minute)) }
	series := func(change func(s *wire.HistorySeries)) func(q wire.HistoryQuery) any {
		return func(q wire.HistoryQuery) any {
			s := wire.HistorySeries{Monitor: "web", Agent: "paris", Kind: nastyText, Rows: []wire.HistoryRow{{At: q.From, Rollup: wire.Rollup{Runs: 1, OK: 1}}}}
			change(&s)
			return wire.HistoryReply{OK: true, Step: step(q), Series: []wire.HistorySeries{s}}
		}
	}
	span := func(change func(q wire.HistoryQuery, s *wire.HistorySpan)) func(q wire.HistoryQuery) any {
		return func(q wire.HistoryQuery) any {
			s := wire.HistorySpan{Monitor: "web", State: wire.VerdictUp, Since: q.From, Until: q.To}
			change(q, &s)
			return wire.HistoryReply{OK: true, Spans: []wire.HistorySpan{s}}
		}
	}
	raw := func(text string) func(wire.HistoryQuery) any {
		return func(wire.HistoryQuery) any { return []byte(text) }
	}
	return map[string]func(q wire.HistoryQuery) any{
		"bytes":         raw(nasty),
		"cut off":       raw(`{"ok":true,"step":"1m0s","series":[{"monitor":"web","agent":"par`),
		"NaN":           raw(`{"ok":true,"step":"1m0s","series":[{"monitor":"web","agent":"paris","rows":[{"at":"2026-11-30T00:00:00Z","runs":NaN}]}]}`),
		"a large float": raw(`{"ok":true,"step":"1m0s","series":[{"monitor":"web","rows":[{"at":"2026-11-30T00:00:00Z","runs":1e999}]}]}`),
		"null":          raw("null"),
		"nothing":       raw(""),
		"deep":          raw(strings.Repeat(`{"series":[`, 20_000)),
		"a hostile error": func(wire.HistoryQuery) any {
			return wire.HistoryReply{Error: &wire.Error{Code: wire.Code(nastyText), Field: nastyText, Message: nastyText}}
		},
		"a hostile name":  series(func(s *wire.HistorySeries) { s.Monitor = nastyText }),
		"another monitor": series(func(s *wire.HistorySeries) { s.Monitor = "other" }),
		"a hostile agent": series(func(s *wire.HistorySeries) { s.Agent = nastyText }),
		"a hostile phase": series(func(s *wire.HistorySeries) { s.Rows[0].Phases = map[string]wire.Phase{nastyText: {Count: 1}} }),
		"far numbers": series(func(s *wire.HistorySeries) {
			l := &wire.Latencies{Count: 1 << 40, SumNS: 1 << 62, MinNS: 0, MaxNS: 1 << 62, Offset: -1, Buckets: []uint64{1 << 40}, Diffs: 1 << 40, DiffNS: 1 << 62}
			s.Rows[0].Rollup = wire.Rollup{Runs: 1 << 40, OK: 1 << 39, Failed: 1 << 39, Skipped: 1 << 40, Latency: l, Packets: &wire.Packets{Sent: 1 << 40, Lost: 1 << 40}}
		}),
		"too many runs": series(func(s *wire.HistorySeries) { s.Rows[0].Runs = 1<<64 - 1 }),
		"too many rows": func(q wire.HistoryQuery) any {
			s := wire.HistorySeries{Monitor: "web", Agent: "paris", Rows: make([]wire.HistoryRow, wire.MaxHistoryRows+1)}
			for i := range s.Rows {
				s.Rows[i].At = q.From
			}
			return wire.HistoryReply{OK: true, Step: step(q), Series: []wire.HistorySeries{s}}
		},
		"a far row":   series(func(s *wire.HistorySeries) { s.Rows[0].At = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }),
		"no step":     func(wire.HistoryQuery) any { return wire.HistoryReply{OK: true} },
		"a step back": func(wire.HistoryQuery) any { return wire.HistoryReply{OK: true, Step: -1} },
		"a far span": span(func(_ wire.HistoryQuery, s *wire.HistorySpan) {
			s.Until = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		}),
		"a span back":     span(func(q wire.HistoryQuery, s *wire.HistorySpan) { s.Until = q.From.Add(-time.Hour) }),
		"a hostile state": span(func(_ wire.HistoryQuery, s *wire.HistorySpan) { s.State = wire.VerdictState(nastyText) }),
		"a hostile blame": span(func(_ wire.HistoryQuery, s *wire.HistorySpan) {
			s.State, s.Blame = wire.VerdictDown, wire.BlameClass(nastyText)
		}),
		"a span of nasty": span(func(_ wire.HistoryQuery, s *wire.HistorySpan) { s.Monitor = nastyText }),
		"far times": func(q wire.HistoryQuery) any {
			return wire.HistoryReply{OK: true, Step: step(q), Since: time.Date(-200, 1, 1, 0, 0, 0, 0, time.UTC)}
		},
		"pages of nothing":  func(q wire.HistoryQuery) any { return wire.HistoryReply{OK: true, Step: step(q), Next: nastyText} },
		"a reply to itself": func(q wire.HistoryQuery) any { return q },
	}
}

// hostileMesh is a mesh whose history replies as how says.
type hostileMesh struct {
	url   string
	how   atomic.Value // func(wire.HistoryQuery) any
	asked atomic.Int64
}

func newHostileMesh(t *testing.T) *hostileMesh {
	t.Helper()
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	kv, err := js.KeyValue(t.Context(), wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	saved, _ := json.Marshal(wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "tcp", Target: "127.0.0.1:1"}})
	if _, err := kv.Put(t.Context(), "web", saved); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(3) {
		data, _ := json.Marshal(wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "E", Seq: n + 1, Run: n + 1, Started: time.Now().UTC(), Outcome: wire.OK, Summary: "fine"})
		if _, err := js.Publish(t.Context(), "results.paris.web", data); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(2)); err != nil {
		t.Fatal(err)
	}
	m := &hostileMesh{url: b.URL()}
	if _, err := nc.Subscribe(wire.HistorySubject, func(msg *nats.Msg) {
		m.asked.Add(1)
		q, err := wire.DecodeHistoryQuery(msg.Data)
		if err != nil {
			t.Error(err)
		}
		reply := m.how.Load().(func(wire.HistoryQuery) any)(q)
		data, ok := reply.([]byte)
		if !ok {
			data, _ = json.Marshal(reply)
		}
		msg.Respond(data)
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs one command while history replies in one way. It is a process of its own: the
// library of commands has flags that are everybody's.
func (m *hostileMesh) run(t *testing.T, what string, args ...string) {
	before := m.asked.Load()
	var out, errs strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args = append([]string{"--broker", m.url}, args...)
	var code int
	if race.Enabled { // which sees into this process alone; one command runs at a time then
		code = execute(ctx, append([]string{"netmon"}, args...), strings.NewReader(""), &out, &errs)
	} else {
		cmd := exec.CommandContext(ctx, "netmon", args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		var ended *exec.ExitError
		if err := cmd.Run(); err != nil && !errors.As(err, &ended) {
			t.Error(err)
		}
		code = cmd.ProcessState.ExitCode()
	}
	if ctx.Err() != nil {
		t.Errorf("%s: netmon %q does not end", what, args)
	}
	for _, text := range []string{out.String(), errs.String()} {
		if bad := unclean(text); bad != "" {
			t.Errorf("%s: netmon %q (exit %d): %s", what, args, code, bad)
		}
	}
	if out.Len()+errs.Len() == 0 {
		t.Errorf("%s: netmon %q says nothing", what, args)
	}
	if m.asked.Load() == before {
		t.Errorf("%s: netmon %q asks nobody: %s%s", what, args, out.String(), errs.String())
	}
}

// TestInjection_History asks a hostile history by every command that asks it: nothing of
// it reaches a terminal raw, and each command ends. Most of the time it waits: each of
// some meshes replies in some of the ways.
func TestInjection_History(t *testing.T) {
	need.Time(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	commands := [][]string{{"stats", "web"}, {"stats", "web", "-o", "json"}, {"uptime"}, {"uptime", "web"}, {"uptime", "web", "--slo", "99.9", "-o", "csv"}, {"graph", "web"}, {"graph", "web", "-o", "json"}, {"dash", "--once"},
		{"dash", "--at", time.Now().Add(-time.Second).UTC().Format(time.RFC3339Nano), "--once"}, {"get", "results", "web", "--from", "3h"}}
	ways := hostileHistory()
	if race.Enabled { // each way and each command, but not each with each
		m := newHostileMesh(t)
		for i, what := range slices.Sorted(maps.Keys(ways)) {
			m.how.Store(ways[what])
			m.run(t, what, commands[i%len(commands)]...)
		}
		return
	}
	todo := make(chan string)
	var meshes sync.WaitGroup
	for range 6 {
		m := newHostileMesh(t)
		meshes.Go(func() {
			for what := range todo {
				m.how.Store(ways[what])
				for _, args := range commands {
					m.run(t, what, args...)
				}
			}
		})
	}
	for what := range ways {
		todo <- what
	}
	close(todo)
	meshes.Wait()
}
