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
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// A Set is a saved configuration: a whole set of monitors under a name.
type Set struct {
	Name     string    `json:"name"`
	Monitors int       `json:"monitors"`
	Author   string    `json:"author"`
	Saved    time.Time `json:"saved"` // UTC
	Bytes    uint64    `json:"bytes"`
	Digest   string    `json:"digest"` // DigestMonitors of its monitors
}

// Sets are the saved configurations of the mesh, which every console sees.
//
// Each is an object of an object store, written in pieces, so that no limit of
// one message bounds it: a reader sees the old one or the new one, whole. Its
// content is JSON that is YAML too, a file that `netmon apply` takes.
type Sets struct {
	c  *Client
	os jetstream.ObjectStore
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
	os, err := c.js.ObjectStore(ctx, wire.ConfigsBucket)
	if err != nil {
		return nil, noMesh("open the saved configurations", err)
	}
	return &Sets{c, os}, nil
}

// List returns what is known of each set, by name.
func (s *Sets) List(ctx context.Context) ([]Set, error) {
	infos, err := s.os.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, nil
	}
	if err != nil {
		return nil, noMesh("read the saved configurations", err)
	}
	var list []Set
	for _, info := range infos {
		list = append(list, setOf(info))
	}
	slices.SortFunc(list, func(a, b Set) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func setOf(info *jetstream.ObjectInfo) Set {
	n, _ := strconv.Atoi(info.Metadata[wire.SetMonitors])
	return Set{Name: info.Name, Monitors: n, Author: info.Metadata[wire.SetAuthor], Saved: info.ModTime.UTC(), Bytes: info.Size, Digest: strings.TrimPrefix(info.Digest, "SHA-256=")}
}

// Find returns what is known of a set, without its monitors.
func (s *Sets) Find(ctx context.Context, name string) (Set, error) {
	if err := wire.CheckToken(name); err != nil {
		return Set{}, fmt.Errorf("configuration name %w", err)
	}
	info, err := s.os.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return Set{}, fmt.Errorf("%w: %q", ErrNoSet, name)
	}
	if err != nil {
		return Set{}, noMesh("read the configuration "+name, err)
	}
	return setOf(info), nil
}

// Get returns a set and its monitors by name.
func (s *Sets) Get(ctx context.Context, name string) (Set, []wire.Saved, error) {
	if err := wire.CheckToken(name); err != nil {
		return Set{}, nil, fmt.Errorf("configuration name %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, setPatience)
	defer cancel()
	object, err := s.os.Get(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return Set{}, nil, fmt.Errorf("%w: %q", ErrNoSet, name)
	}
	if err != nil {
		return Set{}, nil, noMesh("read the configuration "+name, err)
	}
	defer object.Close()
	info, err := object.Info()
	if err != nil {
		return Set{}, nil, noMesh("read the configuration "+name, err)
	}
	if err := s.check(ctx, name, info); err != nil {
		return Set{}, nil, fmt.Errorf("configuration %q: %w: look at it (nats object get %s %s) and save it again", name, err, wire.ConfigsBucket, name)
	}
	content, err := io.ReadAll(io.LimitReader(object, MaxSet+1))
	if err != nil {
		return Set{}, nil, noMesh("read the configuration "+name, err)
	}
	monitors, err := decodeSet(content)
	if err != nil {
		return Set{}, nil, fmt.Errorf("configuration %q: %w", name, err)
	}
	return setOf(info), monitors, nil
}

// Save keeps the monitors under the name, in place of was, as Find returned it;
// the zero value is none. NATS cannot compare and set an object: this looks
// before and behind, and ErrSetChanged tells what of another console it found
// there. What of two that save at once is kept is whole in any case.
func (s *Sets) Save(ctx context.Context, name string, monitors []wire.Saved, was Set) (Set, error) {
	if err := wire.CheckToken(name); err != nil {
		return Set{}, fmt.Errorf("configuration name %w", err)
	}
	switch now, err := s.Find(ctx, name); {
	case err != nil && !errors.Is(err, ErrNoSet):
		return Set{}, err
	case now.Digest != was.Digest || !now.Saved.Equal(was.Saved):
		return Set{}, fmt.Errorf("%w: %s; yours is not saved: look at it and save again", ErrSetChanged, now.words())
	}
	content, err := encodeSet(monitors)
	if err != nil {
		return Set{}, err
	}
	if len(content) > MaxSet {
		return Set{}, fmt.Errorf("configuration %q is %d bytes long: want at most %d", name, len(content), MaxSet)
	}
	ctx, cancel := context.WithTimeout(ctx, setPatience)
	defer cancel()
	ctx, done := s.c.denials.during(ctx)
	defer done()
	about := map[string]string{wire.SetAuthor: s.c.author, wire.SetMonitors: strconv.Itoa(len(monitors))}
	if err := s.sign(ctx, name, content, about); err != nil {
		return Set{}, noMesh("save the configuration "+name, err)
	}
	info, err := s.os.Put(ctx, jetstream.ObjectMeta{Name: name, Description: fmt.Sprintf("%d monitors, saved by %s", len(monitors), s.c.author), Metadata: about}, bytes.NewReader(content))
	if conflict(err) {
		return Set{}, fmt.Errorf("%w: yours is not saved: look at it and save again", ErrSetChanged)
	}
	if err != nil {
		return Set{}, noMesh("save the configuration "+name, denied(ctx, err))
	}
	saved := setOf(info)
	if now, err := s.Find(ctx, name); err == nil && now.Digest != saved.Digest {
		return Set{}, fmt.Errorf("%w: %s; yours was replaced by it at once: save again under another name, or talk to each other", ErrSetChanged, now.words())
	}
	return saved, nil
}

// words say what a set is to somebody who did not expect it.
func (s Set) words() string {
	if s.Name == "" {
		return "it was removed"
	}
	return fmt.Sprintf("%q has %d monitors now, by %s", s.Name, s.Monitors, s.Author)
}

// Delete removes a set; the monitors that run are left alone.
func (s *Sets) Delete(ctx context.Context, name string) error {
	if _, err := s.Find(ctx, name); err != nil {
		return err // NATS deletes what is not there without a word
	}
	ctx, done := s.c.denials.during(ctx)
	defer done()
	if err := s.remove(ctx, name); err != nil {
		return noMesh("remove the configuration "+name, denied(ctx, err))
	}
	return nil
}

// DigestMonitors names what a set of monitors says: two equal sets have the
// same digest, whoever saved them, when, and in which order.
func DigestMonitors(monitors []wire.Saved) (string, error) {
	content, err := encodeSet(monitors)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return base64.URLEncoding.EncodeToString(sum[:]), nil
}

// encodeSet writes one monitor to a line, by name.
func encodeSet(monitors []wire.Saved) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(monitors), func(a, b wire.Saved) int { return cmp.Compare(a.Name, b.Name) })
	var b bytes.Buffer
	b.WriteString(`{"monitors":[`)
	for i, m := range sorted {
		line, err := json.Marshal(plain(m))
		if err != nil {
			return nil, fmt.Errorf("monitor %q: %w", m.Name, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}

func decodeSet(data []byte) ([]wire.Saved, error) {
	var set struct {
		Monitors []wire.Saved `json:"monitors"`
	}
	if len(data) > MaxSet {
		return nil, fmt.Errorf("over %d bytes", MaxSet)
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, err
	}
	var p wire.Problems
	for i := range set.Monitors {
		m := &set.Monitors[i]
		p.Add(fmt.Sprintf("monitors[%d]", i), m.Validate())
		m.Monitor = m.Monitor.WithDefaults()
	}
	return set.Monitors, p.Err()
}
