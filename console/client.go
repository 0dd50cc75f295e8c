// Package console is a client of the mesh: it reads and writes what should run, sends
// commands to agents, and follows results. Any number of consoles work side by side;
// the mesh needs none of them to keep running.
//
// What must be complete is read by consumers that pull (internal/tail): a console that
// is slow or stopped delays nobody.
package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/identity"
	"netmon/internal/command"
	"netmon/wire"
)

// DefaultBroker is where `netmon up` and `netmon broker` listen.
const DefaultBroker = "nats://127.0.0.1:4222"

// Client is one console's connection.
type Client struct {
	nc        *nats.Conn
	js        jetstream.JetStream
	who       Person
	author    string
	signer    *identity.Signer    // nil where nobody has to sign
	operators *identity.Operators // of the mesh; nil where no authority was pinned
	denials   denials
	link      link
	following *following // nil for who has no folder
	leadGrace time.Duration

	commands *command.Sender
	access   *identity.Requests
}

// ErrUnreachable says that there is no broker, or no mesh on it.
var ErrUnreachable = errors.New("broker unreachable")

// Person is who uses a console, where the mesh has identities.
type Person struct {
	Name   string // of the identity
	Signer *identity.Signer
	// Authority is the mesh's, as it was pinned, PEM; "" where it was not.
	Authority string
	// Session is the public key of a session that acts in this name; "" for the person's own key.
	Session string
	// Folder is that of the identity, in place of Authority: it is kept up with the
	// authority of the mesh, see [identity.Follow].
	Folder string
	// Operators, where not nil, check what is saved, in place of Authority and Folder.
	Operators *identity.Operators
}

// Connect connects to a broker. connect is nats.Connect with its address, or
// the in-process connection of an embedded server.
func Connect(connect func(...nats.Option) (*nats.Conn, error), opts ...nats.Option) (*Client, error) {
	return ConnectAs(Person{}, connect, opts...)
}

// ConnectAs connects as somebody, in whose name what changes something is signed.
func ConnectAs(who Person, connect func(...nats.Option) (*nats.Conn, error), opts ...nats.Option) (*Client, error) {
	author := cmp.Or(who.Name, Author())
	c := &Client{who: who, author: author, signer: who.Signer, leadGrace: leadGrace}
	switch {
	case who.Operators != nil:
		c.operators = who.Operators
	case who.Folder != "":
		c.operators = identity.OperatorsOf(who.Folder)
	case who.Authority != "":
		c.operators = identity.NewOperators(who.Authority)
	}
	c.commands, c.access = command.New(who.Signer, c.request), identity.NewRequests(who.Signer, c.request)
	nc, err := connect(append([]nats.Option{
		nats.Name("netmon console " + author), nats.Timeout(3 * time.Second), nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond), nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		// nats.go would write to standard error, across a screen. What must be
		// complete comes by internal/tail, which starts over by itself.
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.denials.record(err) }),
		nats.ConnectHandler(func(*nats.Conn) { c.link.up() }), nats.ReconnectHandler(func(*nats.Conn) { c.link.up() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.link.down(err) }),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	if nc.IsConnected() && nc.AuthRequired() && !shown(nc) {
		nc.Close()
		return nil, fmt.Errorf("%w: the broker requires an identity: join it with a line from its admin (netmon token new console), or give credentials", ErrUnreachable)
	}
	c.nc, c.js = nc, js
	if !nc.IsConnected() {
		c.link.down(nc.LastError())
	}
	if who.Folder != "" {
		c.following = follow(nc, who.Folder)
	}
	return c, nil
}

// shown says whether a connection said who it is. Without that a broker with
// identities lets it do nothing but join.
func shown(nc *nats.Conn) bool {
	o := nc.Opts
	return o.UserJWT != nil || o.Nkey != "" || o.User != "" || o.Token != "" || o.TokenHandler != nil || o.UserInfo != nil || strings.Contains(nc.ConnectedUrl(), "@")
}

// Close ends the connection.
func (c *Client) Close() {
	if c.following != nil {
		c.following.stop()
	}
	c.nc.Close()
}

// Author names the person and host that saved monitors are signed with.
func Author() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return name + "@" + host
}

// AuthorText shows who did something: the name of an identity, or, where a mesh has no
// identities, what the console said, user@host. Somebody without a name is unknown.
func AuthorText(author string) string {
	if author == "" {
		return "(unknown)"
	}
	return Printable(author)
}

// noMesh explains the absence of what Provision makes.
func noMesh(what string, err error) error {
	if errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrBucketNotFound) ||
		errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w: %s: the NATS server is there, but netmon's streams are not: run `netmon controller` beside it, or use `netmon broker`; behind a leaf node, connect to the server that has JetStream (%w)", ErrUnreachable, what, err)
	}
	if errors.Is(err, nats.ErrPermissionViolation) {
		return refusal(err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("%w: %s: no answer: %w", ErrUnreachable, what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Command sends a command to one agent and waits for its reply.
// nats.ErrNoResponders means that the agent is not connected.
func (c *Client) Command(ctx context.Context, agent string, cmd wire.Command) (wire.Reply, error) {
	return c.commands.Send(ctx, agent, cmd)
}
