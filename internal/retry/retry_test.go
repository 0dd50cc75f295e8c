package retry_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/retry"
	"netmon/wire"
)

const noLeader = `{"error":{"code":503,"err_code":10008,"description":"JetStream system temporarily unavailable"}}`

// fault is what becomes of a request, by its number from 1.
type fault func(n int64) (verdict int)

const (
	passes = iota
	dropped
	unanswered // carried out, and the answer lost
	leaderless
)

// first is what becomes of the first requests, before others pass.
func first(count int64, verdict int) fault {
	return func(n int64) int {
		if n <= count {
			return verdict
		}
		return passes
	}
}

// lossy sits before what a broker answers to: requests on a subject come there,
// and are passed on below a prefix. It counts them.
func lossy(t *testing.T, nc *nats.Conn, subject, prefix string, f fault) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	sub, err := nc.Subscribe(subject, func(m *nats.Msg) {
		verdict := f(asked.Add(1))
		switch verdict {
		case dropped:
			return
		case leaderless:
			m.Respond([]byte(noLeader))
			return
		}
		to := nats.NewMsg(prefix + strings.TrimPrefix(m.Subject, lossyAPI))
		to.Header, to.Data = m.Header, m.Data
		answer, err := nc.RequestMsg(to, 10*time.Second)
		if err != nil {
			t.Errorf("%s: %v", to.Subject, err)
			return
		}
		if verdict != unanswered {
			m.RespondMsg(answer)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sub.Unsubscribe() })
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return &asked
}

const lossyAPI = "lossy."

// broken is JetStream behind a fault, and a stream NUMBERS there, which stores n.a
// when it is sent as stored.n.a.
func broken(t *testing.T, f fault) (jetstream.JetStream, *atomic.Int64) {
	t.Helper()
	nc := natstest.Connect(t, natstest.Start(t))
	if _, err := natstest.JetStream(t, nc).CreateStream(t.Context(), jetstream.StreamConfig{Name: "NUMBERS", Subjects: []string{"stored.n.*"}, AllowDirect: true,
		SubjectTransform: &jetstream.SubjectTransformConfig{Source: "stored.n.*", Destination: "n.{{wildcard(1)}}"}}); err != nil {
		t.Fatal(err)
	}
	asked := lossy(t, nc, lossyAPI+">", "", f)
	js, err := jetstream.NewWithAPIPrefix(nc, lossyAPI+"$JS.API")
	if err != nil {
		t.Fatal(err)
	}
	return js, asked
}

func TestGet_AsksAgain(t *testing.T) {
	need.Time(t)
	for name, f := range map[string]fault{
		"a request was dropped": first(1, dropped),
		"an answer was lost":    first(1, unanswered),
		"there is no leader":    first(3, leaderless),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, asked := broken(t, f)
			s, err := retry.Stream(t.Context(), js, "NUMBERS")
			if err != nil || s.CachedInfo().Config.Name != "NUMBERS" || asked.Load() < 2 {
				t.Errorf("%v, asked %d times", err, asked.Load())
			}
		})
	}
}

func TestGet_WhatDoesNotPassIsToldAtOnce(t *testing.T) {
	js, asked := broken(t, first(0, passes))
	if _, err := retry.Stream(t.Context(), js, "NONE"); !errors.Is(err, jetstream.ErrStreamNotFound) || asked.Load() != 1 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
	nobody, err := jetstream.NewWithAPIPrefix(js.Conn(), "nobody.$JS.API")
	if err != nil {
		t.Fatal(err)
	}
	tries := 0
	err = retry.Do(t.Context(), js.Conn(), func(ctx context.Context) error {
		tries++
		_, err := nobody.Stream(ctx, "NUMBERS")
		return err
	})
	if !errors.Is(err, nats.ErrNoResponders) || tries != 1 {
		t.Errorf("a server alone without JetStream: %v, asked %d times", err, tries)
	}
	js.Conn().Close()
	if _, err := retry.Stream(t.Context(), js, "NUMBERS"); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("over a connection that was closed: %v", err)
	}
}

