package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/identity"
	"netmon/internal/private"
	"netmon/wire"
)

// endpoint is the broker that a command is for, and who said so.
type endpoint struct {
	url   string
	creds []string
	from  string // such as --broker, or context office
	// identity is the folder of one that joined this broker, instead of creds.
	identity string
}

// brokerFlag is --broker. A command that has it is given --context and --creds
// too, and what c.String("broker") says has been decided before it runs.
func brokerFlag() cli.Flag {
	return &cli.StringFlag{Name: "broker", DefaultText: "that of the context, else " + console.DefaultBroker,
		Usage: "`URL` of the broker; several, by commas, of a cluster [$NETMON_BROKER]"}
}

func endpointFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "context", Usage: "`NAME` of a broker, as netmon context ls shows them [$NETMON_CONTEXT]"},
		&cli.StringSliceFlag{Name: "creds", Usage: "`FILE` of NATS credentials, twice for a JWT and its seed; or the folder of an identity [$NETMON_CREDS]"},
	}
}

// withEndpoint makes a command that has --broker decide on one before it runs.
// One that has its own Before decides there, if at all.
func withEndpoint(c *cli.Command) {
	if find(c.Flags, "broker") == nil || find(c.Flags, "creds") != nil {
		return
	}
	c.Flags = slices.Concat(c.Flags, endpointFlags())
	if c.Before == nil {
		c.Before = decideEndpoint
	}
}

// decideEndpoint says with which broker the command has to do.
func decideEndpoint(c *cli.Context) error {
	if c.IsSet("broker") && c.String("broker") == "" {
		return usage("--broker: want a URL such as nats://host:4222, got nothing")
	}
	e, err := chooseEndpoint(c.String("broker"), c.String("context"), c.StringSlice("creds"))
	if err != nil {
		return err
	}
	if err := checkCreds(e.creds); err != nil {
		return usage("credentials for %s, by %s: %w", redact(e.url), e.from, err)
	}
	invocationOf(c).broker = decision{endpoint: e, asked: c.IsSet("broker")}
	return c.Set("broker", e.url)
}

// takeFolder takes the identity whose own file of credentials was given: besides
// the key that holds the authority, by which the broker is known, and what others
// signed is checked.
func (e *endpoint) takeFolder() error {
	if len(e.creds) != 1 {
		return nil
	}
	folder := identity.FolderOf(e.creds[0])
	if folder == "" {
		return nil
	}
	id, err := identity.Load(folder)
	if err != nil {
		return usage("credentials for %s, by %s: %w", redact(e.url), e.from, err)
	}
	e.identity, e.creds = folder, nil
	if e.from == fromDefault {
		e.url = id.URL
	}
	return nil
}

// fromDefault says that nobody chose a broker.
const fromDefault = "the default"

