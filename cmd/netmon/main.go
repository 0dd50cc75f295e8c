// A negative serial number is against RFC 5280 section 4.1.2.2, and all common
// clients take it: what is measured must not depend on it.
//go:debug x509negativeserial=1

// Command netmon watches network services from many places at once.
//
// This package holds flags, files, signals and wiring; what netmon does is in
// the packages beside cmd.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // windows have zones of their own, and an image from scratch has no files of them

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/exit"
	"netmon/notify/shoutrrr"
	"netmon/wire"
)

// version is set by the build (-ldflags "-X main.version=1.2.3").
var version = "0.1.0"

// The codes that commands end with.
const (
	exitOK          = exit.OK
	exitNo          = exit.No
	exitUsage       = exit.WrongUse
	exitUnreachable = exit.Unreachable
	exitTimeout     = exit.TimedOut
	exitInterrupted = exit.Interrupted
)

func main() {
	log.SetOutput(io.Discard) // what libraries write there: see quietLibraries
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute is the whole program, as a function of its surroundings.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	if len(args) > 1 && args[1] == completeWord {
		cmdline.Complete(ctx, app, args[2:], stdout)
		return exitOK
	}
	if len(args) == 2 && args[1] == shoutrrr.Word { // the notifier started this, see notify/shoutrrr
		if err := shoutrrr.Execute(stdin, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return exitNo
		}
		return exitOK
	}
	return executeApp(ctx, &invocation{}, app, args)
}

// executeApp carries out one command line and returns its exit code.
func executeApp(ctx context.Context, i *invocation, app *cli.App, args []string) int {
	i.args = args
	err := run(ctx, i, app, args)
	var coded *exit.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case errors.Is(err, console.ErrUnreachable):
		coded = &exit.Error{Code: exitUnreachable, Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		coded = &exit.Error{Code: exitTimeout, Err: err}
	default:
		coded = &exit.Error{Code: exitNo, Err: err}
	}
	if isCheck(app, args) && coded.Err != nil {
		line, code := output.PluginFailed(coded.Err)
		fmt.Fprintln(app.Writer, line)
		return code
	}
	if coded.Err != nil {
		fmt.Fprintln(app.ErrWriter, "netmon:", console.PrintableText(coded.Err.Error()))
	}
	return coded.Code
}

// run carries out one command line, or says how to use the program.
func run(ctx context.Context, i *invocation, app *cli.App, args []string) error {
	args, err := expand(app, args)
	if err != nil {
		return err
	}
	if text, ok := cmdline.Help(app, args); ok {
		_, err := io.WriteString(app.Writer, text)
		return err
	}
	return app.RunContext(within(ctx, i), cmdline.Permute(app, args))
}

// usage is the error of a command that was called wrongly.
func usage(format string, args ...any) error { return exit.Usage(format, args...) }

func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:                      "netmon",
		Usage:                     "watch network services from many places at once, and see it live",
		Version:                   version,
		Reader:                    stdin,
		Writer:                    stdout,
		ErrWriter:                 stderr,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {}, // run decides
		Action: func(c *cli.Context) error {
			return unknownCommand(c.App, c.Args().First()) // with nothing it is help
		},
		Description: "netmon help COMMAND explains one, netmon docs commands all of them.\n" +
			"ls, ps, list and status stand for get monitors, and ping HOST for probe icmp HOST.\n\n" +
			documentsNamed(),
	}
	for _, group := range []struct {
		title    string
		commands []*cli.Command
	}{
		{"Start", []*cli.Command{upCommand(), consoleCommand(), dashCommand(), webCommand(), statusPageCommand(), exportCommand(), doctorCommand(), docsCommand(), versionCommand(), completionCommand()}},
		{"Measure and look", []*cli.Command{probeCommand(), getCommand(), showCommand(), watchCommand(), explainCommand(), runCommand(), checkCommand(), waitCommand(), statsCommand(), uptimeCommand(), graphCommand(), backtestCommand()}},
		{"Change monitors", []*cli.Command{addCommand(), setCommand(), editCommand(), renameCommand(), copyCommand(), startCommand(), stopCommand(), deleteCommand(), historyCommand(), rollbackCommand(), recoverCommand()}},
		{"Files and configurations", []*cli.Command{applyCommand(), diffCommand(), validateCommand(), importCommand(), configCommand(), schemaCommand()}},
		{"Incidents and notices", []*cli.Command{incidentCommand(), ackCommand(), unackCommand(), silenceCommand(), notifyCommand()}},
		{"Run a mesh", []*cli.Command{brokerCommand(), controllerCommand(), agentCommand(), notifierCommand(), agentsCommand(), policyCommand(), backupCommand(), restoreCommand()}},
		{"Who may do what", []*cli.Command{contextCommand(), tokenCommand(), accessCommand(), auditCommand()}},
	} {
		for _, c := range group.commands {
			c.Category = group.title
		}
		app.Commands = append(app.Commands, group.commands...)
	}
	prepare(app.Commands)
	return app
}

// prepare makes wrong use of any command end with the code for it.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = wrongFlag
		c.HideHelpCommand = true
		c.Flags = cmdline.ReadDays(c.Flags)
		withEndpoint(c)
		withPatience(c)
		if len(c.Subcommands) > 0 && c.ArgsUsage == cmdline.Nothing && c.Action != nil {
			c.Action = suggesting(c.Action)
		}
		prepare(c.Subcommands)
	}
}

// wrongFlag tells a flag that is not there, or has a wrong value, as people write it, and where the right ones are listed.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	help := "netmon --help"
	if c != nil && c.Command != nil && c.Command.HelpName != "" {
		help = c.Command.HelpName + " --help"
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		typed, near := typedFlag(c, name), ""
		if c != nil && c.Command != nil {
			near = wire.DidYouMean(dashes(name), cmdline.FlagNames(c.Command.Flags))
		}
		if near != "" {
			return usage("no such flag: %s%s %s lists the flags", typed, near, help)
		}
		return usage("no such flag: %s: %s lists the flags", typed, help)
	}
	if value, rest, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		if name, why, ok := strings.Cut(rest, ": "); ok {
			if why == "parse error" { // so the flag package says it of all but texts
				why = "cannot be read as " + kindOfFlag(c, name)
			}
			return usage("%s: %s: %s: %s tells more", typedFlag(c, name), value, why, help)
		}
	}
	return usage("%w: %s lists the flags", err, help)
}

// typedFlag is a flag as somebody typed it.
func typedFlag(c *cli.Context, name string) string {
	if c != nil {
		if i, ok := c.Context.Value(invocationKey{}).(*invocation); ok {
			for _, arg := range i.args {
				if strings.HasPrefix(arg, "-") && cmdline.FlagOf(arg) == name {
					typed, _, _ := strings.Cut(arg, "=")
					return typed
				}
			}
		}
	}
	return dashes(name)
}

// dashes is a flag's name as it is typed.
func dashes(name string) string { return strings.Repeat("-", min(len(name), 2)) + name }

// kindOfFlag says what the value of a flag is.
func kindOfFlag(c *cli.Context, name string) string {
	if c != nil && c.Command != nil {
		for _, f := range c.Command.Flags {
			if !slices.Contains(f.Names(), name) {
				continue
			}
			switch cmdline.ValueOf(f) {
			case cmdline.Duration:
				return "a duration, such as 10s or 1d"
			case cmdline.Number, cmdline.Revision:
				return "a number"
			}
		}
	}
	return "its value"
}
