package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"netmon/internal/host"

	"github.com/urfave/cli/v2"

	"netmon/broker"
	"netmon/console"
	"netmon/console/prompt"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/membership"
	"netmon/internal/plural"
	"netmon/internal/userdirs"
	"netmon/notify"
	"netmon/probes/kinds"
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name:      "up",
		ArgsUsage: cmdline.Files,
		Usage:     "run everything in one process: broker, controller, one agent, live results",
		UsageText: "netmon up [FILE|FOLDER...] [--watch]",
		Description: "Saves the monitors of FILE, runs them together with those saved before, and shows the\nresults, on a terminal above a prompt. Press Ctrl-C twice there, or type quit, to stop\neverything; the next `netmon up` continues. ${broker} in a target stands for the\naddress of this broker.\n\n" +
			"   netmon up examples/quickstart.yaml",
		Flags: append(append(agentFlags(), accessFlags()...), listenFlag(), storeFlag(), bringAlongFlag(), notifyPolicyFlag(), webFlag(),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "state", Usage: "`FOLDER` of what the agent keeps (default: " + userdirs.Shown(userdirs.State("agent-ID")) + ")"}),
			logFlagFrom("warn"),
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no results"},
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, DisableDefaultText: true, Usage: "keep what is saved as FILE, or a folder in its place, has it"},
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
	settings, err := agentOptionsOf(c)
	if err != nil {
		return err
	}
	var wanted console.Wanted
	if c.NArg() > 0 {
		if wanted, err = readFiles(c.Args().Slice(), c.App.Reader, false); err != nil {
			return err
		}
	}
	var files *host.Files
	if c.Bool("watch") {
		if files, err = filesOfUp(c); err != nil {
			return err
		}
	}
	warnPlain(c.App.ErrWriter, wanted.Monitors...)
	notifier, err := ownNotifierOf(c, log, true)
	if err != nil {
		return err
	}
	notifier.Policy.Grant(notify.Grants(channelsOf(wanted))...)
	listen := c.String("listen")
	state, err := membership.StateOf(c.String("state"), c.String("id"))
	if c.String("store") == "" {
		err = errors.Join(userdirs.Homeless("--store"), err)
	}
	if err != nil {
		return usage("%w", err)
	}
	pages, err := listenWeb(c)
	if err != nil {
		return err
	}
	if pages != nil {
		defer pages.Close()
	}
	b, err := host.Start(c.Context, host.BrokerOptions{AskAll: c.Bool("access"), OwnAgent: c.String("id"), Talk: c.App.ErrWriter,
		Options: broker.Options{Listen: listen, Store: c.String("store"), Log: log, Advertise: c.String("advertise"), Insecure: c.Bool("insecure"), BringAlong: c.String("bring-along")}})
	if err != nil {
		return err
	}
	defer b.Close()
	ofAgent, ofPerson, err := b.Own(c.String("id"), settings.Labels, state, c.App.ErrWriter)
	if err != nil {
		return err
	}
	settings.Log = log
	a, err := host.NewAgent(settings, state, ofAgent)
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
	serving.Go(func() {
		brokerErr = b.Serve(serve, host.Serving{Limits: &limits, Notifier: notifier, Files: files, History: host.History{Folder: broker.HistoryFolder(b.Store()), Kinds: kinds.All()}, Kept: func() { close(ready) }, Answers: sync.OnceFunc(func() { close(answers) })})
		stop()
	})
	working.Go(func() {
		defer stop()
		select { // its first heartbeat is to be kept, and measuring waits for nobody
		case <-ready:
		case <-ctx.Done():
		case <-time.After(readyPatience):
		}
		agentErr = host.RunAgent(ctx, a)
	})

	showErr := show(ctx, c, ofPerson, []<-chan struct{}{ready, answers}, wanted.Here(endpoint.HostPort(ofPerson.URL), ofAgent.ID), pages, log, logs)
	if errors.Is(showErr, errLeft) {
		stop()
	}
	if showErr != nil && ctx.Err() == nil {
		stop()
	} else {
		showErr = nil
	}
	<-ctx.Done()
	fmt.Fprintln(c.App.ErrWriter, "\nstopping: the last results are being delivered")
	working.Wait()
	stopServe()
	serving.Wait()
	return errors.Join(showErr, agentErr, brokerErr)
}

// readyPatience is how long the agent waits for the streams at a start.
const readyPatience = 2 * time.Second

// errLeft says that the person left the prompt, and with it all of this process.
var errLeft = errors.New("left")

// show saves what the files say, says what comes next, and prints results:
// above a prompt when a person is at the terminal.
func show(ctx context.Context, c *cli.Context, at endpoint.Broker, ready []<-chan struct{}, wanted console.Wanted, pages net.Listener, log *slog.Logger, logs *diverted) error {
	for _, is := range ready {
		select {
		case <-ctx.Done():
			return nil
		case <-is:
		}
	}
	w := c.App.Writer
	cl, err := console.ConnectAs(at.Who, at.Connect)
	if err != nil {
		return err
	}
	defer cl.Close()
	plan, err := opsOf(cl).Plan(ctx, wanted, false)
	if err != nil {
		return fmt.Errorf("what is saved: %w", err)
	}
	o, err := opsOf(cl).Apply(ctx, plan, console.ApplyOptions{Quiet: true})
	if err != nil {
		return err
	}
	url, total := at.URL, plan.Had+o.Count(console.Added)
	fmt.Fprintf(w, "netmon %s: broker on %s, agent %s, %s\n", version, url, c.String("id"), monitorCount(total, o))
	if pages != nil {
		own, err := console.ConnectAs(at.Who, at.Connect) // so that who reads pages holds up nothing here
		if err != nil {
			return err
		}
		defer own.Close()
		served := servedBy(at, own, webPages{here: true}, log)
		fmt.Fprintf(w, "  pages:            %s\n", served.link(pages))
		ctx, stop := context.WithCancel(ctx)
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := served.serve(ctx, pages); err != nil {
				log.Error("the pages have ended", "error", err)
			}
		})
		defer serving.Wait()
		defer stop()
	}
	printNext(w, url, total == 0)
	if c.Bool("quiet") || !c.Bool("results") && !isTerminal(w) {
		if pages != nil {
			<-ctx.Done()
		}
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

// printNext says what comes next.
func printNext(w io.Writer, url string, empty bool) {
	if !strings.HasPrefix(url, "tls:") {
		fmt.Fprintf(w, "  another agent:    netmon agent --broker %s --id NAME --label region=eu\n", url)
		fmt.Fprintf(w, "  another console:  netmon console --broker %s\n", url)
		fmt.Fprintf(w, "  tap the results:  nats --server %s sub 'results.>'\n", url)
		if empty {
			fmt.Fprintf(w, "  a first monitor:  netmon add --broker %s tcp %s --name broker --every 5s\n", url, endpoint.HostPort(url))
		}
		return
	}
	fmt.Fprintln(w, "  another agent:    netmon token new agent --id NAME --label region=eu")
	fmt.Fprintln(w, "  another console:  netmon token new console --name NAME --role operator")
	fmt.Fprintln(w, "  tap the results:  eval \"$(netmon access nats)\" && nats sub 'results.>'")
	if empty {
		fmt.Fprintf(w, "  a first monitor:  netmon add tcp %s --name broker --every 5s\n", endpoint.HostPort(url))
	}
}

func monitorCount(total int, o console.Outcome) string {
	text := plural.Count(total, "monitor", "monitors")
	if len(o.Changes) > 0 {
		text += fmt.Sprintf(" (%d new, %d changed)", o.Count(console.Added), o.Count(console.Changed))
	}
	return text
}
