package host

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/agent/policy"
	"netmon/internal/membership"
	"netmon/probes/kinds"
)

// TestRunAgent_LeavesTheHeapAsItWas: what balances it has ended, too.
func TestRunAgent_LeavesTheHeapAsItWas(t *testing.T) {
	t.Setenv("GOGC", "")
	p, err := policy.New(policy.Default(), kinds.All(), "default")
	if err != nil {
		t.Fatal(err)
	}
	errNobody := errors.New("nobody is there")
	nobody := func(...nats.Option) (*nats.Conn, error) { return nil, errNobody }
	a, err := NewAgent(AgentOptions{Kinds: kinds.All(), Policy: p, Version: "1.0.0", Log: slog.New(slog.DiscardHandler)}, t.TempDir(), membership.Membership{ID: "paris", Connect: nobody})
	if err != nil {
		t.Fatal(err)
	}
	const before = 137
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := RunAgent(ctx, a); err != nil && !errors.Is(err, errNobody) { // whichever comes first
		t.Fatal(err)
	}
	if now := debug.SetGCPercent(before); now != before {
		t.Errorf("the heap may grow by %d %%, want %d as before", now, before)
	}
}
