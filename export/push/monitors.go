package push

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// The stream under the bucket of saved monitors, by NATS's own naming.
const (
	monitorsStream = "KV_" + wire.MonitorsBucket
	monitorsPrefix = "$KV." + wire.MonitorsBucket + "."
)

// Tags are those of the saved monitors. They may be asked by several goroutines.
type Tags struct {
	mu sync.RWMutex
	is *savedTags // nobody changes it
}

// savedTags are those of all monitors at a moment, by monitor.
type savedTags struct {
	of      map[string]map[string]string
	edition uint64 // another one after each change
}

func (s *savedTags) saved(monitor string) bool {
	_, ok := s.of[monitor]
	return ok
}

// current are those of now.
func (t *Tags) current() *savedTags {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.is == nil {
		return &savedTags{}
	}
	return t.is
}

func (t *Tags) set(of map[string]map[string]string) {
	edition := t.current().edition + 1
	t.mu.Lock()
	defer t.mu.Unlock()
	t.is = &savedTags{of, edition}
}

// open reads what is saved. follow keeps to it.
func (t *Tags) open(ctx context.Context, js jetstream.JetStream) (follow func() error, err error) {
	from, err := tail.Open(ctx, js, monitorsStream, tail.From{Subjects: []string{monitorsPrefix + ">"}, Last: true})
	if err != nil {
		return nil, err
	}
	of := map[string]map[string]string{}
	for left := from.Left(); left > 0; left-- {
		m, meta, err := from.Next()
		if err != nil {
			from.Stop()
			return nil, err
		}
		apply(of, m)
		if meta.NumPending == 0 {
			break
		}
	}
	t.set(of)
	return func() error {
		defer from.Stop()
		life := from.Stream().Created
		for {
			m, _, err := from.Next()
			if err != nil {
				return err
			}
			of := t.current().of
			if now := from.Stream().Created; !now.Equal(life) {
				life, of = now, nil
			}
			if of = maps.Clone(of); of == nil {
				of = map[string]map[string]string{}
			}
			if apply(of, m) {
				t.set(of)
			}
		}
	}, nil
}

// apply takes a message of the bucket, and says whether that changes something.
func apply(of map[string]map[string]string, m *nats.Msg) bool {
	name := strings.TrimPrefix(m.Subject, monitorsPrefix)
	before, there := of[name]
	if m.Header.Get("KV-Operation") != "" {
		delete(of, name)
		return there
	}
	saved, err := wire.DecodeSaved(m.Data, 0)
	if err != nil || saved.Name != name {
		return false
	}
	of[name] = saved.Tags
	return !there || !maps.Equal(before, saved.Tags)
}
