package host

import (
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/wire"
)

// Own is how the agent and the person in the broker's own process connect: by
// identities like anybody else's. id is
// the agent's, state its folder.
func (b *Broker) Own(id string, labels map[string]string, state string, talk io.Writer) (membership.Membership, endpoint.Broker, error) {
	agent, person := membership.Membership{ID: id, Connect: b.Connect}, endpoint.Broker{Connect: b.Connect, URL: b.URL()}
	if b.authority == nil {
		return agent, person, nil
	}
	dir := membership.IdentityFolder(state)
	as, err := b.authority.Enrol(dir, b.URL(), wire.AccessCommand{Name: agent.ID, Role: wire.RoleAgent, Labels: labels})
	if errors.Is(err, access.ErrShutOut) && as.Credential.Name != "" {
		fmt.Fprintf(talk, "netmon: the agent of this process, %v: it keeps measuring, but nobody gets its results; to let it in again: netmon token new agent --id %s, then restart this\n", err, agent.ID)
		err = nil
	}
	if err != nil {
		return agent, person, err
	}
	agent.Connect, agent.Labels = By(b.Connect, as, dir), labels
	agent.Rotate = membership.RotateIn(dir)
	if agent.Trust, err = identity.OpenTrust(dir); err != nil {
		return agent, person, err
	}
	agent.Follow = membership.FollowIn(dir, agent.Trust)
	admin := b.authority.Admin()
	who, err := identity.Load(admin)
	person.Connect, person.Identity, person.Who = By(b.Connect, who, admin), admin, endpoint.PersonIn(admin)
	return agent, person, err
}

// Notifier is how the notifier in the broker's own process connects: where the mesh has
// identities in the role of one, by a key that is kept nowhere.
func (b *Broker) Notifier() (membership.Notifier, error) {
	n := membership.Notifier{Name: access.OwnNotifier, URL: b.URL(), Connect: b.Connect}
	if b.authority == nil {
		return n, nil
	}
	credential, err := b.authority.Built(wire.RoleNotifier, n.Name)
	n.Connect, n.CheckSaved = as(b.Connect, credential), b.authority.CheckSaved
	return n, err
}

// Notifier is [Broker.Notifier] for a controller at servers that are not of this process.
func (o Outside) Notifier() (membership.Notifier, error) {
	n := membership.Notifier{Name: access.OwnNotifier, URL: o.Endpoint.URL, Connect: o.Endpoint.Connect}
	if o.Authority == nil {
		return n, nil
	}
	credential, err := o.Authority.Outside(wire.RoleNotifier, n.Name)
	n.CheckSaved = o.Authority.CheckSaved
	n.Connect = func(more ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(o.Endpoint.URL, append(append([]nats.Option{nats.IgnoreAuthErrorAbort()}, credential...), more...)...)
	}
	return n, err
}

// By connects in this process with the identity of a folder.
func By(connect func(...nats.Option) (*nats.Conn, error), id identity.Identity, dir string) func(...nats.Option) (*nats.Conn, error) {
	return as(connect, []nats.Option{identity.UserCredentials(identity.Creds(dir)), nats.CustomInboxPrefix(id.Inbox())})
}