// checkCreds reports every file of credentials that cannot be read, or holds a
// key and is not this user's alone. Of two the first is a JWT, and no secret.
func checkCreds(files []string) error {
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

// chooseEndpoint goes by flag, then environment, then the context in use, then
// the default. Flags that are not given are "". A context's credentials go to
// its own broker only.
func chooseEndpoint(broker, inContext string, creds []string) (endpoint, error) {
	e, err := chosenEndpoint(broker, inContext, creds)
	if err == nil {
		err = e.takeFolder()
	}
	return e, err
}

func chosenEndpoint(broker, inContext string, creds []string) (endpoint, error) {
	if env := os.Getenv("NETMON_CREDS"); len(creds) == 0 && env != "" {
		creds = filepath.SplitList(env)
	}
	if len(creds) > 2 {
		return endpoint{}, usage("--creds: want one .creds file, or a JWT and its seed, got %d files", len(creds))
	}
	if len(creds) == 1 && identity.Exists(creds[0]) && inContext == "" {
		return identityEndpoint(broker, creds[0])
	}
	env := os.Getenv("NETMON_BROKER")
	switch {
	case len(creds) == 1 && inContext != "" && identity.Exists(creds[0]):
		return endpoint{}, usage("--context %s and the identity %s both say where and who: give one of them (--creds, NETMON_CREDS)", inContext, creds[0])
	case broker != "" && inContext != "":
		return endpoint{}, usage("--broker %s and --context %s both say where: give one of them", redact(broker), inContext)
	case broker != "":
		return fixedEndpoint("--broker", broker, creds)
	case inContext == "" && env != "":
		return fixedEndpoint("NETMON_BROKER", env, creds)
	}
	f, err := loadContexts(contextsPath())
	if err != nil {
		return endpoint{}, err
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
	chosen, err := f.get(name)
	if err != nil {
		return endpoint{}, err
	}
	if len(creds) == 0 {
		creds = chosen.Creds
	}
	e := endpoint{url: chosen.Broker, creds: creds, from: "context " + name}
	if len(creds) == 0 {
		e.identity = chosen.Identity
	}
	return e, nil
}

// identityEndpoint is the broker that somebody joined, or another address of it.
func identityEndpoint(broker, folder string) (endpoint, error) {
	id, err := identity.Load(folder)
	if err != nil {
		return endpoint{}, usage("--creds: %w", err)
	}
	if broker == "" {
		broker = id.URL
	}
	if err := checkBrokerURL(broker); err != nil {
		return endpoint{}, usage("--broker: %w", err)
	}
	return endpoint{url: broker, from: "--creds " + folder, identity: folder}, nil
}

func fixedEndpoint(from, url string, creds []string) (endpoint, error) {
	if err := checkBrokerURL(url); err != nil {
		return endpoint{}, usage("%s: %w", from, err)
	}
	if len(creds) == 0 {
		if e, ok := localAdmin(from, url); ok {
			return e, nil
		}
	}
	return endpoint{url: url, creds: creds, from: from}, nil
}

// get is the context of this name, or an error that lists those that there are.
func (f contexts) get(name string) (brokerContext, error) {
	if c, ok := f.Contexts[name]; ok {
		return c, nil
	}
	if contextsPath() == "" {
		return brokerContext{}, errHomeless("")
	}
	if len(f.Contexts) == 0 {
		return brokerContext{}, usage("there is no context %q, and no other: netmon context add %s --broker URL", name, wire.MakeToken(name))
	}
	return brokerContext{}, usage("there is no context %q: one of %s (%s)", name, strings.Join(f.names(), ", "), contextsPath())
}

// endpointOf is what withEndpoint decided.
func endpointOf(c *cli.Context) endpoint {
	if e := invocationOf(c).broker.endpoint; e.url != "" {
		return e
	}
	return endpoint{url: c.String("broker"), from: "--broker"}
}

// options are what a connection to it needs.
func (p endpoint) options() ([]nats.Option, error) {
	switch {
	case p.identity != "":
		id, err := identity.Load(p.identity)
		if err != nil {
			return nil, usage("%s: %w", p.from, err)
		}
		return id.Options(p.identity)
	case checkCreds(p.creds) != nil:
		return nil, usage("%s: %w", p.from, checkCreds(p.creds))
	case len(p.creds) > 0:
		return []nats.Option{identity.UserCredentials(p.creds[0], p.creds[1:]...)}, nil
	}
	return nil, nil
}

// person is who we are there, where the broker knows who is who.
func (p endpoint) person() console.Person {
	switch {
	case p.identity != "":
		return personOf(p.identity)
	case len(p.creds) > 0: // the seed is in the last one
		who := console.Person{Name: identity.NameIn(p.creds[0]), Signer: identity.SignByFile(p.creds[len(p.creds)-1])}
		if ca, err := os.ReadFile(identity.CA(filepath.Dir(p.creds[0]))); err == nil && who.Name != "" {
			who.Authority = string(ca)
		}
		return who
	}
	return console.Person{}
}

// personOf is whoever has the identity of a folder.
func personOf(folder string) console.Person {
	id, err := identity.Load(folder)
	if err != nil {
		return console.Person{} // connecting says what is wrong
	}
	return console.Person{Name: id.Credential.Name, Signer: identity.SignByFile(identity.Creds(folder)), Authority: id.Authority, Folder: folder}
}

// connect makes a NATS connection to it.
func (p endpoint) connect(o ...nats.Option) (*nats.Conn, error) {
	options, err := p.options()
	if err != nil {
		return nil, err
	}
	return nats.Connect(p.url, append(options, o...)...)
}

// withBroker runs do with a connected console: the prompt's, for its commands.
func withBroker(c *cli.Context, do func(ctx context.Context, cl *console.Client) error) error {
	if s := invocationOf(c).session; s != nil {
		return s.with(c.Context, do)
	}
	p := endpointOf(c)
	cl, err := console.ConnectAs(p.person(), p.connect, connectBy(c.Context)...)
	if err != nil {
		return p.explain(err)
	}
	defer cl.Close()
	return do(c.Context, cl)
}

// explain says where nobody answered, who chose that place, and what to do.
func (p endpoint) explain(err error) error {
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown) && p.identity != "":
		return fmt.Errorf("%s, by %s: %w: its certificate is of another authority than the one that you joined: the mesh changed its authority without you, or it is another broker, or somebody between. Ask an admin (netmon access authority shows the fingerprint there); a new line, netmon token new console there, lets you in again: netmon context add NAME --join LINE --replace", redact(p.url), p.from, console.ErrUnreachable)
	case errors.As(err, &unknown) && p.identity == "":
		return fmt.Errorf("%s, by %s: %w: its certificate is of a mesh that you did not join: on the broker's own host run this as the broker's user, or as root; elsewhere netmon context add NAME --join LINE, with a line of its admin (netmon token new console)", redact(p.url), p.from, console.ErrUnreachable)
	case p.identity != "" && (errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthRevoked)):
		return fmt.Errorf("%s, by %s: %w: the broker does not let this identity in: it was shut out, or the broker has another store; an admin makes a new line (netmon token new console), for netmon context add NAME --join LINE --replace", redact(p.url), p.from, err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return fmt.Errorf("%s, by %s: %w: the broker does not let us in: --creds FILE, or netmon context add NAME --broker URL --creds FILE", redact(p.url), p.from, err)
	}
	return fmt.Errorf("%s, by %s: %w: is `netmon up` or `netmon broker` running there? (--broker, NETMON_BROKER, netmon context ls)", redact(p.url), p.from, err)
}
