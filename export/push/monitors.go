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
	mu    sync.RWMutex
	tags  map[string]map[string]string
	count uint64 // of changes
}

// Of are the tags of a monitor, and whether it is saved. They are not to be changed.
func (t *Tags) Of(monitor string) (map[string]string, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tags, ok := t.tags[monitor]
	return tags, ok
}

// Edition is another number after each change.
func (t *Tags) Edition() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.count
}

func (t *Tags) saved(monitor string) bool {
	_, ok := t.Of(monitor)
	return ok
}

// open reads what is saved. follow keeps to it.
func (t *Tags) open(ctx context.Context, js jetstream.JetStream) (follow func() error, err error) {
	from, err := tail.Open(ctx, js, monitorsStream, tail.From{Subjects: []string{monitorsPrefix + ">"}, Last: true})
	if err != nil {
		return nil, err
	}
	t.tags = map[string]map[string]string{}
	for left := from.Left(); left > 0; left-- {
		m, meta, err := from.Next()
		if err != nil {
			from.Stop()
			return nil, err
		}
		t.apply(m)
		if meta.NumPending == 0 {
			break
		}
	}
	return func() error {
		defer from.Stop()
		life := from.Stream().Created
		for {
			m, _, err := from.Next()
			if err != nil {
				return err
			}
			if now := from.Stream().Created; !now.Equal(life) {
				life = now
				t.mu.Lock()
				clear(t.tags)
				t.mu.Unlock()
			}
			t.apply(m)
		}
	}, nil
}

func (t *Tags) apply(m *nats.Msg) {
	name := strings.TrimPrefix(m.Subject, monitorsPrefix)
	t.mu.Lock()
	defer t.mu.Unlock()
	if m.Header.Get("KV-Operation") != "" {
		delete(t.tags, name)
		t.count++
		return
	}
	saved, err := wire.DecodeSaved(m.Data, 0)
	if err != nil || saved.Name != name {
		return
	}
	if before, ok := t.tags[name]; !ok || !maps.Equal(before, saved.Tags) {
		t.tags[name] = saved.Tags
		t.count++
	}
}
