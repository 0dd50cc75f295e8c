package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/console/words"
	"netmon/controller"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/private"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// accessFlags are those of what runs a broker.
func accessFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "access", Usage: "let in only whom you let in, over TLS; always so where others can reach --listen", DisableDefaultText: true},
		&cli.StringFlag{Name: "advertise", Usage: "`HOST[:PORT]` that others reach this broker by", DefaultText: "the address of --listen"},
		&cli.BoolFlag{Name: "insecure", Usage: "listen without TLS and authentication: whoever reaches the port commands your agents", DisableDefaultText: true},
	}
}

// openAccess decides whether a broker asks who people are: where others can
// reach it, where it did before, and where it is told to.
func openAccess(c *cli.Context, listen, store string, log *slog.Logger) (*access.Authority, error) {
	folder := access.FolderOf(store)
	if err := broker.Whole(store); err != nil { // before keys are made in it
		return nil, err
	}
	switch {
	case c.Bool("insecure"):
		if c.Bool("access") {
			return nil, usage("--access and --insecure: want one of them")
		}
		fmt.Fprintf(c.App.ErrWriter, "netmon: WARNING: %s has no TLS and no authentication: whoever reaches it reads all results and commands all agents\n", listen)
		return nil, nil
	case broker.LoopbackAddress(listen) && !c.Bool("access") && !access.Exists(folder):
		return nil, nil
	}
	first := !access.Exists(folder)
	a, err := access.Open(folder, reachedBy(listen, c.String("advertise")), log)
	var others *private.Problem
	if errors.Is(err, access.ErrInUse) || errors.As(err, &others) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w\nto go on without identities, on a network that you trust: --insecure", err)
	}
	if first {
		fmt.Fprintf(c.App.ErrWriter, "made keys and a certificate in %s: whoever has these files owns the mesh\n", folder)
	}
	return a, nil
}

// refusal is why a broker did not start: wrong use where it would have been open.
func refusal(err error) error {
	var open *broker.OpenError
	if errors.As(err, &open) {
		return usage("%w", err)
	}
	return err
}

// warnOpen shouts what whoever comes may use of a broker. told says that
// openAccess did so about the port of agents and consoles.
func warnOpen(w io.Writer, b *broker.Broker, told bool) {
	for _, o := range b.Openings() {
		if !told || o.Listener != broker.Clients {
			fmt.Fprintf(w, "netmon: WARNING: %s\n", o)
		}
	}
}

// reachedBy are the hosts that the broker's certificate must name.
func reachedBy(listen, advertise string) []string {
	var out []string
	for _, addr := range []string{listen, advertise} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = strings.Trim(addr, "[]")
		}
		ip, err := netip.ParseAddr(host)
		switch {
		case host == "":
		case err == nil && ip.IsUnspecified():
			out = append(out, endpoint.OwnAddresses()...)
		default:
			out = append(out, host)
		}
	}
	return out
}

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

// identified is a broker that knows who is who, and what its own process needs.
type identified struct {
	authority  *access.Authority
	controller func(...nats.Option) (*nats.Conn, error)
	url        string // that others join by
	forget     func() // takes back the note of it for commands on this host
}

// identify prepares the broker's own process for its authority, nil for none, and
// notes the broker for commands on this host, until forget is called.
func identify(c *cli.Context, b *broker.Broker, a *access.Authority, log *slog.Logger) (identified, error) {
	id := identified{authority: a, controller: b.Connect, url: b.URL(), forget: func() {}}
	store := c.String("store")
	if a == nil {
		if store != "" && endpoint.SameFolder(store, userdirs.State("broker")) && !c.IsSet("config") {
			id.forget = endpoint.Note(endpoint.Local{URL: b.URL(), Store: store}, log)
		}
		return id, nil
	}
	credential, err := a.Built(access.Controller, "controller")
	if err != nil {
		return id, err
	}
	id.controller = as(b.Connect, credential)
	local, err := localURL(c.String("listen"), b.URL())
	if err == nil {
		err = a.WriteAdmin(a.Admin(), local)
	}
	if err == nil {
		id.forget = endpoint.Note(endpoint.Local{URL: local, Store: store, Admin: a.Admin()}, log)
	}
	return id, err
}

