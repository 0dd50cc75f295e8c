package membership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// Notifier is how a notifier belongs to a mesh: by an identity that it joined with, as
// the broker's own process does, or at a mesh that asks nobody.
type Notifier struct {
	Name    string
	URL     string
	Connect func(...nats.Option) (*nats.Conn, error)
	// CheckSaved says whether the mesh let in what is saved; nil: it asks nobody who
	// saves. A setting that it has an error for counts for nothing.
	CheckSaved func(subject, operation, accepted, proof string, data []byte) error

	identity string // folder; "" for none
}

// How often a notifier asks whether another authority takes over, and for how long.
const (
	notifierFollowEvery  = 10 * time.Second
	notifierFollowWithin = 3 * time.Second
)

// KeepUp keeps the identity up with the authority of the mesh, until ctx ends.
func (n Notifier) KeepUp(ctx context.Context, nc *nats.Conn, log *slog.Logger) {
	if n.identity == "" {
		return
	}
	trust, err := identity.OpenTrust(n.identity)
	if err != nil {
		log.Error("cannot follow the authority of the mesh", "error", err)
		return
	}
	for {
		if nc.IsConnected() {
			try, cancel := context.WithTimeout(ctx, notifierFollowWithin)
			f, err := identity.Follow(try, nc, n.identity, trust) // what fails comes again: netmon access authority shows who is waited for
			cancel()
			switch {
			case err != nil || f.Pin == "":
			case f.Over:
				log.Warn("the mesh changed its authority: the previous one no longer counts here", "authority", f.Pin)
			case f.Dropped:
				log.Warn("the change of the authority was given up", "authority", f.Pin)
			default:
				log.Warn("the mesh is changing its authority: until then both count here", "authority", f.Pin)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(notifierFollowEvery):
		}
	}
}

// notifierPrefix is that of the folder of a notifier, among this user's state.
const notifierPrefix = "notifier-"

// notifierState is the folder of a notifier of this name, unless another one is given.
func (w Wanted) notifierState(name string) (string, error) {
	if w.State != "" {
		return w.State, nil
	}
	if s := userdirs.State(notifierPrefix + name); s != "" {
		return s, nil
	}
	return "", userdirs.Homeless("--state")
}

// notifierFolders are the folders in which a notifier of this host may be at home.
func (w Wanted) notifierFolders() (states []string, err error) {
	switch {
	case w.State != "":
		return []string{w.State}, nil
	case w.IDGiven:
		state, err := w.notifierState(w.ID)
		return []string{state}, err
	case userdirs.State() == "":
		return nil, nil
	}
	all, err := filepath.Glob(filepath.Join(userdirs.State(), notifierPrefix+"*"))
	for _, state := range all {
		if identity.Exists(IdentityFolder(state)) {
			states = append(states, state)
		}
	}
	return states, err
}

// FindNotifier joins by a line, or finds the earlier identity, or takes the broker
// that is chosen without one. Of w it knows ID and IDGiven, a name to choose among several of
// this host by, and all but Labels.
func FindNotifier(ctx context.Context, w Wanted) (Notifier, error) {
	places, err := w.notifierFolders()
	if err != nil {
		return Notifier{}, err
	}
	if w.Line != "" {
		return w.joinNotifier(ctx, places)
	}
	e := w.Endpoint
	asked := w.BrokerGiven && strings.HasPrefix(e.From, "--broker")
	credited := w.CredsGiven || asked && (len(e.Creds) > 0 || e.Identity != "")
	switch {
	case credited, len(places) == 0, !identity.Exists(IdentityFolder(places[0])):
	case len(places) > 1:
		return Notifier{}, exit.Usage("which one? notifiers of this host that joined: %s: choose one with --name", strings.Join(namesOf(places), ", "))
	case asked:
		return w.notifierIn(IdentityFolder(places[0]), e.URL)
	default:
		return w.notifierIn(IdentityFolder(places[0]), "")
	}
	switch {
	case w.Undecided != nil:
		return Notifier{}, w.Undecided
	case e.Identity != "":
		return w.notifierIn(e.Identity, e.URL)
	case len(e.Creds) > 0 && identity.NameIn(e.Creds[0]) != "":
		// With the key alone it would believe whatever is in the bucket of settings.
		return Notifier{}, exit.Usage("%s: it is of %s, who joined a mesh; a notifier needs the whole identity, to know whose settings count: --creds FOLDER, where identity.json and ca.pem are, too",
			e.Creds[0], identity.NameIn(e.Creds[0]))
	}
	return Notifier{Name: cmp.Or(w.ID, HostID()), URL: e.URL, Connect: e.Connect}, nil
}

// namesOf are those of the notifiers with these folders.
func namesOf(states []string) (names []string) {
	for _, s := range states {
		names = append(names, strings.TrimPrefix(filepath.Base(s), notifierPrefix))
	}
	return names
}

// joinNotifier exchanges a line for an identity, unless it was exchanged here before: a
// unit or a container may keep it. One that is of that mesh already continues as it is
// where the line lets nobody in any more, if it is clear which one is meant.
func (w Wanted) joinNotifier(ctx context.Context, places []string) (Notifier, error) {
	line, err := identity.ParseLine(w.Line)
	if err != nil {
		return Notifier{}, exit.Usage("--join: %w", err)
	}
	for _, state := range places {
		if dir := IdentityFolder(state); line.UsedFor(dir) {
			return w.notifierIn(dir, "")
		}
	}
	folder := userdirs.State()
	if w.State != "" {
		folder = IdentityFolder(w.State)
	}
	if folder == "" {
		return Notifier{}, userdirs.Homeless("--state")
	}
	if err := private.Err(private.Tree(folder)); err != nil && w.State != "" {
		return Notifier{}, exit.Usage("%w", err)
	}
	id, dir, err := identity.Join(ctx, line, identity.Joiner{As: wire.JoinNotifier, Folder: folder, Dir: func(got wire.Credential) (string, error) {
		state, err := w.notifierState(got.Name)
		return IdentityFolder(state), err
	}})
	if err == nil {
		fmt.Fprintf(w.Say, "joined as %s; its key is in %s and nowhere else\n", id.Credential.Name, dir)
		return w.notifierIn(dir, "")
	}
	if len(places) == 1 && (w.State != "" || w.IDGiven) {
		own := IdentityFolder(places[0])
		if have, loadErr := identity.Load(own); loadErr == nil && identity.Fingerprint([]byte(have.Authority)) == line.Pin {
			fmt.Fprintf(w.Say, "netmon: using the identity in %s; the line was not used: %v\n", own, err)
			return w.notifierIn(own, "")
		}
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == wire.CodeToken {
		err = fmt.Errorf("%w\na notifier that was in before and lost its state comes back by a line of netmon token new notifier --name NAME --replace", err)
	}
	return Notifier{}, err
}

// notifierIn is a notifier by the identity of a folder; at is another address of its
// broker, or "".
func (w Wanted) notifierIn(dir, at string) (Notifier, error) {
	id, err := identity.Load(dir)
	if err != nil {
		return Notifier{}, err
	}
	name := id.Credential.Name
	switch {
	case id.Credential.Role != wire.RoleNotifier:
		return Notifier{}, exit.Usage("%s: the identity in %s is %s %s, and this mesh lets in only notifiers to send notices: netmon token new notifier --name NAME makes a line for netmon notifier --join",
			endpoint.Redact(cmp.Or(at, id.URL)), dir, id.Credential.Role, name)
	case w.IDGiven && w.ID != name:
		return Notifier{}, exit.Usage("--name %s: the identity in %s is %s: give another --state, or leave --name out", w.ID, dir, name)
	}
	url := cmp.Or(at, id.URL)
	return Notifier{Name: name, URL: url, CheckSaved: identity.OperatorsOf(dir).CheckSaved, identity: dir,
		Connect: endpoint.Endpoint{URL: url, From: "the identity in " + dir, Identity: dir}.Connect}, nil
}
