package host

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/internal/endpoint"
)

// Outside is a controller at servers that are not of this process. With an
// authority it also lets people in.
type Outside struct {
	Endpoint  endpoint.Endpoint // of the servers; its credentials are for a mesh without an authority
	Authority *access.Authority // may be nil
	Limits    broker.Limits
	History   History
	Files     *Files // that it keeps what is saved by; nil: none
	Ready     func() // called once the streams are there
	Log       *slog.Logger

	NotifierOptions *NotifierOptions // nil: there is no notifier
}

// Run controls until ctx ends. Its notifier ends before it.
func (o Outside) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	notified := make(chan struct{})
	notifying, stopNotifier := context.WithCancel(ctx)
	ctx, stop := outlive(ctx, notified)
	defer stop()
	defer stopNotifier()
	parts.Go(func() { keepMemory(ctx, o.Log) })
	parts.Go(func() {
		defer close(notified)
		if o.NotifierOptions != nil {
			joined, err := o.Notifier()
			runOwnNotifier(notifying, *o.NotifierOptions, joined, err)
		}
	})
	saver, err := o.saver()
	if err != nil {
		return err
	}
	if o.Authority == nil {
		controls{connect: o.Endpoint.Connect, limits: o.Limits, ready: o.Ready, history: o.History, files: o.Files, saver: saver, log: o.Log}.run(ctx)
		return nil
	}
	return o.outside(ctx, saver)
}

// Connection connects as the controller does, for who reads beside it.
func (o Outside) Connection() func(...nats.Option) (*nats.Conn, error) {
	if o.Authority == nil {
		return o.Endpoint.Connect
	}
	return func(more ...nats.Option) (*nats.Conn, error) {
		credential, err := o.Authority.Outside(access.Controller, "controller")
		if err != nil {
			return nil, err
		}
		return nats.Connect(o.Endpoint.URL, append(append([]nats.Option{nats.IgnoreAuthErrorAbort()}, credential...), more...)...)
	}
}

// saver saves what the files want, over TLS where there is an authority.
func (o Outside) saver() (saver, error) {
	address := endpoint.HostPort(o.first())
	if o.Authority == nil {
		return saverOf(nil, o.Endpoint.Connect, address)
	}
	conf, err := o.Authority.ClientTLS()
	if err != nil {
		return saver{}, err
	}
	return saverOf(o.Authority, func(more ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(o.Endpoint.URL, append(more, nats.Secure(conf))...)
	}, address)
}

// first is the URL of the first server: who joins at one of a cluster learns of the others.
func (o Outside) first() string {
	url, _, _ := strings.Cut(o.Endpoint.URL, ",")
	return url
}

// outside controls, and lets in, at servers that are not embedded.
func (o Outside) outside(ctx context.Context, saver saver) error {
	a, url, log, connect := o.Authority, o.Endpoint.URL, o.Log, o.Connection()
	ofSystem, err := a.System()
	if err != nil {
		return err
	}
	again := make(chan struct{}, 1) // a server that comes back may know old accounts only
	forgotten := func(*nats.Conn) {
		select {
		case again <- struct{}{}:
		default:
		}
	}
	system, err := nats.Connect(url, append(ofSystem, nats.IgnoreAuthErrorAbort(), nats.ConnectHandler(forgotten), nats.ReconnectHandler(forgotten), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second))...)
	if err != nil {
		return err
	}
	defer system.Close()
	push := func(ctx context.Context, accounts []access.Account) error { return access.Push(ctx, system, accounts) }
	var wg sync.WaitGroup
	wg.Go(func() { serveAccess(ctx, a, connect, access.Service{Push: push, URL: o.first(), Again: again}, log) })
	rooms := func(ctx context.Context) []broker.ServerSpace { return broker.Space(ctx, system) }
	wg.Go(func() {
		controls{connect, o.Limits, accessOf(a), rooms, o.Ready, o.History, o.Files, saver, log}.run(ctx)
	})
	wg.Wait()
	return nil
}
