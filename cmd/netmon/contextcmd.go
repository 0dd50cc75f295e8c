package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/userdirs"
	"netmon/wire"
)

func contextCommand() *cli.Command {
	return &cli.Command{
		Name:      "context",
		ArgsUsage: cmdline.Nothing,
		Usage:     "name several brokers, and choose one",
		UsageText: "netmon context add|ls|use|rm",
		Description: "A command goes to the broker of --broker or --context, else of NETMON_BROKER or\nNETMON_CONTEXT, else of the context in use, else to " +
			"this host: there to\nthe broker that answers, that of the usual --store first, where its own user and\nroot are admins if it has identities. The contexts are in\n" + userdirs.Shown(endpoint.ContextsPath()) + ".\n\n" +
			"   netmon context add office --broker nats://10.0.0.1:4222\n   netmon context use office\n   netmon get agents --context home",
		Action: func(c *cli.Context) error {
			return usage("context what? want add, ls, use or rm, got %q", c.Args().First())
		},
		Subcommands: []*cli.Command{contextAdd(), contextLs(), contextUse(), contextRm()},
	}
}

func contextAdd() *cli.Command {
	return &cli.Command{
		Name:        "add",
		ArgsUsage:   cmdline.Text,
		Usage:       "keep a broker under a name",
		UsageText:   "netmon context add NAME --broker URL [--creds FILE]... | --join LINE",
		Description: "The first context is in use at once, another one with --use. LINE is what `netmon\ntoken new console` prints: it lets you in once, and your key stays here.\nA line on a command line can be read in the list of processes; --join - and\nNETMON_JOIN keep it out of there.\n\n   netmon context add mesh --join - < line",
		Flags: []cli.Flag{
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "broker", Usage: "`URL` of the broker; several, by commas, of a cluster"}),
			cmdline.Takes(cmdline.Files, &cli.StringSliceFlag{Name: "creds", Usage: "`FILE` of NATS credentials; twice for a JWT and its seed"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "join", Usage: "`LINE` that lets you in at a broker, instead of --broker; - for that on standard input [$" + membership.LineEnv + "]"}),
			&cli.BoolFlag{Name: "use", Usage: "use it from now on", DisableDefaultText: true},
			&cli.BoolFlag{Name: "replace", Usage: "also where there is one of that name already", DisableDefaultText: true},
		},
		Before: func(*cli.Context) error { return nil }, // its --broker chooses nothing
		Action: func(c *cli.Context) error {
			name, err := oneArg(c, "name")
			if err != nil {
				return err
			}
			added := endpoint.Context{Broker: c.String("broker")}
			var p wire.Problems
			if err := wire.CheckToken(name); err != nil {
				p.Addf("", "name %w", err)
			}
			for _, file := range c.StringSlice("creds") {
				abs, err := filepath.Abs(file)
				p.Add("--creds", err)
				added.Creds = append(added.Creds, abs)
			}
			p.Add("--creds", endpoint.CheckCreds(added.Creds))
			line := c.String("join")
			if line == "" && added.Broker == "" && len(added.Creds) == 0 {
				line = os.Getenv(membership.LineEnv)
			}
			switch {
			case line != "" && (added.Broker != "" || len(added.Creds) > 0):
				p.Addf("--join", "says where and who already: leave out --broker and --creds")
			case line == "":
				for _, e := range wire.FieldErrors(added.Check()) {
					p.Add("--"+e.Path, e.Err)
				}
			}
			if err := p.Err(); err != nil {
				return usage("%w", err)
			}
			if line, err = membership.ReadLine(c.Context, c.App.Reader, line); err != nil {
				return err
			}
			unlock, err := endpoint.LockContexts()
			if err != nil {
				return err
			}
			defer unlock()
			f, err := endpoint.LoadContexts(endpoint.ContextsPath())
			if err != nil {
				return err
			}
			if old, ok := f.Contexts[name]; ok && !c.Bool("replace") {
				return fmt.Errorf("context %q exists already (%s): choose another name, or add --replace", name, endpoint.Redact(old.Broker))
			}
			if line != "" { // last: a line works once
				id, dir, err := membership.Console(c.Context, line)
				if err != nil {
					return err
				}
				added.Broker, added.Identity = id.URL, dir
				fmt.Fprintf(c.App.ErrWriter, "joined as %s (%s); the key is in %s and nowhere else\n", id.Credential.Name, id.Credential.Role, dir)
			}
			f.Contexts[name] = added
			if len(f.Contexts) == 1 || c.Bool("use") {
				f.Current = name
			}
			if err := f.Save(endpoint.ContextsPath()); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "context %s saved\n", name)
			if f.Current == name {
				if err := printInUse(c, name, added); err != nil || !c.Bool("use") {
					return err
				}
				return moveSession(c, name)
			}
			fmt.Fprintf(c.App.ErrWriter, "use it from now on: netmon context use %s\n", name)
			return nil
		},
	}
}

