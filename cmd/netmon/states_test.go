package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/judge"
	"netmon/wire"
)

// TestStates_EverybodyAgrees has the same results read by all that tell a state. Nobody
// leads: each judges by itself.
func TestStates_EverybodyAgrees(t *testing.T) {
	need.Time(t)
	b := natstest.Start(t)
	t.Setenv("NETMON_BROKER", b.URL())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	store, err := cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	publish := func(subject string, v any) {
		t.Helper()
		data, err := json.Marshal(v)
		if err == nil {
			_, err = js.Publish(t.Context(), subject, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	beat := func() {
		for _, id := range []string{"paris", "tokyo"} {
			publish("agent."+id+".alive", wire.Alive{Agent: id, At: time.Now(), Refused: map[string]string{"refused": "policy: no"}})
		}
	}
	publish("agent.rome.alive", wire.Alive{Agent: "rome", At: time.Now(), Leaving: true})

	type heard struct {
		outcome wire.Outcome
		failure wire.Failure
		ago     time.Duration
		older   bool // than the monitor is
	}
	ok, slow, failed, broken := heard{outcome: wire.OK}, heard{outcome: wire.Failed, failure: wire.FailSlow}, heard{outcome: wire.Failed, failure: wire.FailRefused}, heard{outcome: wire.Broken, failure: wire.FailRefused}
	late := heard{outcome: wire.OK, ago: 30 * time.Minute}
	before := heard{outcome: wire.OK, older: true}
	for _, c := range []struct {
		name string
		on   map[string]heard
		at   wire.Selectors
		stop bool
		want judge.State
	}{
		{name: "both-up", on: map[string]heard{"paris": ok, "tokyo": ok}, want: judge.Up},
		{name: "both-slow", on: map[string]heard{"paris": slow, "tokyo": slow}, want: judge.Degraded},
		{name: "one-slow", on: map[string]heard{"paris": slow, "tokyo": ok}, want: judge.Up},
		{name: "slow-and-down", on: map[string]heard{"paris": slow, "tokyo": failed}, want: judge.Degraded},
		{name: "one-down", on: map[string]heard{"paris": ok, "tokyo": failed}, want: judge.Degraded},
		{name: "both-down", on: map[string]heard{"paris": failed, "tokyo": failed}, want: judge.Down},
		{name: "down-and-broken", on: map[string]heard{"paris": failed, "tokyo": broken}, at: wire.Selectors{"paris", "tokyo"}, want: judge.Down},
		{name: "both-broken", on: map[string]heard{"paris": broken, "tokyo": broken}, want: judge.Unknown},
		{name: "silent", on: map[string]heard{"paris": late, "tokyo": late}, want: judge.Unknown},
		{name: "one-silent", on: map[string]heard{"paris": ok, "tokyo": late}, want: judge.Up},
		{name: "changed-since", on: map[string]heard{"paris": before, "tokyo": before}, want: judge.Unknown},
		{name: "refused", on: map[string]heard{"paris": ok, "tokyo": ok}, want: judge.Unknown},
		{name: "nothing-yet", want: judge.Unknown},
		{name: "paused", on: map[string]heard{"paris": ok}, stop: true, want: judge.Paused},
		{name: "of-one", on: map[string]heard{"paris": ok}, at: wire.Selectors{"paris"}, want: judge.Up},
		{name: "one-never-seen", on: map[string]heard{"paris": ok}, at: wire.Selectors{"paris", "nairobi"}, want: judge.Up},
		{name: "one-left", on: map[string]heard{"paris": ok, "rome": ok}, at: wire.Selectors{"paris", "rome"}, want: judge.Up},
		{name: "never-heartbeat", on: map[string]heard{"oslo": ok}, at: wire.Selectors{"oslo"}, want: judge.Up},
	} {
		revision, err := store.Save(t.Context(), wire.Saved{Monitor: wire.Monitor{Name: c.name, Kind: "tcp", Target: "h:1", Every: wire.Duration(time.Minute)}.WithDefaults(), Agents: c.at, Paused: c.stop}, "added")
		if err != nil {
			t.Fatal(err)
		}
		for id, h := range c.on {
			for n := range uint64(4) { // enough to be down against the word of another
				took := time.Duration(8-2*n) * time.Second
				ago := h.ago + took
				r := wire.Result{Agent: id, Monitor: c.name, Kind: "tcp", Target: "h:1", Epoch: "E", Seq: n + 1, Run: n + 1, Started: time.Now().Add(-ago), Outcome: h.outcome, Failure: h.failure, Revision: revision, ElapsedNS: int64(took), LateNS: int64(h.ago)}
				if h.older {
					r.Revision--
				}
				publish("results."+id+"."+c.name, r)
			}
		}
		beat() // now and then, as agents do
		t.Run(c.name, func(t *testing.T) {
			said := func(want int, args ...string) string {
				t.Helper()
				var out, errs bytes.Buffer
				if code := execute(t.Context(), append([]string{"netmon"}, args...), nil, &out, &errs); code != want {
					t.Errorf("%q: exit %d, want %d: %s%s", args, code, want, out.String(), errs.String())
				}
				return out.String()
			}
			code := map[judge.State]int{judge.Up: output.PluginOK, judge.Degraded: output.PluginWarning, judge.Down: output.PluginCritical}
			exit, known := code[c.want]
			if !known {
				exit = output.PluginUnknown
			}
			if out := said(exit, "check", c.name); c.want != judge.Paused && !strings.Contains(out, ": "+c.want.String()+",") {
				t.Errorf("check: %s", out)
			}
			said(exitOK, "wait", c.name, "--for", c.want.String(), "--timeout", "10s")
			if out := said(exitOK, "get", "monitors", c.name, "-o", "csv"); !strings.Contains(out, ","+c.want.String()+",") {
				t.Errorf("get monitors: %s", out)
			}
			if out := said(exitOK, "get", "monitors", c.name, "-o", "json"); !strings.Contains(out, `"state": "`+c.want.String()+`"`) {
				t.Errorf("get monitors -o json: %s", out)
			}
			if out := said(exitOK, "explain", c.name); !strings.Contains(out, c.name+" is "+c.want.String()) {
				t.Errorf("explain: %s", out)
			}
			if out := said(exitOK, "show", c.name); !strings.Contains(out, "\n  "+c.want.Mark()+" "+c.want.String()) {
				t.Errorf("show: %s", out)
			}
			watched(t, ","+c.want.String()+",", "get", "monitor", c.name, "--watch", "-o", "csv")
			watched(t, c.want.Mark()+" "+c.want.String(), "dash", c.name, "--plain")
			if out := said(exitOK, "dash", c.name, "--once"); !strings.Contains(out, c.want.Mark()+" "+c.want.String()) {
				t.Errorf("dash: %s", out)
			}
		})
	}
}

// watched runs a command that goes on, until it has said what is wanted.
func watched(t *testing.T, want string, args ...string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var out, errs testlog.Buffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		execute(ctx, append([]string{"netmon"}, args...), nil, &out, &errs)
	}()
	for end := time.Now().Add(60 * time.Second); !strings.Contains(out.String(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%q: no %q in %s%s", args, want, out.String(), errs.String())
			break
		}
	}
	stop()
	<-ended
}
