package host

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"netmon/broker"
)

// TestBroker_ServeEndsWhatItBegan: the controller and the rest have ended when
// Serve returns, and the store can be served again.
func TestBroker_ServeEndsWhatItBegan(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	store := t.TempDir()
	for range 2 {
		b, err := Start(t.Context(), BrokerOptions{AskAll: true, Talk: io.Discard, Options: broker.Options{Listen: "127.0.0.1:0", Store: store, Log: slog.New(slog.DiscardHandler)}})
		if err != nil {
			t.Fatal(err)
		}
		limits := b.DefaultLimits()
		ctx, stop := context.WithCancel(t.Context())
		answers := make(chan struct{}, 1)
		ended := make(chan error, 1)
		go func() {
			ended <- b.Serve(ctx, Serving{Limits: &limits, Answers: func() {
				select {
				case answers <- struct{}{}:
				default:
				}
			}})
		}()
		<-answers
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.Close()
	}
}

// TestStart_WithoutControllerAsksNobody: a broker that has identities needs
// somebody to tell agents whom to obey.
func TestStart_WithoutControllerAsksNobody(t *testing.T) {
	o := BrokerOptions{AskAll: true, NoController: true, Talk: io.Discard, Options: broker.Options{Listen: "127.0.0.1:0", Store: t.TempDir(), Log: slog.New(slog.DiscardHandler)}}
	for range 2 { // the authority is given back
		if b, err := Start(t.Context(), o); err == nil {
			b.Close()
			t.Fatal("it started")
		} else if want := "--no-controller: without a controller no agent learns whom to obey"; err.Error()[:len(want)] != want {
			t.Error(err)
		}
	}
}