// printInUse says what is in use now, and what would still be heard before it.
func printInUse(c *cli.Context, name string, b endpoint.Context) error {
	fmt.Fprintf(c.App.Writer, "in use: %s, %s\n", name, endpoint.Redact(b.Broker))
	for _, env := range []string{"NETMON_BROKER", "NETMON_CONTEXT"} {
		if v := os.Getenv(env); v != "" && v != name {
			fmt.Fprintf(c.App.ErrWriter, "but %s=%s is set, and goes first\n", env, endpoint.Redact(v))
		}
	}
	return nil
}

// contextRow is a context as programs get it.
type contextRow struct {
	Name   string   `json:"name"`
	Broker string   `json:"broker"`
	Creds  []string `json:"creds,omitempty"`
	InUse  bool     `json:"in_use"`
}

func contextLs() *cli.Command {
	return &cli.Command{
		Name:        "ls",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "list the contexts, and mark the one in use",
		UsageText:   "netmon context ls [-o FORM]",
		Description: "Passwords in addresses are hidden.",
		Flags:       []cli.Flag{listFlag()},
		Action: func(c *cli.Context) error {
			f, err := endpoint.LoadContexts(endpoint.ContextsPath())
			if err != nil {
				return err
			}
			var rows []contextRow
			for _, name := range f.Names() {
				b := f.Contexts[name]
				rows = append(rows, contextRow{name, endpoint.Redact(b.Broker), b.Creds, name == f.Current})
			}
			return printList(c, output.Listing[contextRow]{Kind: "Contexts", Items: rows,
				None: "no context is saved; a first one: netmon context add office --broker nats://HOST:4222",
				Name: func(r contextRow) string { return r.Name },
				Columns: []output.Column[contextRow]{
					{Title: "IN USE", Cell: func(r contextRow) string { return map[bool]string{true: "*"}[r.InUse] }},
					{Title: "NAME", Cut: output.Naming, Cell: func(r contextRow) string { return r.Name }},
					{Title: "BROKER", Cut: output.Place, Cell: func(r contextRow) string { return r.Broker }},
					{Title: "CREDS", Cut: output.Place, Cell: func(r contextRow) string { return strings.Join(r.Creds, ",") }},
				}})
		},
	}
}

func contextUse() *cli.Command {
	return &cli.Command{
		Name:      "use",
		ArgsUsage: cmdline.Contexts,
		Usage:     "use a context from now on",
		UsageText: "netmon context use NAME",
		Action: func(c *cli.Context) error {
			unlock, err := endpoint.LockContexts()
			if err != nil {
				return err
			}
			defer unlock()
			name, f, err := namedContext(c)
			if err != nil {
				return err
			}
			f.Current = name
			if err := f.Save(endpoint.ContextsPath()); err != nil {
				return err
			}
			if err := printInUse(c, name, f.Contexts[name]); err != nil {
				return err
			}
			return moveSession(c, name)
		},
	}
}

// moveSession brings the prompt that this is a command of, if there is one, to
// a context.
func moveSession(c *cli.Context, name string) error {
	s := invocationOf(c).session
	if s == nil {
		return nil
	}
	e, err := endpoint.Choose("", name, nil)
	if err != nil {
		return err
	}
	if err := s.move(endpoint.BrokerOf(e)); err != nil {
		at, _, _ := s.now()
		return fmt.Errorf("%w\nthe prompt stays at %s", err, at.Shown())
	}
	return nil
}

func contextRm() *cli.Command {
	return &cli.Command{
		Name:        "rm",
		ArgsUsage:   cmdline.Contexts,
		Usage:       "forget a context; its broker and files stay as they are",
		UsageText:   "netmon context rm NAME",
		Description: "If it was in use, no context is: commands go to this host until you choose another.",
		Action: func(c *cli.Context) error {
			unlock, err := endpoint.LockContexts()
			if err != nil {
				return err
			}
			defer unlock()
			name, f, err := namedContext(c)
			if err != nil {
				return err
			}
			delete(f.Contexts, name)
			was := f.Current == name
			if was {
				f.Current = ""
			}
			if err := f.Save(endpoint.ContextsPath()); err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "context %s removed\n", name)
			if was {
				fmt.Fprintln(c.App.ErrWriter, "no context is in use now: netmon context use NAME")
			}
			return nil
		},
	}
}

// namedContext reads the file and the name of one context that is in it.
func namedContext(c *cli.Context) (name string, f endpoint.Contexts, err error) {
	if name, err = oneArg(c, "name"); err != nil {
		return "", f, err
	}
	if f, err = endpoint.LoadContexts(endpoint.ContextsPath()); err != nil {
		return "", f, err
	}
	_, err = f.Get(name)
	return name, f, err
}
