package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/internal/retry"
	"netmon/wire"
)

var (
	// ErrNotFound says that no monitor of that name is saved.
	ErrNotFound = errors.New("no such monitor")
	// ErrConflict says that another console changed the monitor meanwhile.
	ErrConflict = errors.New("changed by another console meanwhile")
)

// Store is the bucket of saved monitors, opened.
type Store struct{ *bucket }

// Monitors opens the bucket of saved monitors.
func (c *Client) Monitors(ctx context.Context) (*Store, error) {
	b, err := c.bucket(ctx, wire.MonitorsBucket, "the saved monitors")
	if err != nil {
		return nil, err
	}
	return &Store{b}, nil
}

// List returns all saved monitors by name. What cannot be decoded is returned
// as an error beside the rest.
func (s *Store) List(ctx context.Context) ([]wire.Saved, error) {
	var list []wire.Saved
	var errs []error
	err := s.each(ctx, nil, false, func(e entry) {
		m, err := s.decode(e)
		if err != nil {
			errs = append(errs, fmt.Errorf("monitor %q: %w", e.key, err))
			return
		}
		list = append(list, m)
	})
	slices.SortFunc(list, func(a, b wire.Saved) int { return strings.Compare(a.Name, b.Name) })
	s.c.fillChosen(ctx, list)
	return list, errors.Join(append(errs, err)...)
}

// Names returns the names of the saved monitors, sorted; those that came before
// an error are returned with it.
func (s *Store) Names(ctx context.Context) ([]string, error) {
	var names []string
	err := s.each(ctx, nil, true, func(e entry) {
		if wire.CheckToken(e.key) == nil { // else it is not a monitor of ours
			names = append(names, e.key)
		}
	})
	slices.Sort(names)
	return names, err
}

// Get returns one saved monitor.
func (s *Store) Get(ctx context.Context, name string) (wire.Saved, error) {
	if err := wire.CheckToken(name); err != nil {
		return wire.Saved{}, fmt.Errorf("monitor name %w", err)
	}
	e, err := s.current(ctx, name)
	if err != nil {
		return wire.Saved{}, err
	}
	m, err := s.decode(e)
	if err == nil && m.Edition == 0 { // saved before there were editions
		m.Edition, err = s.edition(ctx, name, m.Revision, 0, inData)
	}
	if err == nil {
		one := []wire.Saved{m}
		s.c.fillChosen(ctx, one)
		m = one[0]
	}
	return m, err
}

// Find is Get for a name that somebody typed: the error of one that is not there says which
// name is close to it.
func (s *Store) Find(ctx context.Context, name string) (wire.Saved, error) {
	m, err := s.Get(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return m, err
	}
	names, listErr := s.Names(ctx)
	if near := wire.DidYouMean(name, names); near != "" && listErr == nil {
		err = fmt.Errorf("%w%s", err, near)
	}
	return m, err
}

// decode reads what is stored under a key, if the mesh let it in.
func (s *Store) decode(e entry) (wire.Saved, error) {
	if err := s.accepted(e); err != nil {
		return wire.Saved{}, err
	}
	return decodeEntry(e.key, e.data, e.revision)
}

// Revision is that of what is stored under a name, or what was one once, whether it
// can be read or not.
func (s *Store) Revision(ctx context.Context, name string) (uint64, error) {
	if err := wire.CheckElement(name); err != nil {
		return 0, fmt.Errorf("monitor name %w", err)
	}
	e, err := s.current(ctx, name)
	return e.revision, err
}

// current is what is stored under a name now.
func (s *Store) current(ctx context.Context, name string) (entry, error) {
	e, ok, err := s.last(ctx, name)
	if err != nil {
		return entry{}, noMesh("read monitor "+name, err)
	}
	if !ok || e.deleted() {
		return entry{}, notFound(name)
	}
	return e, nil
}

func notFound(name string) error { return fmt.Errorf("%w: %q", ErrNotFound, name) }

// decodeEntry reads what is stored under a key. Whoever may write to the bucket
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
	made, err := s.write(ctx, m, change)
	return made.Revision, err
}

// write is Save; it returns the monitor as it is saved now.
func (s *Store) write(ctx context.Context, m wire.Saved, change string) (wire.Saved, error) {
	over := m.Revision
	if err := s.keepsAll(ctx, m.Name, over, &wire.Saved{}); err != nil {
		return m, fmt.Errorf("monitor %q: %w", m.Name, err)
	}
	before, err := s.edition(ctx, m.Name, over, m.Edition, inData)
	if err != nil {
		return m, noMesh("save monitor "+m.Name, err)
	}
	m.Edition = before + 1
	m.Chosen = nil
	m.Revision, m.Author, m.Change = 0, wire.Clip(s.c.author, wire.MaxAuthor), wire.Clip(change, wire.MaxText)
	data, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	if len(data) > wire.MaxSaved {
		return m, fmt.Errorf("monitor %q is %d bytes long: want at most %d", m.Name, len(data), wire.MaxSaved)
	}
	revision, err := s.save(ctx, m.Name, data, over, nil)
	if retry.Conflict(err) {
		return m, conflict(m.Name)
	}
	if err != nil {
		return m, noMesh("save monitor "+m.Name, err)
	}
	m.Revision = revision
	return m, nil
}

func conflict(name string) error {
	return fmt.Errorf("monitor %q: %w: look at it with `netmon get monitor %s` and try again", name, ErrConflict, name)
}

// Delete removes a monitor that was read at this revision, and returns the
// revision of the removal.
func (s *Store) Delete(ctx context.Context, name string, revision uint64) (uint64, error) {
	gone, err := s.put(ctx, name, opDelete, nil, revision, nil)
	if retry.Conflict(err) {
		return 0, fmt.Errorf("monitor %q: %w", name, ErrConflict)
	}
	if err != nil {
		return 0, noMesh("delete monitor "+name, err)
	}
	return gone, nil
}

// Revision is one entry of a monitor's history.
type Revision struct {
	Revision uint64
	Edition  uint64 // what people see as its revision
	At       time.Time
	Author   string      // who did it, as far as they said; "" where nobody knows
	Saved    *wire.Saved // nil when the monitor was deleted
	Problem  error       // why Saved cannot be read
}

// History returns the kept revisions of a monitor, the newest first.
func (s *Store) History(ctx context.Context, name string) ([]Revision, error) {
	if err := wire.CheckToken(name); err != nil {
		return nil, fmt.Errorf("monitor name %w", err)
	}
	var out []Revision
	var count editions
	err := s.history(ctx, name, func(e entry) {
		r := Revision{Revision: e.revision, Edition: count.of(e, inData), At: e.at, Author: e.author()}
		if !e.deleted() {
			saved, err := s.decode(e)
			if err != nil {
				r.Problem = err
			} else {
				saved.Edition = r.Edition
				r.Saved, r.Author = &saved, saved.Author
			}
		}
		out = append(out, r)
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w: %q was never saved, so it has no history", ErrNotFound, name)
	}
	if err != nil {
		return nil, err
	}
	return newestFirst(out), nil
}
