package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"time"

	"netmon/agent/policy"
	"netmon/probes"
	"netmon/wire"
)

// beatLoop sends heartbeats: regularly, and soon after a change. Changes that
// follow each other closely share one.
func (a *Agent) beatLoop(ctx context.Context) {
	const gather = 50 * time.Millisecond
	ticker := time.NewTicker(wire.AliveEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-a.beat:
			select {
			case <-ctx.Done():
				return
			case <-time.After(gather):
			}
		}
		a.sendAlive(false)
	}
}

func (a *Agent) sendAlive(leaving bool) {
	nc := a.link.current()
	if nc == nil {
		return // the link's opening sends one
	}
	beat := a.alive()
	beat.Leaving = leaving
	data, err := json.Marshal(beat)
	if err != nil {
		a.log.Error("encode heartbeat", "error", err)
		return
	}
	subject, err := wire.AliveSubject(a.o.ID)
	if err == nil {
		err = nc.Publish(subject, data)
	}
	if err == nil {
		err = nc.FlushTimeout(time.Second)
	}
	if err != nil {
		a.log.Debug("send heartbeat", "error", err)
	}
}

// alive is the heartbeat of this moment.
func (a *Agent) alive() wire.Alive {
	b := wire.Alive{Agent: a.o.ID, Instance: a.instance, Version: a.o.Version, Host: a.host, Started: a.started.UTC(), At: time.Now().UTC(),
		Labels: a.o.Labels, Kinds: a.kinds, Cannot: a.cannot, Disabled: a.disabled, Families: families(), Skipped: a.runner.totalSkipped()}
	b.Results, b.Policy = a.results.Load(), a.policy.Summary()
	var trustProblem error
	if a.o.Trust != nil {
		// The kept one: the controller keeps bringing a list that would not count
		// after a restart.
		b.Challenge, b.Trust, trustProblem = a.replays.Now(), a.o.Trust.Kept(), a.o.Trust.Problem()
	}
	b.Pending, _, b.Dropped = a.spool.Figures()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.set.describe(&b)
	b.Notes = append(b.Notes, a.notes...)
	for _, p := range []string{a.stateProblem, a.sendProblem, a.reachProblem, text(a.spool.Problem()), text(trustProblem), a.clock.note()} {
		if p != "" {
			b.Notes = append(b.Notes, wire.Clip(p, wire.MaxReason))
		}
	}
	return b
}

// text is what an error says, "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// abilities says which kinds this process can run, and why not the others: it cannot, or
// its owner leaves them off.
func abilities(kinds probes.List, env *probes.Env) (can []string, cannot, disabled map[string]string) {
	can, cannot, disabled = []string{}, map[string]string{}, map[string]string{}
	for _, k := range kinds {
		err := k.Ready(env)
		var refused *policy.Refusal
		switch {
		case err == nil:
			can = append(can, k.Name)
		case errors.As(err, &refused):
			disabled[k.Name] = wire.Clip(err.Error(), wire.MaxReason)
		default:
			cannot[k.Name] = wire.Clip(err.Error(), wire.MaxReason)
		}
	}
	return can, cannot, disabled
}

// families says for which IP families this host has a route out. Connecting a
// UDP socket sends nothing; the addresses are reserved for documentation
// (RFC 5737, RFC 3849).
func families() []string {
	var out []string
	for family, addr := range map[string]string{"4": "192.0.2.1:9", "6": "[2001:db8::1]:9"} {
		if c, err := net.Dial("udp"+family, addr); err == nil {
			c.Close()
			out = append(out, family)
		}
	}
	slices.Sort(out)
	return out
}