func TestGet_EndsWithItsContext(t *testing.T) {
	js, _ := broken(t, first(1<<40, leaderless))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := retry.Stream(ctx, js, "NUMBERS")
	var api *jetstream.APIError
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &api) || api.ErrorCode != retry.NotAvailable {
		t.Errorf("%v, want that the time is over, and what was answered", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := retry.Stream(ended, js, "NUMBERS"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it was cancelled", err)
	}
}

// TestGet_Refused: a request that may not be sent is never answered.
func TestGet_Refused(t *testing.T) {
	need.Time(t)
	s := natstest.StartSecure(t)
	id, dir := s.LetIn(t, wire.RoleAgent, "paris")
	o, err := id.Options(dir)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(id.URL, append(o, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if _, err := retry.Stream(t.Context(), natstest.JetStream(t, nc), wire.ResultsStream); !errors.Is(err, nats.ErrPermissionViolation) {
		t.Errorf("%v, want that it is not allowed", err)
	}
}

func TestWithNotice_TellsOnce(t *testing.T) {
	told := make(chan string, 10)
	ctx := retry.WithNotice(t.Context(), func(what string) { told <- what })
	js, asked := broken(t, func(int64) int {
		if len(told) == 0 {
			return leaderless
		}
		return passes
	})
	for range 2 {
		if _, err := retry.Stream(ctx, js, "NUMBERS"); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(told); n != 1 || <-told != "waiting for the broker to answer" {
		t.Errorf("told %d times", n)
	}
	if asked.Load() < 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestReplace_OnceWhateverIsLost: of a write that was carried out, and its answer
// lost, the next try is not a conflict with it.
func TestReplace_OnceWhateverIsLost(t *testing.T) {
	need.Time(t)
	for name, f := range map[string]fault{
		"nothing":     first(0, passes),
		"the request": first(1, dropped),
		"the answer":  first(1, unanswered),
		"the leader":  first(2, leaderless),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, _ := broken(t, first(0, passes))
			asked := lossy(t, js.Conn(), "n.*", "stored.", f)
			write := func() (uint64, error) {
				return retry.Replace(t.Context(), js, "NUMBERS", &nats.Msg{Subject: "n.a", Data: []byte("one")}, 0)
			}
			if at, err := write(); err != nil || at != 1 {
				t.Fatalf("stored at %d, %v", at, err)
			}
			before := asked.Load()
			if _, err := write(); !retry.Conflict(err) {
				t.Errorf("another write of the same: %v, want a conflict", err)
			}
			if n := asked.Load() - before; n != 1 {
				t.Errorf("a conflict was asked for %d times", n)
			}
			wantMessages(t, js, 1)
		})
	}
}

// TestReplace_SomebodyElse: a conflict behind a try that got lost is one, if what
// is there is not ours.
func TestReplace_SomebodyElse(t *testing.T) {
	js, _ := broken(t, first(0, passes))
	lossy(t, js.Conn(), "n.*", "stored.", first(1, dropped))
	if _, err := js.Publish(t.Context(), "stored.n.a", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := retry.Replace(t.Context(), js, "NUMBERS", &nats.Msg{Subject: "n.a", Data: []byte("one")}, 0); !retry.Conflict(err) {
		t.Errorf("%v, want a conflict", err)
	}
	wantMessages(t, js, 1)
}

func TestPublish_OnceThoughTheAnswerIsLost(t *testing.T) {
	need.Time(t)
	js, _ := broken(t, first(0, passes))
	lossy(t, js.Conn(), "n.*", "stored.", first(1, unanswered))
	ack, err := retry.Publish(t.Context(), js, &nats.Msg{Subject: "n.a", Data: []byte("one")})
	if err != nil || ack.Sequence != 1 || !ack.Duplicate {
		t.Errorf("%+v %v", ack, err)
	}
	wantMessages(t, js, 1)
}

func wantMessages(t *testing.T, js jetstream.JetStream, want uint64) {
	t.Helper()
	s, err := retry.Stream(t.Context(), js, "NUMBERS")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != want {
		t.Errorf("%d messages are stored, want %d", n, want)
	}
}
