package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/console"
	"netmon/console/prompt"
	"netmon/wire"
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name:      "up",
		Usage:     "run everything in one process: broker, controller, one agent, live results",
		UsageText: "netmon up [FILE...]",
		Description: "Saves the monitors of FILE, starts them together with what was saved before, and\nshows the results, on a terminal above a prompt. Ctrl-C there twice, or quit, stops\nall of it; the next `netmon up` goes on.\n\n" +
			"   netmon up examples/quickstart.yaml",
		Flags: append(append(agentFlags(), accessFlags()...), listenFlag(), storeFlag(), bringAlongFlag(),
			&cli.StringFlag{Name: "state", Usage: "`FOLDER` of what the agent keeps (default: " + shownDir(stateDir("agent-ID")) + ")"},
			&cli.StringFlag{Name: "log", Value: "warn", EnvVars: []string{"NETMON_LOG"}, Usage: "least `LEVEL` of log lines on standard error: debug, info, warn, error"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no results"},
			&cli.BoolFlag{Name: "results", Usage: "show results as plain lines, without a prompt, also when standard output is no terminal"},
		),
		Action: up,
	}
}

// up runs the whole mesh until it is interrupted. The parts end in the order
// in which they need each other: agent, controller, broker.
func up(c *cli.Context) error {
	logs := newDiverted(c.App.ErrWriter)
	c.App.ErrWriter = logs
	log, err := logger(c)
	if err != nil {
		return err
	}
	settings, err := agentSettingsOf(c)
	if err != nil {
		return err
	}
	var monitors []wire.Saved
	if c.NArg() > 0 {
		if monitors, err = loadMonitors(c.Args().Slice(), c.App.Reader); err != nil {
			return err
		}
	}
	warnPlain(c.App.ErrWriter, monitors...)
	listen := c.String("listen")
	state, err := stateOfAgent(c, c.String("id"))
	if c.String("store") == "" {
		err = errors.Join(errHomeless("--store"), err)
	}
	if err != nil {
		return usage("%w", err)
	}
	authority, err := openAccess(c, listen, c.String("store"), log)
	if err != nil {
		return err
	}
	if authority != nil {
		defer authority.Close()
	}
	b, err := broker.Start(c.Context, broker.Options{Listen: listen, Store: c.String("store"), Log: log, Access: authority, Advertise: c.String("advertise"), Insecure: c.Bool("insecure"), BringAlong: c.String("bring-along")})
	if err != nil {
		return err
	}
	defer b.Close()
	id, err := identify(c, b, authority, log)
	if err != nil {
		return err
	}
	defer id.forget()
	tellBrought(c.Context, c.App.ErrWriter, b, id, c.String("id"))
	ofAgent, ofPerson, err := id.own(c, b, state)
	if err != nil {
		return err
	}
	a, err := newAgent(settings, state, log, ofAgent, nil)
	if err != nil {
		return err
	}

	// The broker outlives the agent, so that the agent can deliver its last results.
	serve, stopServe := context.WithCancel(context.WithoutCancel(c.Context))
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	var serving, working sync.WaitGroup
	var brokerErr, agentErr error
	limits := b.DefaultLimits()
	ready, answers := make(chan struct{}), make(chan struct{})
	serving.Go(func() { keepMemory(serve, log) })
	serving.Go(func() { b.KeepRoom(serve, id.controller, limits) })
	serving.Go(func() { brokerErr = b.Run(serve); stop() })
	serving.Go(func() {
		controls{connect: id.controller, limits: limits, access: id.access(), rooms: b.Rooms, ready: sync.OnceFunc(func() { close(ready) }), log: log}.run(serve)
	})
	serving.Go(func() { id.serve(serve, b, ready, sync.OnceFunc(func() { close(answers) }), log) })
	working.Go(func() {
		defer stop()
		select { // its first heartbeat is to be kept, and measuring waits for nobody
		case <-ready:
		case <-ctx.Done():
		case <-time.After(readyPatience):
		}
		agentErr = a.Run(ctx)
	})

	showErr := show(ctx, c, b, ofPerson, []<-chan struct{}{ready, answers}, monitors, log, logs)
	if errors.Is(showErr, errLeft) {
		stop()
	}
	if showErr != nil && ctx.Err() == nil {
		stop()
	} else {
		showErr = nil
	}
	<-ctx.Done()
	fmt.Fprintln(c.App.ErrWriter, "\nstopping: what is measured is being delivered")
	working.Wait()
	stopServe()
	serving.Wait()
	return errors.Join(showErr, agentErr, brokerErr)
}

