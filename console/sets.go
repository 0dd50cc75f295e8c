package console

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/plural"
	"netmon/internal/retry"
	"netmon/wire"
)

// A Set is a saved configuration under a name: all monitors, channels, rules, windows
// and groups of a moment.
type Set struct {
	Name     string    `json:"name"`
	Monitors int       `json:"monitors"`
	Author   string    `json:"author"`
	Saved    time.Time `json:"saved"` // UTC
	Bytes    uint64    `json:"bytes"`
	Digest   string    `json:"digest"` // DigestWanted of what is in it
}

// Sets are the saved configurations of the mesh, which every console sees.
//
// Each is an object of an object store, written in pieces, so that no limit of
// one message bounds it: a reader sees the old one or the new one, whole. Its
// content is JSON that is YAML too, a file that `netmon apply` takes.
type Sets struct {
	c      *Client
	stream jetstream.Stream
}

// MaxSet bounds a saved configuration, in bytes: 10,000 monitors take about 3 MB.
const MaxSet = 32 << 20

// setPatience bounds the transfer of one set, large ones over slow links too.
const setPatience = time.Minute

// ErrNoSet says that no configuration of that name is saved.
var ErrNoSet = errors.New("no such configuration")

// ErrSetChanged says that another console saved a configuration at the same time.
var ErrSetChanged = errors.New("another console saved it meanwhile")

// Sets opens the saved configurations.
func (c *Client) Sets(ctx context.Context) (*Sets, error) {
	stream, err := c.open(ctx, configsStream)
	if err != nil {
		return nil, noMesh("open the saved configurations", err)
	}
	return &Sets{c, stream}, nil
}

