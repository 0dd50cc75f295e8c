package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"netmon/internal/tail"
	"netmon/wire"
)

// starts measures how long one apply of many monitors takes until all run, and
// an agent that was restarted with them until it measures again.
func starts(ctx context.Context, o *options, r *report) error {
	targets, err := startTargets(ctx, r.dir())
	if err != nil {
		return err
	}
	defer targets.stop()
	for _, kind := range o.kinds {
		for _, n := range o.monitors {
			if err := measureStarts(ctx, o, r, loadOf(kind), n, targets); err != nil {
				return fmt.Errorf("%s, %d monitors: %w", kind, n, err)
			}
		}
	}
	return nil
}

func measureStarts(ctx context.Context, o *options, r *report, l load, n int, targets *targetsProcess) error {
	m, err := startMesh(ctx, o, o.profile)
	if err != nil {
		return err
	}
	defer m.stop()
	if o.profile != "" {
		m.agent.cmd.Process.Signal(profileSignal)
	}
	begin := time.Now()
	applied := make(chan error, 1)
	go func() { applied <- m.apply(ctx, l, n, targets.ports) }()
	var running, measured time.Duration
	for running == 0 || measured == 0 {
		if running == 0 {
			got, err := m.info()
			if err != nil {
				return err
			}
			if got.Monitors == n {
				running = time.Since(begin)
			}
		}
		info, err := m.stream.Info(ctx)
		if err != nil {
			return err
		}
		if info.State.NumSubjects >= uint64(n) {
			measured = time.Since(begin)
		}
		if time.Since(begin) > 2*time.Minute {
			return fmt.Errorf("not all run after %v", time.Since(begin))
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	if err := <-applied; err != nil {
		return err
	}
	took := time.Since(begin)
	if o.profile != "" {
		m.agent.cmd.Process.Signal(profileSignal)
	}
	r.say("%s, apply of %d monitors (every %v): all run after %.2f s, each has a result in the stream after %.2f s; the command ends after %.2f s", l.kind, n, l.every, running.Seconds(), measured.Seconds(), took.Seconds())

	if err := sleep(ctx, 2*l.every); err != nil {
		return err
	}
	m.agent.stop()
	before, err := m.stored(ctx)
	if err != nil {
		return err
	}
	begin = time.Now()
	if err := m.startAgent(ctx, o.profile); err != nil {
		return err
	}
	first, seen := time.Duration(0), map[string]bool{}
	t, err := tail.Open(ctx, m.js, wire.ResultsStream, tail.From{After: before})
	if err != nil {
		return err
	}
	defer t.Stop()
	for len(seen) < n {
		msg, _, err := t.Next()
		if err != nil {
			return err
		}
		x, err := wire.DecodeResult(msg.Subject, msg.Data)
		if err != nil {
			return err
		}
		if first == 0 {
			first = x.Started.Sub(begin)
		}
		seen[x.Monitor] = true
	}
	r.say("%s, restart of the agent with %d monitors saved: the first probe starts after %.2f s, each has a result in the stream after %.2f s", l.kind, n, first.Seconds(), time.Since(begin).Seconds())
	return nil
}

// info asks the agent how it is.
func (m *mesh) info() (wire.Alive, error) {
	subject, err := wire.CommandSubject(agentID)
	if err != nil {
		return wire.Alive{}, err
	}
	msg, err := m.nc.Request(subject, []byte(`{"op":"info"}`), 20*time.Second)
	if err != nil {
		return wire.Alive{}, err
	}
	var reply wire.Reply
	if err := json.Unmarshal(msg.Data, &reply); err != nil {
		return wire.Alive{}, err
	}
	if reply.Info == nil {
		return wire.Alive{}, errors.New("the agent says nothing about itself")
	}
	return *reply.Info, nil
}
