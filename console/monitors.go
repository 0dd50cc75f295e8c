package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/internal/tail"
	"netmon/wire"
)

var (
	// ErrNotFound says that no monitor of that name is saved.
	ErrNotFound = errors.New("no such monitor")
	// ErrConflict says that another console changed the monitor meanwhile.
	ErrConflict = errors.New("changed by another console meanwhile")
)

// Store is the bucket of saved monitors, opened.
type Store struct {
	c      *Client
	stream jetstream.Stream
	id     string
}

// The stream under the bucket of saved monitors, by NATS's own naming (its ADR-8).
const (
	monitorsStream = "KV_" + wire.MonitorsBucket
	monitorsPrefix = "$KV." + wire.MonitorsBucket + "."
)

// Monitors opens the bucket of saved monitors.
func (c *Client) Monitors(ctx context.Context) (*Store, error) {
	stream, err := c.open(ctx, monitorsStream)
	if err != nil {
		return nil, noMesh("open the saved monitors", err)
	}
	return &Store{c: c, stream: stream, id: wire.StoreID(stream.CachedInfo().Created)}, nil
}

// List returns all saved monitors by name. What cannot be decoded is returned
// as an error beside the rest.
func (s *Store) List(ctx context.Context) ([]wire.Saved, error) {
	var list []wire.Saved
	var errs []error
	err := s.each(ctx, tail.From{}, func(key string, msg *nats.Msg, revision uint64) {
		m, err := s.read(key, msg.Header, msg.Data, revision)
		if err != nil {
			errs = append(errs, fmt.Errorf("monitor %q: %w", key, err))
			return
		}
		list = append(list, m)
	})
	slices.SortFunc(list, func(a, b wire.Saved) int { return strings.Compare(a.Name, b.Name) })
	return list, errors.Join(append(errs, err)...)
}

// Names returns the names of the saved monitors, sorted; those that came before
// an error are returned with it.
func (s *Store) Names(ctx context.Context) ([]string, error) {
	var names []string
	err := s.each(ctx, tail.From{HeadersOnly: true}, func(key string, _ *nats.Msg, _ uint64) {
		if wire.CheckToken(key) == nil { // else it is no monitor of ours
			names = append(names, key)
		}
	})
	slices.Sort(names)
	return names, err
}

// each hands over what stands under each key of the bucket now.
func (s *Store) each(ctx context.Context, from tail.From, take func(key string, msg *nats.Msg, revision uint64)) error {
	from.Subjects, from.Last = []string{monitorsPrefix + ">"}, true
	t, err := tail.Open(ctx, s.c.js, monitorsStream, from)
	if err != nil {
		return noMesh("read the saved monitors", err)
	}
	defer t.Stop()
	for more := t.Left() > 0; more; {
		m, meta, err := t.Next()
		if err != nil {
			return noMesh("read the saved monitors", err)
		}
		more = meta.NumPending > 0
		if m.Header.Get(headerOperation) == "" { // else it is deleted (ADR-8 of NATS)
			take(strings.TrimPrefix(m.Subject, monitorsPrefix), m, meta.Sequence.Stream)
		}
	}
	return nil
}

// Get returns one saved monitor.
func (s *Store) Get(ctx context.Context, name string) (wire.Saved, error) {
	if err := wire.CheckToken(name); err != nil {
		return wire.Saved{}, fmt.Errorf("monitor name %w", err)
	}
	m, err := s.last(ctx, name)
	if err != nil {
		return wire.Saved{}, err
	}
	return s.read(name, m.Header, m.Data, m.Sequence)
}

// ErrNotAccepted says that the mesh did not let in what is saved: whoever signs
// it anew would say it in their own name.
var ErrNotAccepted = errors.New("is not what somebody saved on this mesh")

