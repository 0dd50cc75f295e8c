package agent

import (
	"context"
	"errors"
	"time"

	"netmon/identity"
)

const (
	followWithin = 10 * time.Second // for one try
	followFirst  = time.Second      // between two tries, at first
	followMost   = 30 * time.Second // and finally
	followTries  = 8                // where nothing is announced, as far as we know
)

// follow has the agent ask soon whether another authority takes over.
func (a *Agent) follow() {
	select {
	case a.following <- struct{}{}:
	default:
	}
}

// followLoop keeps up with the authority of the mesh, until ctx ends. What the
// broker announces is asked for until it is on disk and acknowledged.
func (a *Agent) followLoop(ctx context.Context) {
	if a.o.Follow == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.following:
		}
		told, wait := false, followFirst
		for try := 1; ; try++ {
			err := a.followOnce(ctx)
			next := a.o.Trust.Next()
			// A broker that announces nothing may be one that cannot, or that has just started.
			if err == nil || next == "" && (errors.Is(err, identity.ErrNoAuthority) || try == followTries) {
				break
			}
			if !told && next != "" && ctx.Err() == nil {
				told = true
				a.log.Warn("could not store the next authority; trying again", "authority", next, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, followMost)
		}
	}
}

func (a *Agent) followOnce(ctx context.Context) error {
	nc := a.link.wait(ctx)
	if nc == nil {
		return ctx.Err()
	}
	before := a.o.Trust.Number()
	ctx, cancel := context.WithTimeout(ctx, followWithin)
	defer cancel()
	f, err := a.o.Follow(ctx, nc)
	a.cameOver()
	if a.o.Trust.Number() != before {
		a.changed()
	}
	switch {
	case err != nil || f.Pin == "" || f.Over:
	case f.Dropped:
		a.log.Warn("the change of the authority was given up", "authority", f.Pin)
	default:
		a.log.Warn("the mesh is changing its authority: until then both count here", "authority", f.Pin)
	}
	return err
}

// cameOver logs, once, that another authority took over. The broker hears of it, too.
func (a *Agent) cameOver() {
	now := a.o.Trust.Authority()
	if before := a.authority.Swap(&now); before != nil && *before != now {
		a.log.Warn("the mesh changed its authority: the previous one no longer counts here", "authority", now, "before", *before)
		a.follow()
	}
}