// List returns what is known about each set, by name.
func (s *Sets) List(ctx context.Context) ([]Set, error) {
	objects, err := s.objects(ctx)
	if err != nil {
		return nil, noMesh("read the saved configurations", err)
	}
	var list []Set
	for _, o := range objects {
		list = append(list, o.set())
	}
	slices.SortFunc(list, func(a, b Set) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// set is what is known about an object; the zero value where there is none.
func (o object) set() Set {
	if !o.there() {
		return Set{}
	}
	n, _ := strconv.Atoi(o.Metadata[wire.SetMonitors])
	return Set{Name: o.Name, Monitors: n, Author: o.Metadata[wire.SetAuthor], Saved: o.ModTime.UTC(), Bytes: o.Size, Digest: strings.TrimPrefix(o.Digest, digestOf)}
}

// Find returns what is known about a set, without its monitors.
func (s *Sets) Find(ctx context.Context, name string) (Set, error) {
	o, err := s.find(ctx, name)
	return o.set(), err
}

// find is lookup for what has to be there.
func (s *Sets) find(ctx context.Context, name string) (object, error) {
	if err := wire.CheckToken(name); err != nil {
		return object{}, fmt.Errorf("configuration name %w", err)
	}
	o, err := s.lookup(ctx, name)
	if err != nil {
		return object{}, noMesh("read the configuration "+name, err)
	}
	if !o.there() {
		return object{}, fmt.Errorf("%w: %q", ErrNoSet, name)
	}
	return o, nil
}

// Get returns a set and what is in it by name.
func (s *Sets) Get(ctx context.Context, name string) (Set, Wanted, error) {
	ctx, cancel := context.WithTimeout(ctx, setPatience)
	defer cancel()
	o, err := s.find(ctx, name)
	if err != nil {
		return Set{}, Wanted{}, err
	}
	if err := s.check(o); err != nil {
		return Set{}, Wanted{}, fmt.Errorf("configuration %q: %w: look at it (nats object get %s %s) and save it again", name, err, wire.ConfigsBucket, name)
	}
	content, err := s.content(ctx, o)
	if err != nil {
		return Set{}, Wanted{}, noMesh("read the configuration "+name, err)
	}
	wanted, err := decodeSet(content)
	if err != nil {
		return Set{}, Wanted{}, fmt.Errorf("configuration %q: %w", name, err)
	}
	return o.set(), wanted, nil
}

// Save keeps what is wanted under the name, in place of was, as Find returned it;
// the zero value is none. ErrSetChanged means that another console saved or removed
// it meanwhile; nothing is overwritten then.
func (s *Sets) Save(ctx context.Context, name string, wanted Wanted, was Set) (Set, error) {
	if err := wire.CheckToken(name); err != nil {
		return Set{}, fmt.Errorf("configuration name %w", err)
	}
	content, err := encodeSet(wanted)
	if err != nil {
		return Set{}, err
	}
	if len(content) > MaxSet {
		return Set{}, fmt.Errorf("configuration %q is %d bytes long: want at most %d", name, len(content), MaxSet)
	}
	ctx, cancel := context.WithTimeout(ctx, setPatience)
	defer cancel()
	old, err := s.lookup(ctx, name)
	if err != nil {
		return Set{}, noMesh("read the configuration "+name, err)
	}
	if now := old.set(); now.Digest != was.Digest || !now.Saved.Equal(was.Saved) {
		return Set{}, fmt.Errorf("%w: %s; yours is not saved: look at it and save again", ErrSetChanged, now.words())
	}
	saved, err := s.put(ctx, old, jetstream.ObjectMeta{Name: name, Description: fmt.Sprintf("%s, saved by %s", wanted.Count(), s.c.author),
		Metadata: map[string]string{wire.SetAuthor: s.c.author, wire.SetMonitors: strconv.Itoa(len(wanted.Monitors))}}, content)
	if retry.Conflict(err) {
		return Set{}, fmt.Errorf("%w: yours is not saved: look at it and save again", ErrSetChanged)
	}
	if err != nil {
		return Set{}, noMesh("save the configuration "+name, err)
	}
	return saved.set(), nil
}

// words say what a set is to somebody who did not expect it.
func (s Set) words() string {
	if s.Name == "" {
		return "it was removed"
	}
	return fmt.Sprintf("%q has %s now, by %s", s.Name, plural.Count(s.Monitors, "monitor", "monitors"), AuthorText(s.Author))
}

// Delete removes a set; the monitors that run are left alone.
func (s *Sets) Delete(ctx context.Context, name string) error {
	o, err := s.find(ctx, name)
	if err != nil {
		return err
	}
	err = s.remove(ctx, o)
	if retry.Conflict(err) {
		return fmt.Errorf("%w: it is not removed: look at it and try again", ErrSetChanged)
	}
	if err != nil {
		return noMesh("remove the configuration "+name, err)
	}
	return nil
}

// DigestWanted names what a set says: two that say the same have the same digest,
// whoever saved them, when, and in which order.
func DigestWanted(w Wanted) (string, error) {
	content, err := encodeSet(w)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return base64.URLEncoding.EncodeToString(sum[:]), nil
}

// encodeSet writes one monitor or setting to a line, by name. Sorts of settings that
// are not spoken of are left out.
func encodeSet(w Wanted) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(w.Monitors), func(a, b wire.Saved) int { return cmp.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	list := func(name string, n int, line func(i int) ([]byte, error)) error {
		fmt.Fprintf(&b, "%q:[", name)
		for i := range n {
			data, err := line(i)
			if err != nil {
				return err
			}
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
			b.Write(data)
		}
		b.WriteString("\n]")
		return nil
	}
	b.WriteByte('{')
	err := list("monitors", len(sorted), func(i int) ([]byte, error) { return json.Marshal(plain(sorted[i])) })
	if err != nil {
		return nil, fmt.Errorf("monitors: %w", err)
	}
	for _, sort := range FileSorts {
		if !w.Speaks(sort) {
			continue
		}
		of := w.Of(sort)
		SortSettings(of)
		b.WriteString(",")
		if err := list(Section(sort), len(of), func(i int) ([]byte, error) { return plainSetting(of[i]) }); err != nil {
			return nil, fmt.Errorf("%s: %w", Section(sort), err)
		}
	}
	b.WriteString("}\n")
	return b.Bytes(), nil
}

func decodeSet(data []byte) (w Wanted, err error) {
	var set struct {
		Monitors []wire.Saved `json:"monitors"`
	}
	if len(data) > MaxSet {
		return w, fmt.Errorf("over %d bytes", MaxSet)
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return w, err
	}
	w.Monitors = set.Monitors
	var p wire.Problems
	for i := range w.Monitors {
		m := &w.Monitors[i]
		p.Add(fmt.Sprintf("monitors[%d]", i), m.Validate())
		m.Monitor = m.Monitor.WithDefaults()
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return w, err
	}
	for _, sort := range FileSorts {
		raw, there := fields[Section(sort)]
		if !there {
			continue // it was saved before there were settings
		}
		w.Sorts = append(w.Sorts, sort)
		var items []json.RawMessage
		if err := json.Unmarshal(raw, &items); err != nil {
			p.Add(Section(sort), err)
			continue
		}
		for i, item := range items {
			x, err := wire.NewSetting(sort)
			if err == nil {
				err = json.Unmarshal(item, x)
			}
			if err == nil {
				err = x.Validate()
			}
			p.Add(fmt.Sprintf("%s[%d]", Section(sort), i), err)
			if err == nil {
				*x.About() = wire.Saving{}
				w.Settings = append(w.Settings, x)
			}
		}
	}
	return w, p.Err()
}