// read decodes what stands under a key, if the mesh let it in.
func (s *Store) read(key string, header nats.Header, value []byte, revision uint64) (wire.Saved, error) {
	if s.c.operators != nil {
		subject := monitorsPrefix + key
		if err := s.c.operators.Accepted(header.Get(wire.AcceptedHeader), subject, "", header.Get(wire.ProofHeader), value); err != nil {
			return wire.Saved{}, fmt.Errorf("revision %d %w (%w): look at it (nats kv history %s %s), and save it again if it should be so", revision, ErrNotAccepted, err, wire.MonitorsBucket, key)
		}
	}
	return decodeEntry(key, value, revision)
}

// Revision is that of what stands under a name, or what was one once, whether it
// can be read or not.
func (s *Store) Revision(ctx context.Context, name string) (uint64, error) {
	if err := wire.CheckElement(name); err != nil {
		return 0, fmt.Errorf("monitor name %w", err)
	}
	m, err := s.last(ctx, name)
	if err != nil {
		return 0, err
	}
	return m.Sequence, nil
}

// last is what stands under a name now.
func (s *Store) last(ctx context.Context, name string) (*jetstream.RawStreamMsg, error) {
	m, err := s.c.last(ctx, s.stream, monitorsPrefix+name)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && m.Header.Get(headerOperation) != "" {
		return nil, notFound(name)
	}
	if err != nil {
		return nil, noMesh("read monitor "+name, err)
	}
	return m, nil
}

func notFound(name string) error { return fmt.Errorf("%w: %q", ErrNotFound, name) }

// decodeEntry reads what stands under a key. Whoever may write to the bucket
// can put anything under any subject.
func decodeEntry(key string, value []byte, revision uint64) (wire.Saved, error) {
	if err := wire.CheckToken(key); err != nil {
		if wire.CheckElement(key) == nil { // it was a name once
			err = fmt.Errorf("%w; save it under another name, and delete this one: netmon delete -- %s", err, key)
		}
		return wire.Saved{}, fmt.Errorf("its key %w", err)
	}
	m, err := wire.DecodeSaved(value, revision)
	if err == nil && m.Name != key {
		err = fmt.Errorf("it is named %q", m.Name)
	}
	return m, err
}

// Save writes a monitor over the revision it was read at (m.Revision; 0 makes
// a new one) and returns the new revision. ErrConflict means that somebody else
// wrote it meanwhile; nothing is overwritten then.
func (s *Store) Save(ctx context.Context, m wire.Saved, change string) (uint64, error) {
	if err := m.Validate(); err != nil {
		return 0, err
	}
	was := m.Revision
	m.Revision, m.Author, m.Change = 0, wire.Clip(s.c.author, wire.MaxAuthor), wire.Clip(change, wire.MaxText)
	data, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	if len(data) > wire.MaxSaved {
		return 0, fmt.Errorf("monitor %q is %d bytes long: want at most %d", m.Name, len(data), wire.MaxSaved)
	}
	revision, err := s.put(ctx, m.Name, "", data, was)
	if was == 0 && retry.Conflict(err) {
		if gone, ok := s.deleted(ctx, m.Name); ok {
			revision, err = s.put(ctx, m.Name, "", data, gone)
		}
	}
	if retry.Conflict(err) {
		return 0, conflict(m.Name)
	}
	if err != nil {
		return 0, noMesh("save monitor "+m.Name, err)
	}
	return revision, nil
}

func conflict(name string) error {
	return fmt.Errorf("monitor %q: %w: look at it with `netmon get monitor %s` and try again", name, ErrConflict, name)
}

// Delete removes a monitor that was read at this revision, and returns the
// revision of the removal.
func (s *Store) Delete(ctx context.Context, name string, revision uint64) (uint64, error) {
	gone, err := s.put(ctx, name, opDelete, nil, revision)
	if retry.Conflict(err) {
		return 0, fmt.Errorf("monitor %q: %w", name, ErrConflict)
	}
	if err != nil {
		return 0, noMesh("delete monitor "+name, err)
	}
	return gone, nil
}

// Of NATS's key-value buckets (its ADR-8).
const (
	headerOperation = "KV-Operation"
	opDelete        = "DEL"
)

