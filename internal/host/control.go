package host

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker"
	"netmon/controller"
	"netmon/history/feed"
)

// controls is what a controller needs.
type controls struct {
	connect func(...nats.Option) (*nats.Conn, error)
	limits  broker.Limits
	access  controller.Access
	space   func(context.Context) []broker.ServerSpace // of the servers, as far as they report it; may be nil
	ready   func()                                     // called once the streams are there; may be nil
	history History                                    // that it keeps
	files   *Files                                     // nil: it keeps none
	saver   saver                                      // of what they want
	log     *slog.Logger
}

// run provisions the mesh and controls it until ctx ends.
func (o controls) run(ctx context.Context) {
	feeder := o.history.feeder(o)
	var parts sync.WaitGroup
	defer parts.Wait()
	provisioned := sync.OnceFunc(func() { parts.Go(func() { feeder.Run(ctx) }) })
	for wait := 250 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		err := o.once(ctx, provisioned, feeder)
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

func (o controls) once(ctx context.Context, provisioned func(), feeder *feed.Feeder) error {
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
		var space *broker.SpaceError
		if errors.As(err, &space) && o.space != nil {
			space.Servers = o.space(ctx)
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
	provisioned()
	if o.access.Adopt != nil { // before anybody may change what is saved; the controller tries again
		if err := o.access.Adopt(ctx, js); err != nil {
			o.log.Error("accept what was saved before", "error", err)
		}
	}
	if o.ready != nil {
		o.ready()
	}
	duties := []func(context.Context) error{feeder.Lead}
	if o.files != nil {
		duties = append(duties, o.files.lead(o.saver, nc, o.log))
	}
	ctl, err := controller.New(nc, provision, o.access, o.log, duties...)
	if err != nil {
		return err
	}
	ctl.Share(func(r controller.Reading) { feeder.Offer(chunkOf(r)) })
	return ctl.Run(ctx)
}
