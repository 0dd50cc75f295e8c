package host

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/membership"
	"netmon/notify"
	"netmon/notify/policy"
	"netmon/wire"
)

// NotifierOptions are what somebody who starts a notifier says of it.
type NotifierOptions struct {
	Policy  *policy.Policy
	File    string // that the policy is of, "" for the default
	Version string
	Log     *slog.Logger
	Opened  func() // called when it is connected; may be nil
}

// RunNotifier sends what channels are to be sent until ctx ends, and returns when what
// was being sent is, or was given up.
func RunNotifier(ctx context.Context, o NotifierOptions, joined membership.Notifier) error {
	o.Log.Info("notifier's policy", "file", o.File)
	n := notify.Options{Connect: joined.Steady(o.Log), Policy: o.Policy, Host: joined.Name, Version: o.Version, Opened: o.Opened, Log: o.Log,
		Beside: func(ctx context.Context, nc *nats.Conn) { joined.KeepUp(ctx, nc, o.Log) }}
	if check := joined.CheckSaved; check != nil {
		n.Accept = func(m *nats.Msg) error { return notify.AcceptedBy(m, check) }
		n.Asker = asker
	}
	return notify.New(n).Run(ctx)
}

// asker is who asks for a channel to be tried, as the server says: the mesh lets
// operators and admins ask.
func asker(m *nats.Msg) (string, error) {
	who, err := identity.ByServer(m)
	if err == nil && who.Role != wire.RoleOperator && who.Role != wire.RoleAdmin {
		err = fmt.Errorf("your role does not include it: %s is %s", who.Name, who.Role)
	}
	return who.Name, err
}

// runOwnNotifier is RunNotifier in a process that runs more than that: what is wrong
// with it ends nothing else.
func runOwnNotifier(ctx context.Context, o NotifierOptions, joined membership.Notifier, err error) {
	if err == nil {
		joined.Name = membership.HostID()
		err = RunNotifier(ctx, o, joined)
	}
	if err != nil {
		o.Log.Error("notifier", "error", err)
	}
}

// outlive is a context that ends when ctx has and the parts that it says to wait for are
// done, so that they can still use what lives by it. stop ends it at once.
func outlive(ctx context.Context, done <-chan struct{}) (longer context.Context, stop context.CancelFunc) {
	longer, stop = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		select {
		case <-done:
		case <-longer.Done():
		}
		stop()
	})
	return longer, stop
}
