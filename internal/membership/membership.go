package membership

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// Membership is how an agent belongs to a mesh: by an identity that it joined
// with, or as whoever it says it is.
type Membership struct {
	ID      string
	State   string            // folder of the agent
	Labels  map[string]string // nil: those of --label
	Connect func(...nats.Option) (*nats.Conn, error)
	URL     string
	Trust   *identity.Trust // whose commands count; nil: those of whoever the broker lets in
	Rotate  func(context.Context, *nats.Conn) error
	Follow  func(context.Context, *nats.Conn) (identity.Followed, error)
}

// Wanted is what somebody who starts an agent says of it.
type Wanted struct {
	ID          string
	IDGiven     bool   // or it is that of this host
	State       string // folder of the agent; "" for that of its id
	Labels      bool   // some were given
	Line        string // that lets it in; "" for none
	Endpoint    endpoint.Endpoint
	BrokerGiven bool
	CredsGiven  bool
	Undecided   error     // why there is no endpoint
	Say         io.Writer // what the person who starts it should know
}

// IdentityFolder is where an agent with this state folder keeps its identity.
func IdentityFolder(state string) string { return filepath.Join(state, "identity") }

// stateOf is the folder of an agent with this id.
func (w Wanted) stateOf(id string) (string, error) {
	return StateOf(w.State, id)
}

// StateOf is the folder of an agent with this id, unless another one is given.
func StateOf(given, id string) (string, error) {
	if given != "" {
		return given, nil
	}
	if s := userdirs.State("agent-" + id); s != "" {
		return s, nil
	}
	return "", userdirs.Homeless("--state")
}

// Find joins by --join, or finds the earlier identity, or takes the
// broker that is chosen without one.
func Find(ctx context.Context, w Wanted) (Membership, error) {
	if w.Line != "" {
		return w.join(ctx, w.Line)
	}
	id := w.ID
	state, err := w.stateOf(id)
	if err != nil {
		return Membership{}, err
	}
	if as := JoinID(); !w.IDGiven && w.State == "" && !identity.Exists(IdentityFolder(state)) && identity.Exists(IdentityFolder(userdirs.State("agent-"+as))) {
		id, state = as, userdirs.State("agent-"+as) // it joined by a line for several
	}
	e := w.Endpoint
	own, asked := IdentityFolder(state), w.BrokerGiven && strings.HasPrefix(e.From, "--broker")
	credited := w.CredsGiven || asked && (len(e.Creds) > 0 || e.Identity != "")
	switch {
	case identity.Exists(own) && !credited && asked:
		m, err := w.member(state, e.URL)
		if err == nil {
			fmt.Fprintf(w.Say, "netmon: as %s at %s, by the identity in %s; for a broker without identities give another --state\n", m.ID, endpoint.Redact(m.URL), own)
		}
		return m, err
	case identity.Exists(own) && !credited:
		return w.member(state, "")
	}
	if w.Undecided != nil {
		return Membership{}, w.Undecided
	}
	return memberAt(e, Membership{ID: id, State: state, URL: e.URL, Connect: e.Connect})
}

// memberAt is an agent at a broker by other credentials than its own, or none.
func memberAt(e endpoint.Endpoint, m Membership) (Membership, error) {
	switch {
	case e.Identity != "":
		who, err := identity.Load(e.Identity)
		if err != nil {
			return Membership{}, err
		}
		if who.Credential.Role != wire.RoleAgent || who.Credential.Name != m.ID {
			return Membership{}, exit.Usage("%s, by %s: this broker requires the identity of an agent, and the identity there is %s %s: netmon token new agent --id %s makes a line for netmon agent --join",
				endpoint.Redact(e.URL), e.From, who.Credential.Role, who.Credential.Name, m.ID)
		}
		if m.Trust, err = identity.OpenTrust(e.Identity); err != nil {
			return Membership{}, err
		}
		m.Rotate, m.Follow = RotateIn(e.Identity), FollowIn(e.Identity, m.Trust)
	case len(e.Creds) > 0 && identity.NameIn(e.Creds[0]) != "":
		// With the key alone it would obey whoever comes through to it.
		return Membership{}, exit.Usage("%s: it is of %s, who joined a mesh; an agent needs the whole identity, to know whom it obeys: --creds FOLDER, where identity.json and ca.pem are, too",
			e.Creds[0], identity.NameIn(e.Creds[0]))
	case len(e.Creds) == 0:
		m.Connect = e.AsStranger(m.ID)
	}
	return m, nil
}

func RotateIn(dir string) func(context.Context, *nats.Conn) error {
	return func(ctx context.Context, nc *nats.Conn) error { return identity.Rotate(ctx, nc, dir) }
}

func FollowIn(dir string, trust *identity.Trust) func(context.Context, *nats.Conn) (identity.Followed, error) {
	return func(ctx context.Context, nc *nats.Conn) (identity.Followed, error) {
		return identity.Follow(ctx, nc, dir, trust)
	}
}

// member is an agent by the identity that it joined with; at is another address
// of its broker, or "".
func (w Wanted) member(state, at string) (Membership, error) {
	dir := IdentityFolder(state)
	id, err := identity.Load(dir)
	if err != nil {
		return Membership{}, err
	}
	name := id.Credential.Name
	if w.IDGiven && w.ID != name {
		return Membership{}, exit.Usage("--id %s: the identity in %s is %s: give another --state, or leave --id out", w.ID, dir, name)
	}
	if w.Labels {
		return Membership{}, exit.Usage("--label: the labels of %s came with its token: make another one with netmon token new agent --id %s --label NAME=VALUE", name, name)
	}
	labels := id.Credential.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	trust, err := identity.OpenTrust(dir)
	if err != nil {
		return Membership{}, err
	}
	url := cmp.Or(at, id.URL)
	return Membership{ID: name, State: state, Labels: labels, URL: url, Trust: trust, Rotate: RotateIn(dir), Follow: FollowIn(dir, trust),
		Connect: endpoint.Endpoint{URL: url, From: "the identity in " + dir, Identity: dir}.Connect}, nil
}