// tell says how to let others in, from this host.
func (id identified) tell(w io.Writer) {
	if id.authority == nil {
		return
	}
	by := ""
	// What a command would find here: a context in use, or the environment, goes first.
	if e, err := endpoint.Choose("", "", nil); err != nil || !endpoint.SameFolder(e.Identity, id.authority.Admin()) {
		by = " --creds " + words.Quote(id.authority.Admin())
	}
	fmt.Fprintf(w, "  let an agent in:   netmon token new agent --id NAME%s\n", by)
	fmt.Fprintf(w, "  let a person in:   netmon token new console --name NAME --role operator%s\n", by)
}

// keptPatience is how long the authority waits for the streams: shutting
// somebody out must be possible without them.
const keptPatience = 10 * time.Second

// serve answers for the authority, if there is one, once kept is closed: what is
// done before there is a stream for it would be missing in the audit. answers,
// when not nil, is called once what people save gets through, perhaps again later.
func (id identified) serve(ctx context.Context, b *broker.Broker, kept <-chan struct{}, answers func(), log *slog.Logger) {
	if id.authority == nil {
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
	serveAccess(ctx, id.authority, id.controller, access.Service{Push: b.UpdateAccounts, URL: id.url, Ready: answers,
		Switch: func(ctx context.Context) error { return b.Rekey(ctx, id.authority) }}, log)
}

// access is what the authority says to the controller.
func (id identified) access() controller.Access {
	if id.authority == nil {
		return controller.Access{}
	}
	return accessOf(id.authority)
}

func accessOf(a *access.Authority) controller.Access {
	return controller.Access{Labels: a.Labels, Signer: a.Signer(), Trust: a.Trust, Behind: a.Behind, CheckSaved: a.CheckSaved, Adopt: a.Adopt}
}

// own is how the agent and the person in the broker's own process connect: by
// identities like anybody else's. state is the agent's folder.
func (id identified) own(c *cli.Context, b *broker.Broker, state string) (membership.Membership, brokerAt, error) {
	agent, person := membership.Membership{ID: c.String("id"), Connect: b.Connect}, brokerAt{connect: b.Connect, url: b.URL()}
	if id.authority == nil {
		return agent, person, nil
	}
	labels, err := parseLabels(c.StringSlice("label"))
	if err != nil {
		return agent, person, err
	}
	dir := membership.IdentityFolder(state)
	as, err := id.authority.Enrol(dir, b.URL(), wire.AccessCommand{Name: agent.ID, Role: wire.RoleAgent, Labels: labels})
	if errors.Is(err, access.ErrShutOut) && as.Credential.Name != "" {
		fmt.Fprintf(c.App.ErrWriter, "netmon: the agent of this process, %v: it measures on, and nobody gets its results; to let it in again: netmon token new agent --id %s, then start this anew\n", err, agent.ID)
		err = nil
	}
	if err != nil {
		return agent, person, err
	}
	agent.Connect, agent.Labels = by(b.Connect, as, dir), labels
	agent.Rotate = membership.RotateIn(dir)
	if agent.Trust, err = identity.OpenTrust(dir); err != nil {
		return agent, person, err
	}
	agent.Follow = membership.FollowIn(dir, agent.Trust)
	admin := id.authority.Admin()
	who, err := identity.Load(admin)
	person.connect, person.identity, person.who = by(b.Connect, who, admin), admin, endpoint.PersonIn(admin)
	return agent, person, err
}

// by connects in this process with the identity of a folder.
func by(connect func(...nats.Option) (*nats.Conn, error), id identity.Identity, dir string) func(...nats.Option) (*nats.Conn, error) {
	return as(connect, []nats.Option{identity.UserCredentials(identity.Creds(dir)), nats.CustomInboxPrefix(id.Inbox())})
}
