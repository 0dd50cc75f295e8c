package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/prompt"
	"netmon/console/screen"
	"netmon/console/words"
	"netmon/wire"
)

// actor does what keys of the live screen ask for.
type actor struct {
	cl *console.Client
	s  *session // whose prompt asks the questions of a new monitor
}

// Do changes or measures one monitor, and says in a line what came of it.
func (a *actor) Do(ctx context.Context, r screen.Request) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var on wire.Selectors
	if r.On != "" {
		on = wire.Selectors{r.On}
	}
	ops := opsOf(a.cl)
	switch r.Verb {
	case screen.Probe:
		return a.probe(ctx, r.Monitor, on)
	case screen.Delete:
		return inLine(ops.Delete(ctx, r.Monitor))
	case screen.Start:
		return inLine(ops.Start(ctx, r.Monitor, on))
	}
	return inLine(ops.Stop(ctx, r.Monitor, on))
}

// inLine sums an operation up in a line, which is an error where an agent that is
// there did not do it.
func inLine(o console.Outcome, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case o.Untold != nil:
		return "", fmt.Errorf("%s: %w", o.Head(), o.Untold)
	case o.Err() != nil:
		return "", errors.New(o.Line())
	}
	return o.Line(), nil
}

// probe measures once now, on one agent or on all that run the monitor.
func (a *actor) probe(ctx context.Context, name string, on wire.Selectors) (string, error) {
	m, err := a.get(ctx, name)
	if err != nil {
		return "", err
	}
	if on != nil {
		m.Agents, m.Except = on, nil
	}
	p, err := opsOf(a.cl).Probe(ctx, console.Probing{Monitor: m}, nil)
	switch {
	case errors.Is(err, console.ErrNoAgent), err == nil && on == nil && len(p.Tallies) == 0:
		return "", fmt.Errorf("no agent that is online runs %s", name)
	case err != nil:
		return "", err
	}
	return p.Line(), nil
}

func (a *actor) get(ctx context.Context, name string) (wire.Saved, error) {
	store, err := a.cl.Monitors(ctx)
	if err != nil {
		return wire.Saved{}, err
	}
	return store.Get(ctx, name)
}

// Take changes a monitor in an editor, or asks for a new one.
func (a *actor) Take(ctx context.Context, r screen.Request, in io.Reader, out io.Writer) (string, error) {
	if r.Verb == screen.Add {
		return a.ask(ctx, in, out)
	}
	e := editing{ctx: ctx, cl: a.cl, in: in, out: out}
	return inLine(e.monitor(r.Monitor))
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

// Command is the line that makes the monitor as it is, or, of one with options
// that have no flags, the line that prints it.
func (a *actor) Command(ctx context.Context, monitor string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := a.get(ctx, monitor)
	if err != nil {
		return "", err
	}
	if line, ok := draft.AddLine(m); ok {
		return line, nil
	}
	return "netmon get monitor " + m.Name, nil
}
