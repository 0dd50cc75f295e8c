package host

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/controller"
)

// controls is what a controller needs.
type controls struct {
	connect func(...nats.Option) (*nats.Conn, error)
	limits  broker.Limits
	access  controller.Access
	rooms   func(context.Context) []broker.ServerRoom // of the servers, as far as they tell; may be nil
	ready   func()                                    // called once the streams are there; may be nil
	log     *slog.Logger
}

// run provisions the mesh and controls it until ctx ends.
func (o controls) run(ctx context.Context) {
	for wait := 250 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		err := o.once(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		o.log.Error("controller", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (o controls) once(ctx context.Context) error {
	nc, err := o.connect(nats.Name("netmon controller"), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	provision := func(ctx context.Context) error {
		err := broker.Provision(ctx, js, o.limits)
		var room *broker.RoomError
		if errors.As(err, &room) && o.rooms != nil {
			room.Servers = o.rooms(ctx)
		}
		var kept *broker.KeptError
		if errors.As(err, &kept) {
			o.log.Warn("the broker keeps some of its settings", "reason", kept)
			return nil
		}
		return err
	}
	if err := provision(ctx); err != nil {
		return err
	}
	if o.access.Adopt != nil { // before anybody may change what is saved; the controller tries again
		if err := o.access.Adopt(ctx, js); err != nil {
			o.log.Error("accept what was saved before", "error", err)
		}
	}
	if o.ready != nil {
		o.ready()
	}
	ctl, err := controller.New(nc, provision, o.access, o.log)
	if err != nil {
		return err
	}
	return ctl.Run(ctx)
}
