package access

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/farewell"
	"netmon/internal/retry"
	"netmon/wire"
)

const (
	goneLook = 500 * time.Millisecond // between two checks whether one that was shut out is heard
	// goneFor is how long that is looked at: what it said last may be on its way
	// through a cluster. It ends no sooner than the servers have shut it out.
	goneFor = 5 * time.Second
)

// departures are agents that were shut out for good, and since when, for as long
// as an earlier heartbeat may still come in.
type departures struct {
	mu     sync.Mutex
	since  map[string]time.Time
	wakeup chan struct{} // has room for one
}

func newDepartures() *departures {
	return &departures{since: map[string]time.Time{}, wakeup: make(chan struct{}, 1)}
}

func (d *departures) add(names ...string) {
	d.mu.Lock()
	for _, name := range names {
		d.since[name] = time.Now()
	}
	d.mu.Unlock()
	d.wake()
}

// wake has all of them looked at now.
func (d *departures) wake() {
	select {
	case d.wakeup <- struct{}{}:
	default:
	}
}

func (d *departures) list() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name := range d.since {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// long says that a name has been looked at long enough.
func (d *departures) long(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.since[name]) > goneFor
}

func (d *departures) drop(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.since, name)
}

// depart says of an agent that was shut out that it is gone, before the answer to
// who did that; watchGone makes sure that it stays so.
func (s *service) depart(ctx context.Context, name string) {
	s.departed.add(name)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := s.writeGone(ctx, name); err != nil {
		s.a.log.Warn("could not remove an agent that is shut out from the list; trying again", "agent", name, "error", err)
	}
}

// writeGone says of an agent that it is gone, unless the registry lets it in meanwhile.
func (s *service) writeGone(ctx context.Context, name string) error {
	errIn := errors.New("it was let in again")
	err := farewell.Write(ctx, s.js, name, func(wire.Alive, time.Duration) error {
		if !s.a.registry.out(name) {
			return errIn
		}
		return nil
	})
	if errors.Is(err, farewell.ErrUnknown) || errors.Is(err, errIn) {
		return nil
	}
	return err
}

// watchGone keeps agents that are shut out for good out of all lists, until ctx
// ends: those from before this service ran, and each that follows for a while.
func (s *service) watchGone(ctx context.Context) {
	t := time.NewTimer(0)
	defer t.Stop()
	begun, told := false, false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.departed.wakeup:
		case <-t.C:
		}
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		var err error
		if !begun {
			err = s.findGone(try)
			begun = err == nil
		}
		for _, name := range s.departed.list() {
			one := s.writeGone(try, name)
			err = errors.Join(err, one)
			if one == nil && (!s.a.registry.out(name) || s.departed.long(name) && s.lagging() == nil) {
				s.departed.drop(name)
			}
		}
		cancel()
		if err != nil && !told && ctx.Err() == nil {
			s.a.log.Warn("could not look for agents that are shut out and still listed; trying again", "error", err)
		}
		told = err != nil
		if !begun || len(s.departed.list()) > 0 {
			t.Reset(goneLook)
		}
	}
}

// findGone finds agents that were shut out while nobody said that they are gone.
func (s *service) findGone(ctx context.Context) error {
	stream, err := retry.Stream(ctx, s.js, wire.AgentsStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // nobody was heard yet
	}
	if err != nil {
		return err
	}
	info, err := retry.Info(ctx, s.js, stream, jetstream.WithSubjectFilter(wire.AllAlive))
	if err != nil {
		return err
	}
	var names []string
	for subject := range info.State.Subjects {
		if tokens := strings.Split(subject, "."); len(tokens) == 3 && s.a.registry.out(tokens[1]) {
			names = append(names, tokens[1])
		}
	}
	s.departed.add(names...)
	return nil
}

// removeGone takes an agent that died out of all lists. One that was shut out is gone
// whatever its last heartbeat says.
func (s *service) removeGone(ctx context.Context, name string) error {
	if s.a.registry.out(name) {
		return farewell.Write(ctx, s.js, name, nil)
	}
	return farewell.Forget(ctx, s.js, name)
}
