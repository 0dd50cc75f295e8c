package host

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/controller"
)

// as adds a credential of the broker's own process to its connections.
func as(connect func(...nats.Option) (*nats.Conn, error), credential []nats.Option) func(...nats.Option) (*nats.Conn, error) {
	return func(o ...nats.Option) (*nats.Conn, error) { return connect(append(o, credential...)...) }
}

// serveAccess answers for a broker's authority until ctx ends.
func serveAccess(ctx context.Context, a *access.Authority, connect func(...nats.Option) (*nats.Conn, error), o access.Service, log *slog.Logger) {
	for ctx.Err() == nil {
		nc, err := connect(nats.Name("netmon access"), nats.IgnoreAuthErrorAbort(), nats.MaxReconnects(-1), nats.ReconnectWait(250*time.Millisecond))
		if err == nil {
			o.Mesh = nc
			err = a.Serve(ctx, o)
			nc.Close()
		}
		if err == nil {
			return
		}
		log.Error("access", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// localURL is where this host's own programs reach a broker that listens on
// listen; the port is the one it got.
func localURL(listen, broker string) (string, error) {
	u, err := url.Parse(broker)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String(), nil
}

// keptPatience is how long the authority waits for the streams: shutting
// somebody out must be possible without them.
const keptPatience = 10 * time.Second

// Answer answers for the authority, if there is one, once kept is closed: what is
// done before there is a stream for it would be missing in the audit. answers,
// when not nil, is called once what people save gets through, perhaps again later.
func (b *Broker) Answer(ctx context.Context, kept <-chan struct{}, answers func()) {
	if b.authority == nil {
		if answers != nil {
			answers()
		}
		return
	}
	select {
	case <-ctx.Done():
	case <-kept:
	case <-time.After(keptPatience):
	}
	serveAccess(ctx, b.authority, b.Controller, access.Service{Push: b.UpdateAccounts, URL: b.URL(), Hosts: b.hosts, Ready: answers,
		Switch: func(ctx context.Context) error { return b.Rekey(ctx, b.authority) }}, b.log)
}

// accessOf is what an authority says to the controller.
func accessOf(a *access.Authority) controller.Access {
	return controller.Access{Labels: a.Labels, Signer: a.Signer(), Trust: a.Trust, Behind: a.Behind, CheckSaved: a.CheckSaved, Adopt: a.Adopt}
}
