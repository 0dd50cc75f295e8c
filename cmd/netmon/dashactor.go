package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/prompt"
	"netmon/console/screen"
	"netmon/console/words"
	"netmon/wire"
)

// actor does what keys of the live screen ask for.
type actor struct {
	cl    *console.Client
	store *console.Store
	s     *session // whose prompt asks the questions of a new monitor
}

// Do changes or measures one monitor, and says in a line what came of it.
func (a *actor) Do(ctx context.Context, r screen.Request) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	was, err := a.store.Get(ctx, r.Monitor)
	if err != nil {
		return "", err
	}
	var on wire.Selectors
	if r.On != "" {
		on = wire.Selectors{r.On}
	}
	is := was
	switch r.Verb {
	case screen.Probe:
		return a.probe(ctx, was, r.On)
	case screen.Delete:
		revision, err := a.store.Delete(ctx, was.Name, was.Revision)
		if err != nil {
			return "", err
		}
		return a.told(ctx, r.Monitor+" deleted", console.Change{Was: &was, Revision: revision})
	case screen.Start:
		if is, err = console.StartOn(was, on); err != nil {
			return "", err
		}
	case screen.Stop:
		is = console.StopOn(was, on)
	}
	word := map[screen.Verb]string{screen.Start: "started", screen.Stop: "stopped"}[r.Verb]
	if r.On != "" {
		word += " on " + r.On
	}
	if console.Same(was, is) {
		return fmt.Sprintf("%s was so already", r.Monitor), nil
	}
	revision, err := a.store.Save(ctx, is, word)
	if err != nil {
		return "", err
	}
	return a.told(ctx, r.Monitor+" "+word, console.Change{Was: &was, Is: &is, Revision: revision})
}

// Take changes a monitor in an editor, or asks for a new one.
func (a *actor) Take(ctx context.Context, r screen.Request, in io.Reader, out io.Writer) (string, error) {
	if r.Verb == screen.Add {
		return a.ask(ctx, in, out)
	}
	var said strings.Builder
	e := editing{ctx: ctx, cl: a.cl, in: in, editor: out, out: &said}
	err := e.monitor(r.Monitor)
	if err != nil {
		return "", fmt.Errorf("%w %s", err, said.String())
	}
	return strings.Join(strings.Fields(said.String()), " "), nil
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

// told brings a change to the agents and sums up what they answered.
func (a *actor) told(ctx context.Context, done string, change console.Change) (string, error) {
	agents, err := a.cl.Agents(ctx)
	if err != nil {
		return "", err
	}
	var parts []string
	refused := 0
	for _, t := range a.store.Tell(ctx, agents, change) {
		if !t.OK && !t.Away {
			refused++
		}
		parts = append(parts, t.Agent+" "+t.Text)
	}
	text := done
	switch {
	case len(parts) == 0:
		text += "; no agent is concerned"
	case len(parts) > 4:
		text += fmt.Sprintf(": %d agents told, %d refused", len(parts), refused)
	default:
		text += ": " + strings.Join(parts, ", ")
	}
	if refused > 0 {
		return "", errors.New(text)
	}
	return text, nil
}

// probe measures once now, on one agent or on all that run the monitor.
func (a *actor) probe(ctx context.Context, m wire.Saved, on string) (string, error) {
	agents, err := a.cl.Agents(ctx)
	if err != nil {
		return "", err
	}
	var mu sync.Mutex
	var parts []string
	var wg sync.WaitGroup
	for _, agent := range agents {
		if on != "" && agent.Agent != on || on == "" && (!agent.Online || !m.Places(agent.Agent, agent.Labels)) {
			continue
		}
		wg.Go(func() {
			text := a.probeOn(ctx, m.Monitor, agent.Agent)
			mu.Lock()
			defer mu.Unlock()
			parts = append(parts, text)
		})
	}
	wg.Wait()
	if len(parts) == 0 {
		return "", fmt.Errorf("no agent that is online runs %s", m.Name)
	}
	more := ""
	if len(parts) > 4 {
		more = fmt.Sprintf(" · and %d more agents", len(parts)-4)
		parts = parts[:4]
	}
	return "probed: " + strings.Join(parts, " · ") + more, nil
}

func (a *actor) probeOn(ctx context.Context, m wire.Monitor, agent string) string {
	m.Revision = 0
	ctx, cancel := context.WithTimeout(ctx, m.Timeout.Std()+3*time.Second)
	defer cancel()
	reply, err := a.cl.Command(ctx, agent, wire.Command{Op: wire.OpProbe, Monitors: []wire.Monitor{m}})
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return agent + " ? is away"
	case err != nil:
		return fmt.Sprintf("%s ? did not answer (%v)", agent, err)
	case reply.Result == nil && reply.Error != nil:
		return fmt.Sprintf("%s ? refused: %s", agent, reply.Error.Error())
	case reply.Result == nil:
		return agent + " ? answered without a result"
	}
	r := reply.Result
	first, _, _ := strings.Cut(r.Error, "\n")
	switch r.Outcome {
	case wire.OK:
		text := agent + " ●"
		if d, ok := r.Latency(); ok {
			text += " " + console.Short(d)
		}
		return text + " " + r.Summary
	case wire.Failed:
		return fmt.Sprintf("%s ✕ %s: %s", agent, r.Failure, first)
	}
	return fmt.Sprintf("%s ? %s: %s", agent, r.Failure, first)
}

// Command is the line that makes the monitor as it is, or, of one with options
// that have no flags, the line that prints it.
func (a *actor) Command(ctx context.Context, monitor string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := a.store.Get(ctx, monitor)
	if err != nil {
		return "", err
	}
	if line, ok := addLine(m); ok {
		return line, nil
	}
	return "netmon get monitor " + m.Name, nil
}
