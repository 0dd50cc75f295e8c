package console

import (
	"context"
	"errors"
	"strings"
	"sync"

	"netmon/internal/tail"
	"netmon/wire"
)

// Watch calls take with every saved monitor, then ready, and then take with
// each change, until ctx ends. saved is nil when the monitor was deleted, and
// when it cannot be read, which problem explains. trouble, when not nil, is told
// why they cannot be read although the broker is there, and nil when they can be
// again. names, where there are any, are the only ones that are told of.
func (s *Store) Watch(ctx context.Context, names []string, trouble func(error), ready func(), take func(name string, saved *wire.Saved, problem error)) error {
	from := tail.From{Subjects: []string{monitorsPrefix + ">"}, Last: true}
	if len(names) > 0 {
		from.Subjects = nil
		for _, name := range names {
			from.Subjects = append(from.Subjects, monitorsPrefix+name)
		}
	}
	t, err := tail.Open(ctx, s.c.js, monitorsStream, from)
	if err != nil {
		return noMesh("watch the saved monitors", err)
	}
	defer t.Stop()
	t.Trouble = troubles("watch the saved monitors", trouble)
	life := t.Stream().Created
	ready = sync.OnceFunc(ready)
	if t.Left() == 0 {
		ready()
	}
	for read := uint64(1); ; read++ {
		m, meta, err := t.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return noMesh("watch the saved monitors", err)
		}
		if !t.Stream().Created.Equal(life) {
			return errors.New("watch the saved monitors: the bucket was made anew")
		}
		name := strings.TrimPrefix(m.Subject, monitorsPrefix)
		switch {
		case wire.CheckElement(name) != nil: // no monitor of ours
		case m.Header.Get(headerOperation) != "":
			take(name, nil, nil)
		default:
			saved, err := s.read(name, m.Header, m.Data, meta.Sequence.Stream)
			if err != nil {
				take(name, nil, err)
				break
			}
			take(name, &saved, nil)
		}
		// One that is saved anew while we read comes behind those that were there.
		if meta.NumPending == 0 || read >= 2*t.Left() {
			ready()
		}
	}
}

// troubles says what could not be done beside each trouble of a tail.
func troubles(what string, tell func(error)) func(error) {
	if tell == nil {
		return nil
	}
	return func(err error) {
		if err != nil {
			err = noMesh(what, err)
		}
		tell(err)
	}
}
