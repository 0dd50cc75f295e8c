package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/broker/access"
	"netmon/wire"
)

// Kept are the streams of a backup, in the order of copying: results are most, and
// newest then. The lease of controllers lives for seconds and is not among them, nor are
// notices: the leader makes them of the incidents.
func Kept() []string {
	return []string{"KV_" + wire.MonitorsBucket, "KV_" + wire.AlertingBucket, "OBJ_" + wire.ConfigsBucket, wire.AuditStream, wire.AgentsStream, wire.IncidentsStream, wire.VerdictsStream, wire.HistoryStream, wire.ResultsStream}
}

// Progress is how far the copying of a stream is.
type Progress struct {
	Stream   string
	Bytes    int64 // written or sent
	Messages uint64
	All      uint64 // messages in all, about
	Done     bool
}

// Options of a backup.
type Options struct {
	Version  string           // of netmon
	Access   *access.ReadOnly // nil for a mesh that has no identities
	Progress func(Progress)   // may be nil
	// History writes a copy of the controller's file of history to a path; nil: there is none.
	History func(ctx context.Context, path string) error
}

// Take copies the mesh that nc is connected to into a folder, which must be empty
// or missing. After an error the folder is as it was.
func Take(ctx context.Context, nc *nats.Conn, dir string, o Options) (m *Manifest, err error) {
	made, err := prepare(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, clear(dir, made))
		}
	}()
	host, _ := os.Hostname()
	m = &Manifest{Format: format, Netmon: o.Version, Server: nc.ConnectedServerVersion(), Host: host, Began: time.Now().UTC()}
	// The authority first: what is saved meanwhile needs no newer one.
	var files map[string][]byte
	if o.Access != nil {
		if files, err = o.Access.Files(ctx); err != nil {
			return nil, err
		}
		if m.Access, err = writeAccess(dir, files); err != nil {
			return nil, fmt.Errorf("write the authority: %w", err)
		}
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	if o.History != nil { // before the results: it counts none that are not in it
		if m.History, err = copyHistory(ctx, dir, o); err != nil {
			return nil, fmt.Errorf("copy the file of history: %w", err)
		}
	}
	for _, name := range Kept() {
		s, err := copyStream(ctx, nc, js, dir, name, o)
		var no *apiError
		if errors.As(err, &no) && no.ErrCode == codeStreamNotFound && name != "KV_"+wire.MonitorsBucket {
			continue // an older netmon had fewer
		}
		if err != nil {
			return nil, fmt.Errorf("copy the stream %s: %w", name, err)
		}
		m.Streams = append(m.Streams, s)
	}
	if o.Access != nil {
		if err := o.Access.Unchanged(files); err != nil {
			return nil, err
		}
	}
	m.Ended = time.Now().UTC()
	return m, m.write(dir)
}

// prepare makes the folder, or finds it empty.
func prepare(dir string) (made bool, err error) {
	list, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, fmt.Errorf("backup: %w", err)
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("backup: %w", err)
	case len(list) > 0 && exists(filepath.Join(dir, manifestName)):
		return false, fmt.Errorf("%s already has a backup: give another folder, such as %s", dir, filepath.Join(filepath.Dir(dir), time.Now().UTC().Format("2006-01-02T150405")))
	case len(list) > 0:
		return false, fmt.Errorf("%s is not empty, and has no complete backup (it has %s): give another folder, or empty this one", dir, list[0].Name())
	}
	return false, os.Chmod(dir, 0o700) // #nosec G302 -- a folder
}

// clear takes away what an unfinished backup wrote.
func clear(dir string, made bool) error {
	if made {
		return os.RemoveAll(dir)
	}
	list, err := os.ReadDir(dir)
	for _, e := range list {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func writeAccess(dir string, files map[string][]byte) (*Access, error) {
	if err := access.Install(filepath.Join(dir, accessFolder), files); err != nil {
		return nil, err
	}
	a := &Access{Identities: access.Identities(files)}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		a.Files = append(a.Files, fileOf(accessFolder+"/"+name, files[name]))
	}
	return a, nil
}

// copyHistory has the file of history copied.
func copyHistory(ctx context.Context, dir string, o Options) (*File, error) {
	path := HistoryFile(dir)
	if err := o.History(ctx, path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum, tell := sha256.New(), newReporter(historyName, o.Progress)
	n, err := io.Copy(io.MultiWriter(sum, tell), f)
	if err == nil {
		err = f.Sync()
	}
	return &File{historyName, n, hex.EncodeToString(sum.Sum(nil))}, err
}

// copyStream writes one stream to its file, and counts what it writes.
func copyStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, dir, name string, o Options) (s Stream, err error) {
	s.Name, s.Path = name, name+".snapshot"
	if live, err := js.Stream(ctx, name); err == nil {
		s.Created = live.CachedInfo().Created
	}
	f, err := os.OpenFile(filepath.Join(dir, s.Path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return s, err
	}
	defer f.Close()
	tell := newReporter(name, o.Progress)
	sum := sha256.New()
	counter := startCount(tell.messages)
	of, err := takeSnapshot(ctx, nc, name, io.MultiWriter(f, sum, counter, tell), func(of snapshotOf) { tell.all = of.State.Msgs })
	counted := counter.end(err)
	if err = cmp.Or(err, counted.err); err != nil {
		return s, err
	}
	s.Tally, s.Counted, s.LastSeq, s.Bytes, s.Config, s.State = counted.Tally, counted.counted, of.State.LastSeq, of.State.Bytes, of.Config, of.State
	if !s.Counted {
		s.Tally = Tally{Messages: of.State.Msgs, First: of.State.FirstSeq, Last: of.State.LastSeq, From: of.State.FirstTime, To: of.State.LastTime}
	}
	s.Size, s.SHA256 = tell.bytes.Load(), hex.EncodeToString(sum.Sum(nil))
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return s, err
	}
	tell.done(s.Messages)
	return s, nil
}

// counting is a count of what is written to it.
type counting struct {
	*io.PipeWriter
	result chan countResult
}

type countResult struct {
	Tally
	counted bool
	err     error
}

func startCount(seen func(uint64)) counting {
	r, w := io.Pipe()
	c := counting{w, make(chan countResult, 1)}
	go func() {
		t, counted, err := count(r, seen)
		if err != nil {
			r.CloseWithError(err) // who writes on hears of it
		} else {
			io.Copy(io.Discard, r)
		}
		c.result <- countResult{t, counted, err}
	}()
	return c
}

// end is the result, once all was written; err is why not.
func (c counting) end(err error) countResult {
	c.CloseWithError(err)
	return <-c.result
}
