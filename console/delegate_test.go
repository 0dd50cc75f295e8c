package console_test

import (
	"errors"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestDelegate_OpenMesh: where nobody is asked who they are, there is nothing to log in with.
func TestDelegate_OpenMesh(t *testing.T) {
	b := natstest.Start(t)
	c, err := console.Connect(b.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, key := natstest.NewKey(t)
	if _, err := c.Delegate(t.Context(), key, wire.RoleViewer, time.Hour, "a test"); !errors.Is(err, console.ErrNoIdentities) {
		t.Error(err)
	}
	if err := c.EndDelegation(t.Context(), key); !errors.Is(err, console.ErrNoIdentities) {
		t.Error(err)
	}
}
