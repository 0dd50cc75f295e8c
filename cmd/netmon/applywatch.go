package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/console/folder"
	"netmon/internal/endpoint"
	"netmon/internal/safeyaml"
)

// applyWatching keeps what is saved as the files have it, until it is interrupted.
func applyWatching(c *cli.Context) error {
	paths, err := pathsOf(c)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if err := watchable(path); err != nil {
			return err
		}
	}
	if _, err := tagsOf(c); err != nil {
		return err
	}
	if err := checkNames(c.StringSlice("monitor")); err != nil {
		return err
	}
	w, talk, worked := c.App.Writer, c.App.ErrWriter, false
	say := func(format string, args ...any) { fmt.Fprintf(talk, "netmon: "+format+"\n", args...) }
	o := folder.Options{Paths: paths, Checks: checks(), Prune: c.Bool("prune"), AtOnce: true,
		Connect: func(ctx context.Context) (*console.Client, func(), error) { return connectToStay(ctx, c) },
		Plan: func(ctx context.Context, cl *console.Client, wanted console.Wanted) (console.Plan, error) {
			return planOf(ctx, c, cl, wanted)
		},
		Saved: func(s folder.Saved) { fmt.Fprintln(w, s) },
		Warn:  func(text string) { say("WARNING: %s", console.Printable(text)) },
		Wrong: func(err error) {
			say("%s\nnetmon: nothing changes until all files are right", console.PrintableText(err.Error()))
		},
		Trouble: func(err error) {
			if err == nil {
				say("it can be saved again")
				return
			}
			say("%s: trying again", console.PrintableText(err.Error()))
		},
		Kept: func(of console.Wanted) {
			worked = true
			warnPlain(talk, of.Monitors...)
			fmt.Fprintf(w, "all is saved as the files have it: %s; watching %s, until Ctrl-C\n", of.Count(), console.Printable(strings.Join(paths, ", ")))
		},
		Ends: func(err error) bool { // a broker that starts over may refuse for a moment
			return !worked && (errors.Is(err, console.ErrDenied) || letIn(err))
		},
	}
	if err := folder.Run(c.Context, o); err != nil {
		return err
	}
	return c.Context.Err()
}

// watchable says what is wrong with a path that is to be watched. One that is not there now
// was hardly meant.
func watchable(path string) error {
	if path == "-" {
		return usage("-: standard input can be read once: --watch wants files or folders")
	}
	info, err := os.Stat(path) // #nosec G703 -- the path that somebody typed
	if err != nil {
		return usage("%w", safeyaml.FileError(path, err))
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return usage("%s: is no file or folder, and can be read once: --watch wants these", path)
	}
	return nil
}

// connectToStay makes a connection for a command that outlives the broker's absence: the
// prompt's, or one of its own.
func connectToStay(ctx context.Context, c *cli.Context) (*console.Client, func(), error) {
	if s := invocationOf(c).session; s != nil {
		_, cl, _ := s.now()
		return cl, func() {}, nil
	}
	p := endpointOf(c)
	cl, err := console.ConnectAs(p.Person(), p.Connect, endpoint.ConnectBy(ctx)...)
	if err != nil {
		return nil, nil, p.Explain(err)
	}
	return cl, cl.Close, nil
}
