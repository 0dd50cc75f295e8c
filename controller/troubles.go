package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// troubles writes down what is wrong and in no verdict, each behind the previous one
// it on its subject. Its methods may be called by several goroutines.
type troubles struct {
	js  jetstream.JetStream
	log *slog.Logger

	mu     sync.Mutex // guards what follows
	queue  []wire.Trouble
	busy   bool          // something is being written
	wakeup chan struct{} // has room for one
	idle   []chan struct{}
}

func newTroubles(js jetstream.JetStream, log *slog.Logger) *troubles {
	return &troubles{js: js, log: log, wakeup: make(chan struct{}, 1)}
}

// load reads the last ones that are about these.
func (w *troubles) load(ctx context.Context, about ...string) (list []wire.Trouble, err error) {
	var subjects []string
	for _, what := range about {
		subjects = append(subjects, "troubles."+what+".*")
	}
	t, err := tail.Open(ctx, w.js, wire.IncidentsStream, tail.From{Subjects: subjects, Last: true})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", wire.IncidentsStream, err)
	}
	defer t.Stop()
	_, err = read(t, func(m *nats.Msg, _ *nats.MsgMetadata) input {
		t, err := wire.DecodeTrouble(m.Subject, m.Data)
		if err != nil {
			w.log.Error("cannot read a trouble: the next one replaces it", "subject", m.Subject, "error", err)
			return input{}
		}
		list = append(list, t)
		return input{}
	})
	return list, err
}

// add notes troubles to be written, in this order.
func (w *troubles) add(list ...wire.Trouble) {
	if len(list) == 0 {
		return
	}
	w.mu.Lock()
	w.queue = append(w.queue, list...)
	w.mu.Unlock()
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

// written is closed once all that was added is written.
func (w *troubles) written() <-chan struct{} {
	done := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 && !w.busy {
		close(done)
	} else {
		w.idle = append(w.idle, done)
	}
	return done
}

// run writes what is added until ctx ends, or somebody else does.
func (w *troubles) run(ctx context.Context) error {
	for {
		list := w.takeQueue()
		for _, t := range list {
			if err := w.write(ctx, t); err != nil {
				return err
			}
		}
		if len(list) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wakeup:
		}
	}
}

func (w *troubles) takeQueue() []wire.Trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.queue
	w.queue, w.busy = nil, len(list) > 0
	if len(list) == 0 {
		for _, done := range w.idle {
			close(done)
		}
		w.idle = nil
	}
	return list
}

// write stores one, however often it has to try. Who leads is known by the numbers: one
// may have been written once more meanwhile, since it was old. A line of the audit is
// reported once, whoever did.
func (w *troubles) write(ctx context.Context, t wire.Trouble) error {
	m, err := troubleMessage(&t)
	if err != nil {
		w.log.Error("could not write a trouble", "about", t.About, "name", t.Name, "error", err)
		return nil
	}
	_, err = storeWhere(ctx, w.js, w.log, wire.IncidentsStream, m, func(there jetstream.RawStreamMsg) bool {
		before, err := wire.DecodeTrouble(m.Subject, there.Data)
		return err != nil || before.N < t.N
	})
	if errors.Is(err, errFenced) && t.About == wire.AboutAudit {
		return nil
	}
	if err != nil {
		return fmt.Errorf("trouble %d on %s: %w", t.N, m.Subject, err)
	}
	return nil
}

// troubleMessage is a trouble as it is stored.
func troubleMessage(t *wire.Trouble) (*nats.Msg, error) {
	subject, err := wire.TroubleSubject(t.About, t.Name)
	if err != nil {
		return nil, err
	}
	m := nats.NewMsg(subject)
	m.Data, err = json.Marshal(t)
	return m, err
}
