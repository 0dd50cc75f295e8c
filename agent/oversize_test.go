package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netmon/agent/spool"
	"netmon/broker"
	"netmon/internal/ledger"
	"netmon/internal/natstest"
	"netmon/wire"
)

// sized is a result of about n bytes, most of them in its details.
func sized(monitor string, n int) wire.Result {
	return wire.Result{Agent: "paris", Monitor: monitor, Kind: "http", Outcome: wire.Failed, Failure: wire.FailMismatch, Error: "not as it should be",
		Summary: "302 Found", Details: json.RawMessage(`{"body":"` + strings.Repeat("x", n) + `"}`)}
}

// keep puts a result into a spool as it is, as an older agent did.
func keep(t *testing.T, s *spool.Spool, r wire.Result) {
	t.Helper()
	if err := s.Append(r.Monitor, func(buf []byte, epoch string, seq, run uint64) ([]byte, error) {
		r.Epoch, r.Seq, r.Run = epoch, seq, run
		return r.AppendJSON(buf)
	}); err != nil {
		t.Fatal(err)
	}
}

// storedBy reads the whole stream, which must have no gap that is not stated.
func storedBy(t *testing.T, b *broker.Broker, count int, dropped uint64) {
	t.Helper()
	book, err := ledger.Read(t.Context(), natstest.Connect(t, b), false)
	if err != nil {
		t.Fatal(err)
	}
	if book.Stored != count || book.Dropped != dropped || len(book.Faults) > 0 {
		t.Errorf("%d stored, %d stated as dropped, want %d and %d; faults %q", book.Stored, book.Dropped, count, dropped, book.Faults)
	}
}

// TestSender_LargeResultsOfAnOlderAgent: today's stream does not take them as they are.
func TestSender_LargeResultsOfAnOlderAgent(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	s, _, err := spool.Open(t.TempDir(), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	keep(t, s, sized("web", 10))
	keep(t, s, sized("web", 250<<10))
	keep(t, s, sized("web", 700<<10)) // more than it should have been even then
	if err := s.Append("web", func(buf []byte, _ string, _, _ uint64) ([]byte, error) {
		return append(buf, strings.Repeat("?", 100<<10)...), nil
	}); err != nil {
		t.Fatal(err)
	}
	keep(t, s, sized("web", 40<<10))
	deliver(t, sending(t, b, s))
	storedBy(t, b, 4, 1)
	last, _, err := (&sender{agent: "paris", api: &reach{}}).lastStored(t.Context(), nc, "web")
	if err != nil || len(last.Details) < 40<<10 || last.Seq != 5 {
		t.Errorf("last %d with %d bytes of details, %v", last.Seq, len(last.Details), err)
	}
	for _, r := range all(t, b)[1:3] {
		if r.Details != nil || r.Outcome != wire.Failed || r.Failure != wire.FailMismatch || !strings.Contains(r.Error, "not as it should be; details left out: is ") {
			t.Errorf("%d: %s %s, %d bytes of details, %q", r.Seq, r.Outcome, r.Failure, len(r.Details), r.Error)
		}
	}
}

// TestSender_WhatIsRefusedForItsSize holds up nothing, on a stream or a server
// that somebody else set up.
func TestSender_WhatIsRefusedForItsSize(t *testing.T) {
	for name, small := range map[string]func(*testing.T) *broker.Broker{
		"by the stream": func(t *testing.T) *broker.Broker {
			b := natstest.Start(t)
			js := natstest.JetStream(t, natstest.Connect(t, b))
			stream, err := js.Stream(t.Context(), wire.ResultsStream)
			if err != nil {
				t.Fatal(err)
			}
			c := stream.CachedInfo().Config
			c.MaxMsgSize = 2000
			if _, err := js.UpdateStream(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			return b
		},
		"by the server": func(t *testing.T) *broker.Broker {
			path := filepath.Join(t.TempDir(), "nats.conf")
			if err := os.WriteFile(path, []byte("listen: 127.0.0.1:-1\nmax_payload: 2000\njetstream { store_dir: "+t.TempDir()+" }\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			b, err := broker.Start(t.Context(), broker.Options{Config: path})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Close)
			if err := broker.Provision(t.Context(), natstest.JetStream(t, natstest.Connect(t, b)), broker.DefaultLimits()); err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := small(t)
			s, _, err := spool.Open(t.TempDir(), spool.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			long := sized("web", 10)
			long.Target = strings.Repeat("x", 2048)
			for _, r := range []wire.Result{sized("web", 10), sized("web", 5000), long, long, sized("web", 20), sized("db", 10)} {
				keep(t, s, r)
			}
			deliver(t, sending(t, b, s))
			storedBy(t, b, 4, 2)
			got := all(t, b)
			r := got[slices.IndexFunc(got, func(r wire.Result) bool { return r.Seq == 2 })]
			if r.Details != nil || r.Outcome != wire.Failed || !strings.Contains(r.Error, "not as it should be; details, summary and expectations left out: the broker refuses a result of 5") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// all is what is stored, in order.
func all(t *testing.T, b *broker.Broker) (out []wire.Result) {
	t.Helper()
	eachStored(t, natstest.Connect(t, b), func(r wire.Result) { out = append(out, r) })
	return out
}
