package main

import (
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"netmon/console"
	"netmon/wire"
)

func outputFlag(forms string) cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORM` of the output: " + forms}
}

func logFlag() cli.Flag {
	return &cli.StringFlag{Name: "log", Value: "info", EnvVars: []string{"NETMON_LOG"}, Usage: "least `LEVEL` of log lines on standard error: debug, info, warn, error"}
}

// logger writes human-readable lines to standard error.
func logger(c *cli.Context) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.String("log"))); err != nil {
		return nil, usage("--log: want debug, info, warn or error, got %q", c.String("log"))
	}
	return slog.New(slog.NewTextHandler(c.App.ErrWriter, &slog.HandlerOptions{Level: level})), nil
}

// hostID is the default id of an agent: the host's name, made into a token.
func hostID() string {
	host, err := os.Hostname()
	if err != nil {
		return "agent"
	}
	return wire.MakeToken(host)
}

// joinID is the id that an agent joins with where neither its line nor --id says
// one: the host's name without its domain, in lower case, made into a token.
func joinID() string {
	host, err := os.Hostname()
	if err != nil {
		return "agent"
	}
	first, _, _ := strings.Cut(host, ".")
	return wire.MakeToken(strings.ToLower(first))
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

// oneArg is the only positional argument of a command.
func oneArg(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		return "", usage("want one %s, got %d arguments: %s", what, c.NArg(), c.Command.UsageText)
	}
	return c.Args().First(), nil
}

// hostPortOf is the address in a broker's URL.
func hostPortOf(url string) string {
	_, addr, _ := strings.Cut(url, "://")
	return addr
}
