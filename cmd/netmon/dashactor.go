package main

import (
	"context"
	"errors"
	"io"
	"os"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/prompt"
	"netmon/console/screen"
	"netmon/console/words"
)

// actor does what keys of the live screen ask for.
type actor struct {
	screen.Operator
	s *session // whose prompt asks the questions of a new monitor
}

func newActor(cl *console.Client, s *session) *actor {
	return &actor{screen.Operator{Client: cl, Ops: opsOf(cl), Line: draft.AddLine}, s}
}

// Take changes a monitor in an editor, or asks for a new one.
func (a *actor) Take(ctx context.Context, r screen.Request, in io.Reader, out io.Writer) (string, error) {
	if r.Verb == screen.Add {
		return a.ask(ctx, in, out)
	}
	e := editing{ctx: ctx, cl: a.Client, in: in, out: out}
	return screen.InLine(e.monitor(r.Monitor))
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
	done := "nothing is saved"
	o.Run = func(ctx context.Context, args []string, out, errs io.Writer) int {
		code := a.s.run(ctx, args, out, errs)
		if code == exitOK && args[0] == "add" {
			done = "added by: netmon " + words.Join(args)
		}
		return code
	}
	if _, err := prompt.Terminal(ctx, o, from, to); err != nil {
		return "", err
	}
	return done, nil
}
