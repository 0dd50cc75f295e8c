package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/prompt"
	"netmon/console/screen"
	"netmon/console/shellwords"
	"netmon/probes/kinds"
	"netmon/wire"
)

// actor does what keys of the live screen ask for.
type actor struct {
	screen.Operator
	s *session // whose prompt asks the questions of a new monitor
}

func newActor(cl *console.Client, s *session) *actor {
	return &actor{screen.Operator{Client: cl, Ops: opsOf(cl), Line: func(m wire.Saved) (string, bool) { return draft.AddLine(kinds.All(), m) }}, s}
}

// Take changes a monitor in an editor, or asks for a new one.
func (a *actor) Take(ctx context.Context, r screen.Request, in io.Reader, out io.Writer) (string, error) {
	if r.Verb == screen.Add {
		return a.ask(ctx, in, out)
	}
	e := editing{ctx: ctx, cl: a.Client, in: in, out: out}
	return screen.InLine(e.monitor(r.Monitor))
}

// Run carries out a command on the screen's connection.
func (a *actor) Run(ctx context.Context, args []string) string {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	a.s.execute(ctx, args, &out, &out)
	return out.String()
}

// ask leads through the questions of a new monitor.
func (a *actor) ask(ctx context.Context, in io.Reader, out io.Writer) (string, error) {
	from, okIn := in.(*os.File)
	to, okOut := out.(*os.File)
	if !okIn || !okOut {
		return "", errors.New("the questions need a terminal: netmon add")
	}
	snap, err := a.s.load(ctx)
	if err != nil {
		return "", err
	}
	o := a.s.options()
	o.Look = func() prompt.Snapshot { return snap }
	o.Stream, o.Styles, o.Full, o.Line = prompt.NewStream(prompt.Off), styles(to), nil, "add"
	done := "nothing was saved"
	o.Execute = func(ctx context.Context, args []string, out, errs io.Writer) int {
		code := a.s.execute(ctx, args, out, errs)
		if code == exitOK && args[0] == "add" {
			done = "added by: netmon " + shellwords.Join(args)
		}
		return code
	}
	if _, err := prompt.Terminal(ctx, o, from, to); err != nil {
		return "", err
	}
	return done, nil
}
