package host

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"netmon/broker"
	"netmon/console"
	"netmon/internal/need"
	"netmon/notify"
	"netmon/notify/policy"
	"netmon/wire"
)

// TestBroker_ServesANotifier: the notifier of the process joins a mesh that asks who
// people are, obeys what was let in, answers, and ends with the rest.
func TestBroker_ServesANotifier(t *testing.T) {
	need.Time(t)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hook.Close()
	for name, asks := range map[string]bool{"open": false, "asks who people are": true} {
		t.Run(name, func(t *testing.T) {
			p, err := policy.Parse("", nil, true)
			if err != nil {
				t.Fatal(err)
			}
			log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			b, err := Start(t.Context(), BrokerOptions{AskAll: asks, Talk: io.Discard, Options: broker.Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Log: log}})
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			_, person, err := b.Own("own", nil, t.TempDir(), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			limits := b.DefaultLimits()
			ctx, stop := context.WithCancel(t.Context())
			kept, answers, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- b.Serve(ctx, Serving{Limits: &limits, Kept: func() { close(kept) }, Answers: sync.OnceFunc(func() { close(answers) }), Notifier: &NotifierOptions{Policy: p, Version: "1.2.3", Log: log}})
			}()
			defer func() {
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			<-kept
			<-answers
			cl, err := console.ConnectAs(person.Who, person.Connect)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			ops := cl.Ops(console.Checks{Channel: notify.Check, Monitor: func(wire.Monitor) error { return nil }})
			if _, err := ops.EditSetting(ctx, channel(t, hook.URL)); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(time.Minute); ; {
				reply, err := cl.TestChannel(ctx, "hook")
				if err == nil && reply.Outcome == wire.Sent {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("no answer: %+v %v", reply, err)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
}

func channel(t *testing.T, url string) *wire.Channel {
	t.Helper()
	s, err := wire.DecodeSetting("channel.hook", []byte(`{"name":"hook","kind":"webhook","url":"`+url+`"}`), 0)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*wire.Channel)
}
