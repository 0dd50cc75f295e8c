package feed

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/tail"
	"netmon/wire"
)

// The streams under the buckets, by NATS's own naming.
const (
	monitorsStream = "KV_" + wire.MonitorsBucket
	monitorsPrefix = "$KV." + wire.MonitorsBucket + "."
	settingsStream = "KV_" + wire.AlertingBucket
	settingsPrefix = "$KV." + wire.AlertingBucket + "."
)

// saved is one change of what is saved, of which history needs to know.
type saved struct {
	at      time.Time
	monitor *wire.Saved
	setting wire.Setting // a window or a group

	name    string    // of what was deleted
	deleted wire.Sort // "" is a monitor
}

// openSaved reads what is saved, and keeps reading what changes.
func (g *feeding) openSaved(ctx context.Context) error {
	for _, s := range []struct {
		stream   string
		subjects []string
	}{{monitorsStream, []string{monitorsPrefix + ">"}}, {settingsStream, []string{settingsPrefix + string(wire.SortWindow) + ".*", settingsPrefix + string(wire.SortGroup) + ".*"}}} {
		t, err := tail.Open(ctx, g.js, s.stream, tail.From{Subjects: s.subjects, Last: true})
		if err != nil {
			return fmt.Errorf("follow stream %s: %w", s.stream, err)
		}
		for left := t.Left(); left > 0; left-- {
			m, meta, err := t.Next()
			if err != nil {
				t.Stop()
				return err
			}
			if x, ok := g.savedOf(m, meta); ok {
				g.applySaved(x)
			}
			if meta.NumPending == 0 {
				break
			}
		}
		if s.stream == monitorsStream {
			g.file.EndUnsaved(g.windows.Knows, t.Stream().Created)
		}
		g.readers.Go(func() { defer t.Stop(); g.end("follow stream "+s.stream, g.readSaved(ctx, t)) })
	}
	return nil
}

// readSaved hands over what is saved until ctx ends.
func (g *feeding) readSaved(ctx context.Context, t *tail.Tail) error {
	created := t.Stream().Created
	for {
		m, meta, err := t.Next()
		if err != nil {
			return err
		}
		if !t.Stream().Created.Equal(created) {
			return errAnew
		}
		x, ok := g.savedOf(m, meta)
		if !ok {
			continue
		}
		select {
		case g.saved <- x:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// savedOf reads what is saved. What the mesh did not let in counts for nothing, and what
// cannot be read either: the leader reports both.
func (g *feeding) savedOf(m *nats.Msg, meta *nats.MsgMetadata) (s saved, ok bool) {
	operation := m.Header.Get("KV-Operation")
	if g.Check != nil && g.Check(m.Subject, operation, m.Header.Get(wire.AcceptedHeader), m.Header.Get(wire.ProofHeader), m.Data) != nil {
		return s, false
	}
	s.at = meta.Timestamp
	if key, of := strings.CutPrefix(m.Subject, monitorsPrefix); of {
		if operation != "" {
			s.name = key
			return s, true
		}
		monitor, err := wire.DecodeSaved(m.Data, meta.Sequence.Stream)
		s.monitor = &monitor
		return s, err == nil && monitor.Name == key
	}
	key := strings.TrimPrefix(m.Subject, settingsPrefix)
	if operation != "" {
		sort, name, err := wire.ParseSettingKey(key)
		s.deleted, s.name = sort, name
		return s, err == nil
	}
	setting, err := wire.DecodeSetting(key, m.Data, meta.Sequence.Stream)
	if err != nil {
		return s, false
	}
	s.setting = setting
	return s, true
}

// applySaved notes a change of what is saved: of a monitor that was deleted nothing is known
// from then on.
func (g *feeding) applySaved(s saved) {
	switch {
	case s.monitor != nil:
		g.windows.Monitor(s.monitor)
	case s.setting != nil:
		g.windows.Setting(s.setting)
	default:
		if s.deleted == "" {
			g.file.Ended(s.name, s.at)
		}
		g.windows.Deleted(s.deleted, s.name)
	}
}

// advance opens and closes windows until a moment.
func (g *feeding) advance(to time.Time) {
	g.windows.Advance(to, g.file.Mute)
}
