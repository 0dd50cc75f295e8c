package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/internal/ledger"
	"netmon/internal/tail"
	"netmon/probes/kinds"
	"netmon/wire"
)

// What each agent of the fleet runs.
const (
	fleetMonitors = 20
	fleetEvery    = 10 * time.Second
	fleetProcs    = 4 // the agents are in so many processes
)

// fleet measures what a thousand agents cost the broker, and how they return
// when it restarts.
func fleet(ctx context.Context, o *options, r *report) error {
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	m, err := startMesh(ctx, o, "")
	if err != nil {
		return err
	}
	defer m.stop()
	m.agent.stop()
	l := load{"icmp", fleetEvery, func(h string, _ ports) string { return h }, `{}`}
	if err := m.apply(ctx, l, fleetMonitors, targets.ports); err != nil {
		return err
	}
	empty, err := m.broker.usage()
	if err != nil {
		return err
	}
	begin := time.Now()
	var all []*process
	defer func() {
		var wg sync.WaitGroup
		for _, p := range all {
			wg.Go(p.stop)
		}
		wg.Wait()
	}()
	for i := range fleetProcs {
		p, err := spawn(ctx, m.dir, fmt.Sprint("fleet", i), "/proc/self/exe", "fleet", m.url, filepath.Join(m.dir, "fleet"), strconv.Itoa(i), strconv.Itoa(o.agents/fleetProcs))
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	agents := o.agents / fleetProcs * fleetProcs
	if err := m.alive(ctx, agents, begin, 2*time.Minute); err != nil {
		return err
	}
	r.say("%d agents with %d monitors each (every %v): all there and told what to run %.1f s after they were started", agents, fleetMonitors, fleetEvery, time.Since(begin).Seconds())
	if err := m.await(ctx, agents*fleetMonitors, 2*time.Minute); err != nil {
		return err
	}
	if err := sleep(ctx, fleetEvery); err != nil {
		return err
	}
	before, err := m.broker.usage()
	if err != nil {
		return err
	}
	first, err := m.stored(ctx)
	if err != nil {
		return err
	}
	span := max(time.Duration(o.seconds)*time.Second, 2*fleetEvery)
	if err := sleep(ctx, span); err != nil {
		return err
	}
	after, err := m.broker.usage()
	if err != nil {
		return err
	}
	last, err := m.stored(ctx)
	if err != nil {
		return err
	}
	r.say("the broker takes %.1f %% of a core for %.0f results/s and the heartbeats (%.0f µs a second for each agent), and %.0f MiB (%.0f KiB for each agent)",
		100*(after.cpu-before.cpu).Seconds()/span.Seconds(), float64(last-first)/span.Seconds(), float64((after.cpu-before.cpu).Microseconds())/span.Seconds()/float64(agents), after.rss, (after.rss-empty.rss)*1024/float64(agents))

	m.broker.stop()
	begin = time.Now()
	if err := m.startBroker(ctx, m.url[len("nats://"):]); err != nil {
		return err
	}
	up := time.Since(begin)
	if err := m.alive(ctx, agents, begin, time.Minute); err != nil {
		return err
	}
	r.say("broker restarted: it is up after %.1f s, and the last agent is back %.1f s after that", up.Seconds(), (time.Since(begin) - up).Seconds())
	if err := sleep(ctx, 2*fleetEvery); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, p := range all {
		wg.Go(p.stop)
	}
	wg.Wait()
	all = nil
	led, err := ledger.Read(ctx, m.nc, false)
	if err != nil {
		return err
	}
	r.say("results in the stream: %d, %d of them late; %d are stated as dropped; faults: %v", led.Stored, led.Late, led.Dropped, led.Faults)
	if len(led.Faults) > 0 {
		return errors.New("results are not complete")
	}
	return nil
}

// alive waits until n agents have said since then that they run all.
func (m *mesh) alive(ctx context.Context, n int, since time.Time, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	here := map[string]bool{}
	read := func() error {
		t, err := tail.Open(ctx, m.js, wire.AgentsStream, tail.From{Since: since})
		if err != nil {
			return err
		}
		defer t.Stop()
		for len(here) < n {
			msg, _, err := t.Next()
			if err != nil {
				return err
			}
			var a wire.Alive
			if json.Unmarshal(msg.Data, &a) == nil && a.Agent != agentID && a.At.After(since) && a.Monitors == fleetMonitors {
				here[a.Agent] = true
			}
		}
		return nil
	}
	for read() != nil { // the broker is on its way back
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d agents within %v", len(here), n, within)
		}
	}
	return nil
}

// runFleet runs many agents: fleet URL DIR NUMBER COUNT.
func runFleet(args []string) error {
	if len(args) != 4 {
		return errors.New("fleet URL DIR NUMBER COUNT")
	}
	count, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var wg sync.WaitGroup
	errs := make([]error, count)
	for i := range count {
		id := fmt.Sprintf("fleet-%s-%d", args[2], i)
		a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: id, State: filepath.Join(args[1], id), Version: "0.0.0", Log: slog.New(slog.DiscardHandler),
			Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(args[0], o...) }})
		if err != nil {
			return err
		}
		wg.Go(func() { errs[i] = a.Run(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