// put writes to the bucket over a revision, 0 for none, and returns the new one.
// What is written is signed, where the mesh knows who is who.
func (s *Store) put(ctx context.Context, name, operation string, data []byte, over uint64) (uint64, error) {
	m := nats.NewMsg(monitorsPrefix + name)
	m.Data = data
	if operation != "" {
		m.Header.Set(headerOperation, operation)
	}
	if s.c.signer != nil {
		proof, err := s.c.signer.Sign(m.Subject, operation, data, wire.Proof{Store: s.id, Revision: over})
		if err != nil {
			return 0, err
		}
		m.Header.Set(wire.ProofHeader, proof)
	}
	return s.c.replace(ctx, monitorsStream, m, over)
}

// deleted is the revision at which a monitor was deleted, if it was.
func (s *Store) deleted(ctx context.Context, name string) (uint64, bool) {
	m, err := s.c.last(ctx, s.stream, monitorsPrefix+name)
	if err != nil || m.Header.Get(headerOperation) == "" {
		return 0, false
	}
	return m.Sequence, true
}

// Revision is one entry of a monitor's history.
type Revision struct {
	Revision uint64
	At       time.Time
	Saved    *wire.Saved // nil when the monitor was deleted
	Problem  error       // why Saved cannot be read
}

// History returns the kept revisions of a monitor, the newest first.
func (s *Store) History(ctx context.Context, name string) ([]Revision, error) {
	if err := wire.CheckToken(name); err != nil {
		return nil, fmt.Errorf("monitor name %w", err)
	}
	t, err := tail.Open(ctx, s.c.js, monitorsStream, tail.From{Subjects: []string{monitorsPrefix + name}})
	if err != nil {
		return nil, noMesh("read the history of "+name, err)
	}
	defer t.Stop()
	if t.Left() == 0 {
		return nil, fmt.Errorf("%w: %q, and there was none", ErrNotFound, name)
	}
	var out []Revision
	for more := true; more; {
		m, meta, err := t.Next()
		if err != nil {
			return nil, noMesh("read the history of "+name, err)
		}
		more = meta.NumPending > 0
		r := Revision{Revision: meta.Sequence.Stream, At: meta.Timestamp}
		if m.Header.Get(headerOperation) == "" {
			saved, err := s.read(name, m.Header, m.Data, r.Revision)
			if err != nil {
				r.Problem = err
			} else {
				r.Saved = &saved
			}
		}
		out = append(out, r)
	}
	slices.Reverse(out)
	return out, nil
}

// Same says whether two monitors would run alike in the same places, and be judged
// alike: all but who wrote them, when and why.
func Same(a, b wire.Saved) bool {
	x, errX := json.Marshal(plain(a))
	y, errY := json.Marshal(plain(b))
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// plain is the one form of all monitors that are the same.
func plain(m wire.Saved) wire.Saved {
	m.Monitor = m.Monitor.WithDefaults()
	m.Revision, m.Author, m.Change = 0, "", ""
	m.Options = canonical(m.Options)
	if m.Agents == nil {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	if len(m.Except) == 0 {
		m.Except = nil
	}
	m.Verdict = plainRule(m.Verdict)
	m.DependsOn = slices.Sorted(slices.Values(m.DependsOn))
	return m
}

// plainRule leaves out of a rule what is so by default, and is nil where all is.
func plainRule(r *wire.Rule) *wire.Rule {
	if r == nil {
		return nil
	}
	is, usual := r.WithDefaults(), wire.Rule{}.WithDefaults()
	if is.Quorum == usual.Quorum {
		is.Quorum = wire.Quorum{}
	}
	if is.Down == usual.Down {
		is.Down = wire.Strikes{}
	}
	if is.Up == usual.Up {
		is.Up = 0
	}
	if *is.Crosscheck == *usual.Crosscheck {
		is.Crosscheck = nil
	}
	if is == (wire.Rule{}) {
		return nil
	}
	return &is
}

// canonical writes options with sorted keys; an empty object is no options.
func canonical(options json.RawMessage) json.RawMessage {
	var v any
	if len(options) == 0 || json.Unmarshal(options, &v) != nil {
		return options
	}
	if m, ok := v.(map[string]any); ok && len(m) == 0 {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return options
	}
	return out
}
