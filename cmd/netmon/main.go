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
	"os"
	"os/signal"
	"runtime/debug"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program, as a function of its surroundings.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := newApp(stdin, stdout, stderr)
	if len(args) > 1 && args[1] == completeWord {
		cmdline.Complete(ctx, app, args[2:], stdout)
		return exitOK
	}
	if len(args) == 2 && args[1] == shoutrrr.Word { // the notifier started this, see notify/shoutrrr
		if err := shoutrrr.Run(stdin, stdout); err != nil {
			fmt.Fprintln(stderr, err)
			return exitNo
		}
		return exitOK
	}
	return runApp(ctx, &invocation{}, app, args)
}

// runApp carries out one command line and returns its exit code.
func runApp(ctx context.Context, i *invocation, app *cli.App, args []string) int {
	err := app.RunContext(within(ctx, i), cmdline.Permute(app, args))
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
	if isCheck(args) && coded.Err != nil {
		line, code := output.PluginFailed(coded.Err)
		fmt.Fprintln(app.Writer, line)
		return code
	}
	if coded.Err != nil {
		fmt.Fprintln(app.ErrWriter, "netmon:", console.PrintableText(coded.Err.Error()))
	}
	return coded.Code
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
			if c.NArg() > 0 {
				return usage("unknown command %q: netmon --help lists them", c.Args().First())
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			upCommand(), consoleCommand(), brokerCommand(), agentCommand(), notifierCommand(), agentsCommand(), policyCommand(), controllerCommand(),
			probeCommand(), addCommand(), applyCommand(), diffCommand(), validateCommand(), getCommand(), showCommand(), silenceCommand(), ackCommand(), unackCommand(), explainCommand(), incidentCommand(), notifyCommand(), editCommand(), deleteCommand(), recoverCommand(),
			startCommand(), stopCommand(), runCommand(), historyCommand(), rollbackCommand(), watchCommand(), dashCommand(), versionCommand(),
			contextCommand(), tokenCommand(), accessCommand(), auditCommand(), backupCommand(), restoreCommand(), configCommand(), checkCommand(), waitCommand(), backtestCommand(), doctorCommand(), completionCommand(), schemaCommand(),
		},
	}
	prepare(app.Commands)
	return app
}

// prepare makes wrong use of any command end with the code for it.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = wrongFlag
		c.HideHelpCommand = true
		withEndpoint(c)
		withPatience(c)
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
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
		return usage("no such flag: -%s: %s lists them", name, help)
	}
	if value, rest, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		if name, why, ok := strings.Cut(rest, ": "); ok {
			if why == "parse error" { // so the flag package says it of all but texts
				why = "cannot be read as " + kindOfFlag(c, name)
			}
			return usage("--%s: %s: %s: %s tells more", name, value, why, help)
		}
	}
	return usage("%w: %s lists the flags", err, help)
}

// kindOfFlag says what the value of a flag is.
func kindOfFlag(c *cli.Context, name string) string {
	if c != nil && c.Command != nil {
		for _, f := range c.Command.Flags {
			if !slices.Contains(f.Names(), name) {
				continue
			}
			switch cmdline.ValueOf(f) {
			case cmdline.Duration:
				return "a duration, such as 10s"
			case cmdline.Number, cmdline.Revision:
				return "a number"
			}
		}
	}
	return "its value"
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:      "version",
		ArgsUsage: cmdline.Nothing,
		Usage:     "print the version of netmon and of what it is built with", UsageText: "netmon version",
		Action: func(c *cli.Context) error {
			fmt.Fprintf(c.App.Writer, "netmon %s\n", version)
			if info, ok := debug.ReadBuildInfo(); ok {
				fmt.Fprintf(c.App.Writer, "go %s\n", info.GoVersion)
				for _, d := range info.Deps {
					fmt.Fprintf(c.App.Writer, "%s %s\n", d.Path, d.Version)
				}
			}
			return nil
		},
	}
}
