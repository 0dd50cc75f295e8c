package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/plural"
	"netmon/wire"
)

// outputFlag is -o; the first of the forms is the default.
func outputFlag(forms ...string) cli.Flag {
	shown := append([]string{forms[0] + " (default)"}, forms[1:]...)
	return cmdline.Takes(cmdline.OneOf(forms...), &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORM` of the output: " + strings.Join(shown, ", ")})
}

func listFlag() cli.Flag { return outputFlag(output.Forms()...) }

// printList writes data to standard output, and talk to standard error.
func printList[T any](c *cli.Context, l output.Listing[T]) error {
	if err := checkForm(c); err != nil {
		return err
	}
	l.Width = screenWidth(c.App.Writer)
	return l.Write(c.App.Writer, c.App.ErrWriter, c.String("output"))
}

// screenWidth is how many columns people see of what is written to w: 0 for a file or
// a pipe, which get all of it.
func screenWidth(w io.Writer) int {
	if s, ok := w.(interface{ Columns() int }); ok {
		return s.Columns()
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// checkForm refuses a form that a list does not have, before anything is asked.
func checkForm(c *cli.Context) error {
	if err := output.CheckForm(c.String("output")); err != nil {
		return usage("--output: %w", err)
	}
	return nil
}

func logFlag() cli.Flag {
	return logFlagFrom("info")
}

// logFlagFrom is logFlag with another default.
func logFlagFrom(level string) cli.Flag {
	return cmdline.Takes(cmdline.OneOf("debug", "info", "warn", "error"), &cli.StringFlag{Name: "log", Value: level, EnvVars: []string{"NETMON_LOG"}, Usage: "least `LEVEL` of log lines on standard error: debug, info, warn, error"})
}

// logger writes human-readable lines to standard error.
func logger(c *cli.Context) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log"))); err != nil {
		return nil, usage("--log: want debug, info, warn or error, got %q", c.String("log"))
	}
	lines := slog.NewTextHandler(c.App.ErrWriter, &slog.HandlerOptions{Level: level})
	quietLibraries(lines)
	return slog.New(lines), nil
}

// quietLibraries has what libraries write to Go's standard logger, such as net/http
// of frames that a target sent, be lines for debugging.
func quietLibraries(lines slog.Handler) {
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(lines, slog.LevelDebug).Writer())
}

// isTerminal says whether people look at w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// styles are the colours for w: none unless a person looks and wants them
// (no-color.org, bixense.com/clicolors). NO_COLOR goes first.
func styles(w io.Writer) console.Styles {
	force := os.Getenv("CLICOLOR_FORCE")
	switch {
	case os.Getenv("NO_COLOR") != "":
		return console.Styles{}
	case force != "" && force != "0":
		return console.Colours
	case os.Getenv("TERM") == "dumb" || !isTerminal(w):
		return console.Styles{}
	}
	return console.Colours
}

// parseLabels reads the values of --label.
func parseLabels(args []string) (map[string]string, error) {
	labels := map[string]string{}
	var p wire.Problems
	for _, a := range args {
		k, v, ok := strings.Cut(a, "=")
		if !ok {
			p.Addf("--label", "want name=value, got %q", a)
			continue
		}
		p.Add("--label", wire.CheckLabel(k, v))
		labels[k] = v
	}
	if err := p.Err(); err != nil {
		return nil, usage("%w", err)
	}
	return labels, nil
}

// gotWord is what somebody typed where a word of a list was wanted.
func gotWord(c *cli.Context) string {
	if c.NArg() == 0 {
		return ""
	}
	return fmt.Sprintf(", got %q", c.Args().First())
}

// oneArg is the only positional argument of a command.
func oneArg(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		got := "none"
		if n := c.NArg(); n > 0 {
			got = plural.Count(n, "argument", "arguments")
		}
		return "", usage("want one %s, got %s: %s", what, got, c.Command.UsageText)
	}
	return c.Args().First(), nil
}
