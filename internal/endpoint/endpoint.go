package endpoint

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/identity"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// Endpoint is the broker that a command is for, and who said so.
type Endpoint struct {
	URL   string
	Creds []string
	From  string // such as --broker, or context office
	// identity is the folder of one that joined this broker, instead of creds.
	Identity string
}

// takeFolder takes the identity whose own file of credentials was given: besides
// the key that holds the authority, by which the broker is known, and what others
// signed is checked.
func (e *Endpoint) takeFolder() error {
	if len(e.Creds) != 1 {
		return nil
	}
	folder := identity.FolderOf(e.Creds[0])
	if folder == "" {
		return nil
	}
	id, err := identity.Load(folder)
	if err != nil {
		return exit.Usage("credentials for %s, by %s: %w", Redact(e.URL), e.From, err)
	}
	e.Identity, e.Creds = folder, nil
	if e.From == fromDefault {
		e.URL = id.URL
	}
	return nil
}

// fromDefault says that nobody chose a broker.
const fromDefault = "the default"

// CheckCreds reports every file of credentials that cannot be read, or holds a
// key and is not this user's alone. Of two the first is a JWT, and no secret.
func CheckCreds(files []string) error {
	var errs []error
	for i, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			errs = append(errs, err)
		} else if i == len(files)-1 {
			errs = append(errs, private.Err(private.Secret(file)))
		}
	}
	return errors.Join(errs...)
}

// Choose looks at the flag, then environment, then the context in use, then
// the default. Flags that are not given are "". A context's credentials go to
// its own broker only.
func Choose(broker, inContext string, creds []string) (Endpoint, error) {
	e, err := chosenEndpoint(broker, inContext, creds)
	if err == nil {
		err = e.takeFolder()
	}
	return e, err
}

func chosenEndpoint(broker, inContext string, creds []string) (Endpoint, error) {
	if env := os.Getenv("NETMON_CREDS"); len(creds) == 0 && env != "" {
		creds = filepath.SplitList(env)
	}
	if len(creds) > 2 {
		return Endpoint{}, exit.Usage("--creds: want one .creds file, or a JWT and its seed, got %d files", len(creds))
	}
	if len(creds) == 1 && identity.Exists(creds[0]) && inContext == "" {
		return identityEndpoint(broker, creds[0])
	}
	env := os.Getenv("NETMON_BROKER")
	switch {
	case len(creds) == 1 && inContext != "" && identity.Exists(creds[0]):
		return Endpoint{}, exit.Usage("--context %s and the identity %s both say where and who: give one of them (--creds, NETMON_CREDS)", inContext, creds[0])
	case broker != "" && inContext != "":
		return Endpoint{}, exit.Usage("--broker %s and --context %s both say where: give one of them", Redact(broker), inContext)
	case broker != "":
		return fixedEndpoint("--broker", broker, creds)
	case inContext == "" && env != "":
		return fixedEndpoint("NETMON_BROKER", env, creds)
	}
	f, err := LoadContexts(ContextsPath())
	if err != nil {
		return Endpoint{}, err
	}
	name := f.Current
	for _, asked := range []string{os.Getenv("NETMON_CONTEXT"), inContext} {
		if asked != "" {
			name = asked
		}
	}
	if name == "" {
		return localEndpoint(creds)
	}
	chosen, err := f.Get(name)
	if err != nil {
		return Endpoint{}, err
	}
	if len(creds) == 0 {
		creds = chosen.Creds
	}
	e := Endpoint{URL: chosen.Broker, Creds: creds, From: "context " + name}
	if len(creds) == 0 {
		e.Identity = chosen.Identity
	}
	return e, nil
}

// identityEndpoint is the broker that somebody joined, or another address of it.
func identityEndpoint(broker, folder string) (Endpoint, error) {
	id, err := identity.Load(folder)
	if err != nil {
		return Endpoint{}, exit.Usage("--creds: %w", err)
	}
	if broker == "" {
		broker = id.URL
	}
	if err := checkBrokerURL(broker); err != nil {
		return Endpoint{}, exit.Usage("--broker: %w", err)
	}
	return Endpoint{URL: broker, From: "--creds " + folder, Identity: folder}, nil
}

func fixedEndpoint(from, url string, creds []string) (Endpoint, error) {
	if err := checkBrokerURL(url); err != nil {
		return Endpoint{}, exit.Usage("%s: %w", from, err)
	}
	if len(creds) == 0 {
		if e, ok := localAdmin(from, url); ok {
			return e, nil
		}
	}
	return Endpoint{URL: url, Creds: creds, From: from}, nil
}

