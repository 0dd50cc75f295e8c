package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/userdirs"
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
	if s := userdirs.State("agent-" + id); s != "" {
		return s, nil
	}
	return "", userdirs.Homeless("--state")
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
	if as := joinID(); !c.IsSet("id") && c.String("state") == "" && !identity.Exists(identityIn(state)) && identity.Exists(identityIn(userdirs.State("agent-"+as))) {
		id, state = as, userdirs.State("agent-"+as) // it joined by a line for several
	}
	e := endpointOf(c)
	own, asked := identityIn(state), c.IsSet("broker") && strings.HasPrefix(e.From, "--broker")
	credited := len(c.StringSlice("creds")) > 0 || asked && (len(e.Creds) > 0 || e.Identity != "")
	switch {
	case identity.Exists(own) && !credited && asked:
		m, err := member(c, state, e.URL)
		if err == nil {
			fmt.Fprintf(c.App.ErrWriter, "netmon: as %s at %s, by the identity in %s; at a broker that asks nobody who they are give another --state\n", m.id, endpoint.Redact(m.url), own)
		}
		return m, err
	case identity.Exists(own) && !credited:
		return member(c, state, "")
	}
	if err := invocationOf(c).broker.err; err != nil {
		return membership{}, err
	}
	return memberAt(e, membership{id: id, state: state, url: e.URL, connect: e.Connect})
}

// memberAt is an agent at a broker by other credentials than its own, or none.
func memberAt(e endpoint.Endpoint, m membership) (membership, error) {
	switch {
	case e.Identity != "":
		who, err := identity.Load(e.Identity)
		if err != nil {
			return membership{}, err
		}
		if who.Credential.Role != wire.RoleAgent || who.Credential.Name != m.id {
			return membership{}, usage("%s, by %s: this broker wants to know who an agent is, and the identity there is %s %s: netmon token new agent --id %s makes a line for netmon agent --join",
				endpoint.Redact(e.URL), e.From, who.Credential.Role, who.Credential.Name, m.id)
		}
		if m.trust, err = identity.OpenTrust(e.Identity); err != nil {
			return membership{}, err
		}
		m.rotate, m.follow = rotateIn(e.Identity), followIn(e.Identity, m.trust)
	case len(e.Creds) > 0 && identity.NameIn(e.Creds[0]) != "":
		// With the key alone it would obey whoever comes through to it.
		return membership{}, usage("%s: it is of %s, who joined a mesh; an agent needs the whole identity, to know whom it obeys: --creds FOLDER, where identity.json and ca.pem are, too",
			e.Creds[0], identity.NameIn(e.Creds[0]))
	case len(e.Creds) == 0:
		m.connect = e.AsStranger(m.id)
	}
	return m, nil
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
		connect: endpoint.Endpoint{URL: url, From: "the identity in " + dir, Identity: dir}.Connect}, nil
}
