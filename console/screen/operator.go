package screen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// Operator does what keys ask for that needs no terminal: all of an [Actor] but Take.
type Operator struct {
	Client *console.Client
	Ops    *console.Ops
	Line   func(wire.Saved) (line string, ok bool) // the command that makes a monitor, if one does
}

// Do changes or measures one monitor, and says in a line what came of it.
func (a Operator) Do(ctx context.Context, r Request) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var on wire.Selectors
	if r.On != "" {
		on = wire.Selectors{r.On}
	}
	switch r.Verb {
	case Ack, Silence:
		return a.incident(ctx, r)
	case Probe:
		return a.probe(ctx, r.Monitor, on)
	case Delete:
		return InLine(a.Ops.Delete(ctx, r.Monitor, console.DeleteOptions{}))
	case Start:
		return InLine(a.Ops.Start(ctx, r.Monitor, on))
	}
	return InLine(a.Ops.Stop(ctx, r.Monitor, on))
}

// InLine sums an operation up in a line, which is an error where an agent that is
// there did not do it.
func InLine(o console.Outcome, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case o.NotAsked != nil:
		return "", fmt.Errorf("%s: %w", o.Head(), o.NotAsked)
	case o.Err() != nil:
		return "", errors.New(o.Line())
	}
	return o.Line(), nil
}

// probe measures once now, on one agent or on all that run the monitor.
func (a Operator) probe(ctx context.Context, name string, on wire.Selectors) (string, error) {
	m, err := a.get(ctx, name)
	if err != nil {
		return "", err
	}
	if on != nil {
		m.Agents, m.Except = on, nil
	}
	p, err := a.Ops.Probe(ctx, console.Probing{Monitor: m}, nil)
	switch {
	case errors.Is(err, console.ErrNoAgent), err == nil && on == nil && len(p.Tallies) == 0:
		return "", fmt.Errorf("no agent that is online runs %s", name)
	case err != nil:
		return "", err
	}
	return p.Line(), nil
}

// incident acknowledges or silences one.
func (a Operator) incident(ctx context.Context, r Request) (string, error) {
	if r.Verb == Ack {
		o, err := a.Ops.Ack(ctx, r.Incident, r.Text)
		if err != nil {
			return "", err
		}
		return o.Head(), nil
	}
	list, err := console.SilencesOf(r.Of, r.For, r.Text, time.Now())
	if err != nil {
		return "", err
	}
	var done []string
	for _, s := range list {
		o, err := a.Ops.SaveSilence(ctx, s, r.For)
		if err != nil {
			return strings.Join(done, "; "), err
		}
		done = append(done, o.Head())
	}
	return strings.Join(done, "; "), nil
}

func (a Operator) get(ctx context.Context, name string) (wire.Saved, error) {
	store, err := a.Client.Monitors(ctx)
	if err != nil {
		return wire.Saved{}, err
	}
	return store.Get(ctx, name)
}

// Command is the line that makes the monitor as it is, or, of one that no line makes,
// the line that prints it.
func (a Operator) Command(ctx context.Context, monitor string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := a.get(ctx, monitor)
	if err != nil {
		return "", err
	}
	if line, ok := a.Line(m); ok {
		return line, nil
	}
	return "netmon get monitor " + m.Name, nil
}
