package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/identity"
	"netmon/internal/private"
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

// undecidedKey is where the App's metadata say why there is no endpoint.
const undecidedKey = "undecided"

// decideForAgent is decideEndpoint for one that may know its broker by itself:
// which of this host's is meant matters only where it does not.
func decideForAgent(c *cli.Context) error {
	given := c.IsSet("broker") || len(c.StringSlice("creds")) > 0
	err := decideEndpoint(c)
	if err != nil && !given {
		c.App.Metadata[undecidedKey] = err
		return nil
	}
	return err
}

// memberOf joins by --join, or finds the identity of before, or takes the
// broker that is chosen without one.
func memberOf(c *cli.Context) (membership, error) {
	id := c.String("id")
	state, err := stateOfAgent(c, id)
	if err != nil {
		return membership{}, err
	}
	line, err := joinLine(c, c.String("join"))
	if err != nil {
		return membership{}, err
	}
	if line != "" {
		return join(c, line)
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
	if err, ok := c.App.Metadata[undecidedKey].(error); ok {
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
		connect: endpoint{url: url, from: "the identity in " + dir, identity: dir}.connect}, nil
}

// join exchanges a line for an identity. One that was exchanged here before is
// known again, so that a unit or a container may keep the line.
func join(c *cli.Context, text string) (membership, error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return membership{}, usage("--join: %w", err)
	}
	places, err := filepath.Glob(filepath.Join(stateDir(), "agent-*"))
	if err != nil {
		return membership{}, err
	}
	if s := c.String("state"); s != "" {
		places = []string{s}
	}
	for _, state := range places {
		if line.UsedFor(identityIn(state)) {
			return member(c, state, "")
		}
	}
	// The name of its folder comes with the token, which is used up by then.
	place := stateDir()
	if s := c.String("state"); s != "" {
		place = identityIn(s)
		if err := private.Err(private.Tree(place)); err != nil {
			return membership{}, usage("%w", err)
		}
	}
	if err := identity.CheckFolder(place); err != nil {
		return membership{}, err
	}
	var state string
	id, dir, err := identity.Join(c.Context, line, func(got wire.Credential) (string, error) {
		if got.Role != wire.RoleAgent {
			return "", usage("--join: the token is for a %s, and not for an agent; it is used up: make another one", got.Role)
		}
		state, err = stateOfAgent(c, got.Name)
		return identityIn(state), err
	})
	if err != nil {
		return membership{}, err
	}
	fmt.Fprintf(c.App.ErrWriter, "joined as %s; its key is in %s and nowhere else\n", id.Credential.Name, dir)
	return member(c, state, "")
}

// joinConsole exchanges a line for an identity among this user's settings.
func joinConsole(ctx context.Context, text string) (id identity.Identity, dir string, err error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return id, "", usage("--join: %w", err)
	}
	if err := identity.CheckFolder(configDir("identities")); err != nil {
		return id, "", err
	}
	id, dir, err = identity.Join(ctx, line, func(got wire.Credential) (string, error) {
		if got.Role == wire.RoleAgent {
			return "", usage("--join: the token is for an agent (netmon agent --join ...), and not for a person; it is used up: make another one")
		}
		return freeFolder(configDir("identities", got.Name)), nil
	})
	return id, dir, err
}

// freeFolder is a folder that does not exist yet.
func freeFolder(base string) string {
	dir := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", base, n)
	}
}
