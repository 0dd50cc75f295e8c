package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/identity"
	"netmon/wire"
)

// membership is how an agent belongs to a mesh: by an identity that it joined
// with, or as whoever it says it is.
type membership struct {
	id      string
	state   string            // folder of the agent
	labels  map[string]string // nil: those of --label
	connect func(...nats.Option) (*nats.Conn, error)
	url     string
	trust   *identity.Trust // whose commands count; nil: those of whoever the broker lets in
	rotate  func(context.Context, *nats.Conn) error
	follow  func(context.Context, *nats.Conn) (identity.Followed, error)
}

// identityIn is where an agent with this state folder keeps its identity.
func identityIn(state string) string { return filepath.Join(state, "identity") }

// stateOfAgent is the folder of an agent with this id.
func stateOfAgent(c *cli.Context, id string) (string, error) {
	if s := c.String("state"); s != "" {
		return s, nil
	}
	if s := stateDir("agent-" + id); s != "" {
		return s, nil
	}
	return "", errHomeless("--state")
}

// decideForAgent is decideEndpoint for one that may know its broker by itself:
// which of this host's is meant matters only where it does not.
func decideForAgent(c *cli.Context) error {
	given := c.IsSet("broker") || len(c.StringSlice("creds")) > 0
	err := decideEndpoint(c)
	if err != nil && !given {
		invocationOf(c).broker.err = err
		return nil
	}
	return err
}

// memberOf joins by --join, or finds the identity of before, or takes the
// broker that is chosen without one.
func memberOf(c *cli.Context) (membership, error) {
	line, err := joinLine(c, c.String("join"))
	if err != nil {
		return membership{}, err
	}
	if line != "" {
		return join(c, line)
	}
	id := c.String("id")
	state, err := stateOfAgent(c, id)
	if err != nil {
		return membership{}, err
	}
	if as := joinID(); !c.IsSet("id") && c.String("state") == "" && !identity.Exists(identityIn(state)) && identity.Exists(identityIn(stateDir("agent-"+as))) {
		id, state = as, stateDir("agent-"+as) // it joined by a line for several
	}
	e := endpointOf(c)
	own, asked := identityIn(state), c.IsSet("broker") && strings.HasPrefix(e.from, "--broker")
	credited := len(c.StringSlice("creds")) > 0 || asked && (len(e.creds) > 0 || e.identity != "")
	switch {
	case identity.Exists(own) && !credited && asked:
		m, err := member(c, state, e.url)
		if err == nil {
			fmt.Fprintf(c.App.ErrWriter, "netmon: as %s at %s, by the identity in %s; at a broker that asks nobody who they are give another --state\n", m.id, redact(m.url), own)
		}
		return m, err
	case identity.Exists(own) && !credited:
		return member(c, state, "")
	}
	if err := invocationOf(c).broker.err; err != nil {
		return membership{}, err
	}
	return memberAt(e, membership{id: id, state: state, url: e.url, connect: e.connect})
}

// memberAt is an agent at a broker by other credentials than its own, or none.
func memberAt(e endpoint, m membership) (membership, error) {
	switch {
	case e.identity != "":
		who, err := identity.Load(e.identity)
		if err != nil {
			return membership{}, err
		}
		if who.Credential.Role != wire.RoleAgent || who.Credential.Name != m.id {
			return membership{}, usage("%s, by %s: this broker wants to know who an agent is, and the identity there is %s %s: netmon token new agent --id %s makes a line for netmon agent --join",
				redact(e.url), e.from, who.Credential.Role, who.Credential.Name, m.id)
		}
		if m.trust, err = identity.OpenTrust(e.identity); err != nil {
			return membership{}, err
		}
		m.rotate, m.follow = rotateIn(e.identity), followIn(e.identity, m.trust)
	case len(e.creds) > 0 && identity.NameIn(e.creds[0]) != "":
		// With the key alone it would obey whoever comes through to it.
		return membership{}, usage("%s: it is of %s, who joined a mesh; an agent needs the whole identity, to know whom it obeys: --creds FOLDER, where identity.json and ca.pem are, too",
			e.creds[0], identity.NameIn(e.creds[0]))
	case len(e.creds) == 0:
		m.connect = e.asStranger(m.id)
	}
	return m, nil
}

// asStranger connects an agent without an identity. It goes on trying where the
// broker wants one, and measures meanwhile: the mesh may ask since yesterday.
func (p endpoint) asStranger(id string) func(...nats.Option) (*nats.Conn, error) {
	return func(o ...nats.Option) (*nats.Conn, error) {
		return p.connect(append(o, func(n *nats.Options) error {
			if tell := n.ReconnectErrCB; tell != nil { // also of the first attempt
				n.ReconnectErrCB = func(nc *nats.Conn, err error) { tell(nc, p.explainToAgent(id, err)) }
			}
			return nil
		})...)
	}
}

// explainToAgent is explain for an agent without an identity.
func (p endpoint) explainToAgent(id string, err error) error {
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return err
	}
	return fmt.Errorf("%s, by %s: the broker wants to know who an agent is, and its certificate is of a mesh that this one did not join: its admin makes a line for netmon agent --join LINE: "+
		"netmon token new agent --id %s (with --replace if %s was in before and lost its state): %w", redact(p.url), p.from, id, id, err)
}

func rotateIn(dir string) func(context.Context, *nats.Conn) error {
	return func(ctx context.Context, nc *nats.Conn) error { return identity.Rotate(ctx, nc, dir) }
}

func followIn(dir string, trust *identity.Trust) func(context.Context, *nats.Conn) (identity.Followed, error) {
	return func(ctx context.Context, nc *nats.Conn) (identity.Followed, error) {
		return identity.Follow(ctx, nc, dir, trust)
	}
}

// member is an agent by the identity that it joined with; at is another address
// of its broker, or "".
func member(c *cli.Context, state, at string) (membership, error) {
	dir := identityIn(state)
	id, err := identity.Load(dir)
	if err != nil {
		return membership{}, err
	}
	name := id.Credential.Name
	if c.IsSet("id") && c.String("id") != name {
		return membership{}, usage("--id %s: the identity in %s is %s: give another --state, or leave --id out", c.String("id"), dir, name)
	}
	if len(c.StringSlice("label")) > 0 {
		return membership{}, usage("--label: the labels of %s came with its token: make another one with netmon token new agent --id %s --label NAME=VALUE", name, name)
	}
	labels := id.Credential.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		return membership{}, err
	}
	url := cmp.Or(at, id.URL)
	return membership{id: name, state: state, labels: labels, url: url, trust: trust, rotate: rotateIn(dir), follow: followIn(dir, trust),
		connect: endpoint{url: url, from: "the identity in " + dir, identity: dir}.connect}, nil
}
