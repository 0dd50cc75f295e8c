package console

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/retry"
	"netmon/wire"
)

// ErrNoSetting says that no setting of that sort and name is saved.
var ErrNoSetting = errors.New("is not saved")

// Settings is the bucket of channels, rules, windows, groups, silences and
// acknowledgements, opened.
type Settings struct {
	*bucket
	opened time.Time // by our clock
}

// Settings opens the bucket of settings.
func (c *Client) Settings(ctx context.Context) (*Settings, error) {
	b, err := c.bucket(ctx, wire.AlertingBucket, "the saved settings")
	if err != nil {
		return nil, err
	}
	return &Settings{b, time.Now()}, nil
}

// ListSettings are the saved settings of these sorts, as [Settings.List] has them. A
// mesh from before there were settings has none.
func (c *Client) ListSettings(ctx context.Context, sorts ...wire.Sort) ([]wire.Setting, error) {
	s, err := c.Settings(ctx)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if _, err := c.Monitors(ctx); err != nil {
			return nil, err // it is not a mesh at all
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.List(ctx, sorts...)
}

// List returns the settings of these sorts, of all where none is given, in the order
// of [wire.Sorts] and by name. What cannot be decoded is returned as an error beside
// the rest.
func (s *Settings) List(ctx context.Context, sorts ...wire.Sort) ([]wire.Setting, error) {
	var keys []string
	for _, sort := range sorts {
		keys = append(keys, string(sort)+".*")
	}
	var list []wire.Setting
	var errs []error
	err := s.each(ctx, keys, false, func(e entry) {
		x, err := s.decode(e)
		if err != nil {
			errs = append(errs, err)
			return
		}
		list = append(list, x)
	})
	SortSettings(list)
	return list, errors.Join(append(errs, err)...)
}

// SortSettings puts settings into the order of [wire.Sorts], and each sort by name.
func SortSettings(list []wire.Setting) {
	slices.SortStableFunc(list, func(a, b wire.Setting) int {
		return cmp.Or(cmp.Compare(slices.Index(wire.Sorts, a.Sort()), slices.Index(wire.Sorts, b.Sort())), cmp.Compare(a.SettingName(), b.SettingName()))
	})
}

// Get returns one setting.
func (s *Settings) Get(ctx context.Context, sort wire.Sort, name string) (wire.Setting, error) {
	e, err := s.current(ctx, sort, name)
	if err != nil {
		return nil, err
	}
	x, err := s.decode(e)
	if err == nil && x.About().Edition == 0 { // an older netmon saved it
		x.About().Edition, err = s.edition(ctx, e.key, e.revision, 0, inHeader)
	}
	return x, err
}

// Revision is that of what is stored under a name, whether it can be read or not.
func (s *Settings) Revision(ctx context.Context, sort wire.Sort, name string) (uint64, error) {
	e, err := s.current(ctx, sort, name)
	return e.revision, err
}

// current is what is stored under a name now.
func (s *Settings) current(ctx context.Context, sort wire.Sort, name string) (entry, error) {
	key, err := wire.SettingKey(sort, name)
	if err != nil {
		return entry{}, err
	}
	e, ok, err := s.last(ctx, key)
	if err != nil {
		return entry{}, noMesh("read "+titleOf(sort, name), err)
	}
	if !ok || e.deleted() {
		return entry{}, noSetting(sort, name)
	}
	return e, nil
}

func noSetting(sort wire.Sort, name string) error {
	return fmt.Errorf("%s %q %w", SortWord(sort), name, ErrNoSetting)
}

// decode reads what is stored under a key, if the mesh let it in.
func (s *Settings) decode(e entry) (wire.Setting, error) {
	if err := s.accepted(e); err != nil {
		return nil, fmt.Errorf("setting %q: %w", wire.Clip(e.key, 2*wire.MaxToken), err)
	}
	x, err := wire.DecodeSetting(e.key, e.data, e.revision)
	if err == nil {
		x.About().Edition = inHeader(e)
	}
	return x, err
}

// Save writes a setting over the revision it was read at (0 makes a new one) and
// returns the new revision. ErrConflict means that somebody else wrote it meanwhile;
// nothing is overwritten then.
func (s *Settings) Save(ctx context.Context, x wire.Setting, change string) (uint64, error) {
	if err := x.Validate(); err != nil {
		return 0, &InvalidError{err}
	}
	made, err := s.write(ctx, x, change)
	return made.Revision, err
}

// write is Save of what is valid; it returns how it is saved now.
func (s *Settings) write(ctx context.Context, x wire.Setting, change string) (wire.Saving, error) {
	x, err := cloneSetting(x)
	if err != nil {
		return wire.Saving{}, err
	}
	about := x.About()
	was := *about
	*about = wire.Saving{Author: wire.Clip(s.c.author, wire.MaxAuthor), Change: wire.Clip(change, wire.MaxText)}
	title := SettingTitle(x)
	data, err := json.Marshal(x)
	if err != nil {
		return was, err
	}
	if len(data) > wire.MaxSaved {
		return was, fmt.Errorf("%s is %d bytes long: want at most %d", title, len(data), wire.MaxSaved)
	}
	key, err := wire.SettingKey(x.Sort(), x.SettingName())
	if err != nil {
		return was, err
	}
	blank, err := wire.NewSetting(x.Sort())
	if err == nil {
		err = s.keepsAll(ctx, key, was.Revision, blank)
	}
	if err != nil {
		return was, fmt.Errorf("%s: %w", title, err)
	}
	before, err := s.edition(ctx, key, was.Revision, was.Edition, inHeader)
	if err != nil {
		return was, noMesh("save "+title, err)
	}
	revision, err := s.save(ctx, key, data, was.Revision, map[string]string{wire.EditionHeader: strconv.FormatUint(before+1, 10)})
	if retry.Conflict(err) {
		return was, settingConflict(x.Sort(), x.SettingName())
	}
	if err != nil {
		return was, noMesh("save "+title, err)
	}
	about.Revision, about.Edition = revision, before+1
	return *about, nil
}

func settingConflict(sort wire.Sort, name string) error {
	return fmt.Errorf("%s: %w: look at it with `netmon get %ss %s -o yaml` and try again", titleOf(sort, name), ErrConflict, sort, name)
}

// Delete removes a setting that was read at this revision, and returns the revision of
// the removal.
func (s *Settings) Delete(ctx context.Context, sort wire.Sort, name string, revision uint64) (uint64, error) {
	key, err := wire.SettingKey(sort, name)
	if err != nil {
		return 0, err
	}
	gone, err := s.put(ctx, key, opDelete, nil, revision, nil)
	if retry.Conflict(err) {
		return 0, settingConflict(sort, name)
	}
	if err != nil {
		return 0, noMesh("delete "+titleOf(sort, name), err)
	}
	return gone, nil
}

// SettingRevision is one entry of a setting's history.
type SettingRevision struct {
	Revision uint64
	Edition  uint64 // what people see as its revision
	At       time.Time
	Author   string       // who did it, as far as they said; "" where nobody knows
	Setting  wire.Setting // nil when it was deleted
	Problem  error        // why Setting cannot be read
}

// History returns the kept revisions of a setting, the newest first.
func (s *Settings) History(ctx context.Context, sort wire.Sort, name string) ([]SettingRevision, error) {
	key, err := wire.SettingKey(sort, name)
	if err != nil {
		return nil, err
	}
	var out []SettingRevision
	var count editions
	err = s.history(ctx, key, func(e entry) {
		r := SettingRevision{Revision: e.revision, Edition: count.of(e, inHeader), At: e.at, Author: e.author()}
		if !e.deleted() {
			if x, err := s.decode(e); err != nil {
				r.Problem = err
			} else {
				x.About().Edition = r.Edition
				r.Setting, r.Author = x, x.About().Author
			}
		}
		out = append(out, r)
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%w, and never was", noSetting(sort, name))
	}
	if err != nil {
		return nil, err
	}
	return newestFirst(out), nil
}

// Watch calls handle with every saved setting of these sorts, then ready, and then handle
// with each change, until ctx ends. x is nil when it was deleted, and when it cannot be
// read, which problem explains. trouble, when not nil, is called with why they cannot be read
// although the broker is there, and nil when they can be again.
func (s *Settings) Watch(ctx context.Context, sorts []wire.Sort, trouble func(error), ready func(), handle func(sort wire.Sort, name string, x wire.Setting, problem error)) error {
	var keys []string
	for _, sort := range sorts {
		keys = append(keys, string(sort)+".*")
	}
	return s.watch(ctx, keys, trouble, ready, func(e entry) {
		sort, name, err := wire.ParseSettingKey(e.key)
		switch {
		case err != nil: // no setting of ours
		case e.deleted():
			handle(sort, name, nil, nil)
		default:
			x, err := s.decode(e)
			if err != nil {
				handle(sort, name, nil, err)
				break
			}
			handle(sort, name, x, nil)
		}
	})
}
