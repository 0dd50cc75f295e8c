package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// follow runs each saved channel, as it is saved, until ctx ends.
func (c *connection) follow(ctx context.Context) error {
	prefix := "$KV." + wire.AlertingBucket + "."
	t, err := wait(ctx, c, "the bucket "+wire.AlertingBucket, func(context.Context) (*tail.Tail, error) {
		return tail.Open(ctx, c.js, "KV_"+wire.AlertingBucket, tail.From{Subjects: []string{prefix + string(wire.SortChannel) + ".*"}, Last: true})
	})
	if err != nil {
		return fmt.Errorf("follow the channels: %w", err)
	}
	defer t.Stop()
	t.Trouble = func(err error) {
		if err != nil {
			c.o.Log.Warn("follow the channels", "error", err)
		}
	}
	runners := map[string]*worker{}
	defer func() {
		for _, r := range runners { // all at once: each has its grace
			r.stop()
		}
		for _, r := range runners {
			r.wait()
		}
	}()
	left := t.Left()
	if left == 0 {
		c.ready()
	}
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		key := strings.TrimPrefix(m.Subject, prefix)
		_, name, err := wire.ParseSettingKey(key)
		if err != nil {
			c.o.Log.Warn("cannot read a channel", "key", key, "error", err)
			continue
		}
		old := runners[name]
		next := c.workerOf(ctx, m, key, name, meta.Sequence.Stream)
		c.known.setChannel(name, next != nil && !next.paused)
		if next != nil {
			runners[name] = next
			next.start(old)
		} else if old != nil {
			old.stop()
			old.wait()
			delete(runners, name)
		}
		if left > 0 {
			if left--; left == 0 {
				c.ready()
			}
		}
	}
}

// AcceptedBy asks whether the mesh let in what is saved, as [Options.Accept] wants it.
func AcceptedBy(m *nats.Msg, check func(subject, operation, accepted, proof string, data []byte) error) error {
	return check(m.Subject, m.Header.Get("KV-Operation"), m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data)
}

func (c *connection) ready() {
	c.known.setComplete()
	if c.o.Opened != nil {
		c.opened.Do(c.o.Opened)
	}
}

// workerOf makes what runs a channel, nil for one that is deleted.
func (c *connection) workerOf(ctx context.Context, m *nats.Msg, key, name string, revision uint64) *worker {
	if c.o.Accept != nil {
		if err := c.o.Accept(m); err != nil {
			c.o.Log.Warn("a channel that nobody with the right to saved", "channel", name, "error", err)
			return newWorker(ctx, c, name, revision, nil, errors.New("it was not saved by anybody who may save it"))
		}
	}
	switch m.Header.Get("KV-Operation") {
	case "DEL", "PURGE":
		return nil
	}
	s, err := wire.DecodeSetting(key, m.Data, revision)
	if err != nil {
		return newWorker(ctx, c, name, revision, nil, err)
	}
	saved := s.(*wire.Channel)
	ch, err := build(saved)
	if err == nil && saved.Paused {
		err = errors.New("it is paused")
	}
	r := newWorker(ctx, c, name, revision, ch, err)
	r.paused = saved.Paused
	return r
}
