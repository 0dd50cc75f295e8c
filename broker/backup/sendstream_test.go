package backup

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/natstest"
)

// TestReach: a server of a cluster that restores is heard of a moment after it said
// that it does.
func TestReach(t *testing.T) {
	b := natstest.Start(t)
	nc, server := natstest.Connect(t, b), natstest.Connect(t, b)
	answers, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		t.Fatal(err)
	}
	nobody := 0
	acknowledged := func() error {
		_, err := next(t.Context(), answers)
		if errors.Is(err, nats.ErrNoResponders) {
			if nobody++; nobody == 2 {
				if _, err := server.Subscribe("restore", func(m *nats.Msg) { _ = m.Respond(nil) }); err != nil {
					t.Error(err)
				}
				if err := server.FlushTimeout(10 * time.Second); err != nil {
					t.Error(err)
				}
			}
		}
		return err
	}
	if err := reach(t.Context(), nc, "restore", answers.Subject, []byte("piece"), acknowledged); err != nil {
		t.Fatal(err)
	}
	if nobody != 2 {
		t.Errorf("nobody listened %d times", nobody)
	}
}