// Get is the context of this name, or an error that lists those that there are.
func (f Contexts) Get(name string) (Context, error) {
	if c, ok := f.Contexts[name]; ok {
		return c, nil
	}
	if ContextsPath() == "" {
		return Context{}, userdirs.Homeless("")
	}
	if len(f.Contexts) == 0 {
		return Context{}, exit.Usage("there is no context %q, and no other: netmon context add %s --broker URL", name, wire.MakeToken(name))
	}
	return Context{}, exit.Usage("there is no context %q: one of %s (%s)", name, strings.Join(f.Names(), ", "), ContextsPath())
}

// options are what a connection to it needs.
func (p Endpoint) options() ([]nats.Option, error) {
	switch {
	case p.Identity != "":
		id, err := identity.Load(p.Identity)
		if err != nil {
			return nil, exit.Usage("%s: %w", p.From, err)
		}
		return id.Options(p.Identity)
	case CheckCreds(p.Creds) != nil:
		return nil, exit.Usage("%s: %w", p.From, CheckCreds(p.Creds))
	case len(p.Creds) > 0:
		return []nats.Option{identity.UserCredentials(p.Creds[0], p.Creds[1:]...)}, nil
	}
	return nil, nil
}

// Person is who we are there, where the broker has identities.
func (p Endpoint) Person() console.Person {
	switch {
	case p.Identity != "":
		return PersonIn(p.Identity)
	case len(p.Creds) > 0: // the seed is in the last one
		who := console.Person{Name: identity.NameIn(p.Creds[0]), Signer: identity.SignByFile(p.Creds[len(p.Creds)-1])}
		if ca, err := os.ReadFile(identity.CA(filepath.Dir(p.Creds[0]))); err == nil && who.Name != "" {
			who.Authority = string(ca)
		}
		return who
	}
	return console.Person{}
}

// PersonIn is whoever has the identity of a folder.
func PersonIn(folder string) console.Person {
	id, err := identity.Load(folder)
	if err != nil {
		return console.Person{} // connecting says what is wrong
	}
	return console.Person{Name: id.Credential.Name, Signer: identity.SignByFile(identity.Creds(folder)), Authority: id.Authority, Folder: folder}
}

// Connect makes a NATS connection to it.
func (p Endpoint) Connect(o ...nats.Option) (*nats.Conn, error) {
	options, err := p.options()
	if err != nil {
		return nil, err
	}
	return nats.Connect(p.URL, append(options, o...)...)
}

// Explain says where nobody answered, who chose that place, and what to do.
func (p Endpoint) Explain(err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown) && p.Identity != "":
		return fmt.Errorf("%s, by %s: %w: its certificate is from another authority than the one that you joined: the mesh changed its authority without you, this is another broker, or somebody is in between. Ask an admin (netmon access authority shows the fingerprint there); a new line, netmon token new console there, lets you in again: netmon context add NAME --join LINE --replace", Redact(p.URL), p.From, console.ErrUnreachable)
	case errors.As(err, &unknown) && p.Identity == "":
		return fmt.Errorf("%s, by %s: %w: its certificate is of a mesh that you did not join: on the broker's own host run this as the broker's user, or as root; elsewhere netmon context add NAME --join LINE, with a line of its admin (netmon token new console)", Redact(p.URL), p.From, console.ErrUnreachable)
	case p.Identity != "" && (errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthRevoked)):
		return fmt.Errorf("%s, by %s: %w: the broker does not let this identity in: it was shut out, or the broker has another store; ask an admin for a new line (netmon token new console), for netmon context add NAME --join LINE --replace", Redact(p.URL), p.From, err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return fmt.Errorf("%s, by %s: %w: the broker does not let us in: --creds FILE, or netmon context add NAME --broker URL --creds FILE", Redact(p.URL), p.From, err)
	}
	return fmt.Errorf("%s, by %s: %w: is `netmon up` or `netmon broker` running there? (--broker, NETMON_BROKER, netmon context ls)", Redact(p.URL), p.From, err)
}

// ConnectBy is the time that connecting may take: a little longer than ctx
// lasts, so that it is ctx that ended.
func ConnectBy(ctx context.Context) []nats.Option {
	end, ok := ctx.Deadline()
	if left := time.Until(end); ok && left < connectPatience {
		return []nats.Option{nats.Timeout(max(left, 0) + 10*time.Millisecond)}
	}
	return nil
}

const connectPatience = 3 * time.Second // of console.Connect