// readyPatience is how long the agent waits for the streams at a start.
const readyPatience = 2 * time.Second

// errLeft says that the person left the prompt, and with it all of this process.
var errLeft = errors.New("left")

// show saves the monitors of the files, tells how to go on, and prints results:
// above a prompt when a person is at the terminal.
func show(ctx context.Context, c *cli.Context, b *broker.Broker, at brokerAt, ready []<-chan struct{}, monitors []wire.Saved, log *slog.Logger, logs *diverted) error {
	for _, is := range ready {
		select {
		case <-ctx.Done():
			return nil
		case <-is:
		}
	}
	w := c.App.Writer
	cl, err := console.ConnectAs(at.who, at.connect)
	if err != nil {
		return err
	}
	defer cl.Close()
	store, err := cl.Monitors(ctx)
	if err != nil {
		return err
	}
	list, err := store.List(ctx)
	if err != nil {
		log.Error("saved monitors", "error", err)
	}
	before := len(list)
	s, err := save(ctx, store, monitors, func(string, string) {})
	if err != nil {
		return err
	}
	url := at.url
	fmt.Fprintf(w, "netmon %s: broker on %s, agent %s, %s\n", version, url, c.String("id"), monitorCount(before, s))
	tellNext(w, url, before+s.added == 0)
	if c.Bool("quiet") || !c.Bool("results") && !isTerminal(w) {
		return nil
	}
	if in, out, ok := terminal(c); ok && !c.Bool("results") {
		s, err := newSession(at, false)
		if err != nil {
			return err
		}
		defer s.close()
		if _, err := s.terminal(ctx, in, out, prompt.All, logs); err != nil {
			return err
		}
		return errLeft
	}
	fmt.Fprintln(w, "results, until Ctrl-C:")
	return watch(ctx, cl, console.Filter{}, w, c.App.ErrWriter, false, 0)
}

// tellNext says how to go on.
func tellNext(w io.Writer, url string, empty bool) {
	if !strings.HasPrefix(url, "tls:") {
		fmt.Fprintf(w, "  another agent:    netmon agent --broker %s --id NAME --label region=eu\n", url)
		fmt.Fprintf(w, "  another console:  netmon console --broker %s\n", url)
		fmt.Fprintf(w, "  tap the results:  nats --server %s sub 'results.>'\n", url)
		if empty {
			fmt.Fprintf(w, "  a first monitor:  netmon add --broker %s tcp %s --name broker --every 5s\n", url, hostPortOf(url))
		}
		return
	}
	fmt.Fprintln(w, "  another agent:    netmon token new agent --id NAME --label region=eu")
	fmt.Fprintln(w, "  another console:  netmon token new console --name NAME --role operator")
	fmt.Fprintln(w, "  tap the results:  eval \"$(netmon access nats)\" && nats sub 'results.>'")
	if empty {
		fmt.Fprintf(w, "  a first monitor:  netmon add tcp %s --name broker --every 5s\n", hostPortOf(url))
	}
}

func monitorCount(before int, s saved) string {
	total := before + s.added
	text := fmt.Sprintf("%d monitors", total)
	if total == 1 {
		text = "1 monitor"
	}
	if s.added+s.changed > 0 {
		text += fmt.Sprintf(" (%d new, %d changed)", s.added, s.changed)
	}
	return text
}
