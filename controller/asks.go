package controller

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"netmon/internal/command"
	"netmon/judge"
	"netmon/wire"
)

const (
	asksPending = 100             // that wait for an answer at once
	askWithin   = 3 * time.Second // an agent answers before it measures
	askStale    = 5 * time.Second // what is older says nothing about now
)

// asker has agents run monitors once more, to make sure. A run that is not made is
// one that is not heard of: the judge does without.
type asker struct {
	commands *command.Sender
	log      *slog.Logger
	slots    chan struct{}
	wg       *sync.WaitGroup

	mu        sync.Mutex        // guards what follows
	instances map[string]string // of each agent: the process that was heard last
	tooOld    map[string]string // of those that do not know the command: the process that said so
}

func newAsker(commands *command.Sender, wg *sync.WaitGroup, log *slog.Logger) *asker {
	return &asker{commands: commands, log: log, wg: wg, slots: make(chan struct{}, asksPending), instances: map[string]string{}, tooOld: map[string]string{}}
}

// heard notes which process an agent is: another one may be newer.
func (a *asker) heard(alive *wire.Alive) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if alive.Gone {
		delete(a.instances, alive.Agent)
		delete(a.tooOld, alive.Agent)
		return
	}
	a.instances[alive.Agent] = alive.Instance
}

// ask sends what is wanted and not stale, now by the broker's clock, without waiting
// for the answers.
func (a *asker) ask(ctx context.Context, list []judge.Ask, now time.Time) {
	for _, x := range list {
		if now.Sub(x.At) > askStale || !a.knows(x.Agent) {
			continue
		}
		select {
		case a.slots <- struct{}{}:
		default:
			a.log.Warn("too many runs are requested at once, one is left out", "agent", x.Agent, "monitor", x.Monitor)
			continue
		}
		a.wg.Go(func() {
			defer func() { <-a.slots }()
			a.send(ctx, x)
		})
	}
}

func (a *asker) send(ctx context.Context, x judge.Ask) {
	for answer := range a.commands.SendAll(ctx, x.Agent, askWithin, wire.Command{Op: wire.OpRun, Names: []string{x.Monitor}, Asked: x.ID}) {
		switch e := answer.Reply.Error; {
		case ctx.Err() != nil:
		case answer.Err != nil:
			a.log.Debug("a run that was asked for", "agent", x.Agent, "monitor", x.Monitor, "error", answer.Err)
		case e != nil && e.Code == wire.CodeInvalid && e.Field == "op":
			a.mu.Lock()
			a.tooOld[x.Agent] = a.instances[x.Agent]
			a.mu.Unlock()
			a.log.Info("an agent is too old to run a monitor on request: its scheduled runs have to do", "agent", x.Agent, "error", e)
		case e != nil:
			a.log.Debug("a run that was asked for", "agent", x.Agent, "monitor", x.Monitor, "error", e)
		}
	}
}

// knows says whether an agent knows the command, as far as is known.
func (a *asker) knows(agent string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	instance, known := a.tooOld[agent]
	if known && instance != a.instances[agent] {
		delete(a.tooOld, agent)
		return true
	}
	return !known
}
