package icmp

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

// begin starts a run without a goroutine and returns where its result comes.
func begin(t *testing.T, env *probes.Env, target, options string) (probes.Pending, chan wire.Result, bool) {
	t.Helper()
	c, err := Kinds().New(env, "icmp", target, json.RawMessage(options))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan wire.Result, 2) // one too many would be seen
	p, ok := c.Begin(func(r wire.Result) { done <- r })
	return p, done, ok
}

// TestICMP_RunsWithoutGoroutines: each ends with its own reply.
func TestICMP_RunsWithoutGoroutines(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		const monitors = 300
		all := make([]chan wire.Result, monitors)
		for i := range all {
			_, done, ok := begin(t, env, fmt.Sprintf("127.0.%d.%d", i/250, i%250+1), `{"expect":{"loss":0}}`)
			if !ok {
				t.Error("refused")
				return
			}
			all[i] = done
			if i%7 == 0 {
				env.Launched()
			}
		}
		e, err := engineOf(env, false)
		if err != nil {
			t.Error(err)
			return
		}
		e.expect() // the replies of those after the last Launched are the reader's
		for i, done := range all {
			r := <-done
			var d Details
			if err := json.Unmarshal(r.Details, &d); err != nil || r.Outcome != wire.OK || d.Received != 1 || d.Sent != 1 || r.LatencyNS == nil || *r.LatencyNS > r.ElapsedNS {
				t.Errorf("%d: %+v %s %v", i, r, r.Details, err)
			}
			if want := fmt.Sprintf("127.0.%d.%d", i/250, i%250+1); r.Address != want || r.Target != want {
				t.Errorf("the result of %s is one of %s", want, r.Address)
			}
			if len(done) > 0 {
				t.Errorf("%d ended twice", i)
			}
		}
		if len(e.runs)+len(e.seqs)+e.live > 0 {
			t.Errorf("%d runs and %d numbers stay", len(e.runs), len(e.seqs))
		}
	})
}

// TestICMP_RunsWithoutGoroutinesAreStopped: at the timeout they have their
// figures, cut short they say so, and after the end Stop does nothing.
func TestICMP_RunsWithoutGoroutinesAreStopped(t *testing.T) {
	inBothModes(t, func(t *testing.T) {
		env := &probes.Env{}
		defer env.Close()
		p, done, ok := begin(t, env, "127.0.0.1", ``)
		if !ok {
			t.Error("refused")
			return
		}
		p.Stop(context.DeadlineExceeded) // the reply is in the socket, and nobody has read it
		if r := <-done; r.Outcome != wire.OK {
			t.Errorf("a reply that came in time was not read: %s", r.Error)
		}
		p.Stop(context.DeadlineExceeded)
		p.Stop(context.Canceled)

		if err := os.WriteFile("/proc/sys/net/ipv4/icmp_echo_ignore_all", []byte("1"), 0); err != nil {
			t.Error(err)
			return
		}
		p, lost, _ := begin(t, env, "127.0.0.1", ``)
		env.Launched()
		p.Stop(context.DeadlineExceeded)
		var d Details
		r := <-lost
		if err := json.Unmarshal(r.Details, &d); err != nil || r.Failure != wire.FailNoAnswer || d.Lost != 1 {
			t.Errorf("lost: %+v %s %v", r, r.Details, err)
		}
		p, cut, _ := begin(t, env, "127.0.0.1", ``)
		p.Stop(context.Canceled)
		if r := <-cut; r.Outcome == wire.OK {
			t.Errorf("a run that was cut short is ok")
		}
		if len(done)+len(lost)+len(cut) > 0 {
			t.Error("a run ended twice")
		}
	})
}

func TestICMP_WhatNeedsAGoroutineSaysSo(t *testing.T) {
	probetest.InOwnNetwork(t, func() {
		env := &probes.Env{}
		defer env.Close()
		for _, c := range [][2]string{{"localhost", ``}, {"127.0.0.1", `{"count":2}`}, {"127.0.0.1", `{"wait":"10ms"}`}, {"127.0.0.1", `{"ttl":3}`}, {"127.0.0.1", `{"size":3000}`}, {"192.0.2.1", ``}} {
			if _, _, ok := begin(t, env, c[0], c[1]); ok {
				t.Errorf("icmp %s %s begins without a goroutine", c[0], c[1])
			}
		}
	})
}

// BenchmarkICMPAsync is what an agent does for one echo, without its delivery.
func BenchmarkICMPAsync(b *testing.B) {
	env := &probes.Env{}
	defer env.Close()
	c, err := Kinds().New(env, "icmp", "127.0.0.1", nil)
	if err != nil {
		b.Fatal(err)
	}
	if err := ready(); err != nil {
		b.Skip(err)
	}
	done := make(chan wire.Result, 1)
	b.ReportAllocs()
	for b.Loop() {
		p, ok := c.Begin(func(r wire.Result) { done <- r })
		if !ok {
			b.Fatal("refused")
		}
		env.Launched()
		select {
		case <-done:
		case <-time.After(time.Second):
			p.Stop(context.DeadlineExceeded)
			<-done
		}
	}
}
