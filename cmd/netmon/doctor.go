package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/output"
	"netmon/internal/cmdline"
	"netmon/internal/doctor"
	"netmon/internal/exit"
	"netmon/internal/private"
	"netmon/probes/kinds"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:        "doctor",
		ArgsUsage:   cmdline.Nothing,
		Usage:       "check this host, the broker and the agents, and say how to fix what is wrong",
		UsageText:   "netmon doctor [--broker URL] [-o FORM]",
		Description: "Checks this host, the broker and the agents. Exit 0: fine, perhaps with warnings,\n1: something is wrong.",
		Flags:       []cli.Flag{brokerFlag(), outputFlag(append([]string{"text"}, output.Forms()...)...)},
		Before:      decideForDoctor,
		Action: func(c *cli.Context) error {
			form := c.String("output")
			if form != "text" {
				if err := checkForm(c); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(c.Context, 20*time.Second)
			defer cancel()
			creds := c.StringSlice("creds")
			if len(creds) == 0 {
				creds = filepath.SplitList(os.Getenv("NETMON_CREDS"))
			}
			list := doctor.Examine(ctx, doctor.Options{Version: version, Kinds: kinds.All(), Creds: creds, Endpoint: endpointOf(c), Refused: invocationOf(c).broker.err != nil})
			if c.Context.Err() != nil {
				return context.Canceled
			}
			if err := printFindings(c, form, list); err != nil {
				return err
			}
			for _, f := range list {
				if f.State == doctor.Problem {
					return exit.With(exitNo, nil)
				}
			}
			return nil
		},
	}
}

func printFindings(c *cli.Context, form string, list []doctor.Finding) error {
	if form != "" && form != "text" {
		return printList(c, output.Listing[doctor.Finding]{Kind: "Findings", Items: list,
			Name: func(f doctor.Finding) string { return f.Check },
			Columns: []output.Column[doctor.Finding]{
				{Title: "CHECK", Cut: output.Place, Cell: func(f doctor.Finding) string { return f.Check }},
				{Title: "STATE", Cell: func(f doctor.Finding) string { return f.State }},
				{Title: "FOUND", Cut: output.Prose, Cell: func(f doctor.Finding) string { return f.Found }},
				{Title: "CURE", Cut: output.Prose, Cell: func(f doctor.Finding) string { return f.Cure }},
			}})
	}
	st := styles(c.App.Writer)
	wide, columns := 0, screenWidth(c.App.Writer)
	for _, f := range list {
		wide = max(wide, len(f.Check))
	}
	for _, f := range list {
		mark, colour := "?", st.Broken
		switch f.State {
		case doctor.OK:
			mark, colour = "●", st.OK
		case doctor.Warning:
			mark = "▲"
		case doctor.Problem:
			mark, colour = "✕", st.Failed
		}
		fmt.Fprintf(c.App.Writer, "%s%s %-7s%s  %-*s  %s\n", colour, mark, f.State, st.Reset, wide, console.Printable(f.Check), hanging(console.Printable(f.Found), wide+13, columns))
		if f.Cure != "" {
			fmt.Fprintf(c.App.Writer, "%*s→ %s\n", wide+13, "", hanging(console.Printable(f.Cure), wide+15, columns))
		}
	}
	return nil
}

// hanging breaks a text between words where it does not fit a screen of so many columns.
// It begins at column indent, as all of its lines then do. Without a screen it is one line.
func hanging(text string, indent, columns int) string {
	if columns < indent+20 {
		return text
	}
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > columns:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// decideForDoctor is decideEndpoint for the command that lists what it refuses: it
// does not ask the broker then.
func decideForDoctor(c *cli.Context) error {
	err := decideEndpoint(c)
	var others *private.Problem
	if errors.As(err, &others) {
		invocationOf(c).broker.err = err
		return nil
	}
	return err
}
