package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"netmon/internal/atomicfile"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
	accessFolder = "access"
	historyName  = "history.db"
	format       = 1
)

// Manifest says what a backup has.
type Manifest struct {
	Format  int       `json:"format"`
	Netmon  string    `json:"netmon"` // version
	Server  string    `json:"server"` // version of nats-server
	Host    string    `json:"host"`   // where it was made
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Streams []Stream  `json:"streams"`
	// Access is nil for a mesh that has no identities.
	Access *Access `json:"access,omitempty"`
	// History is the controller's file of minutes and hours; nil where there was none.
	History *File `json:"history,omitempty"`
}

// File is one file of a backup.
type File struct {
	Path   string `json:"path"` // below the folder, with /
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Stream is one stream of a backup.
type Stream struct {
	Name string `json:"name"`
	File
	Tally
	// Counted is false of a snapshot of a nats-server before 2.15, which cannot be
	// counted without being restored: then Tally is what the server said.
	Counted bool                  `json:"counted"`
	LastSeq uint64                `json:"last_seq"`
	Bytes   uint64                `json:"bytes"` // as the server stores them
	Created time.Time             `json:"created"`
	Config  json.RawMessage       `json:"config"`
	State   jetstream.StreamState `json:"state"`
}

// Access is the authority of a backup.
type Access struct {
	Identities int    `json:"identities"`
	Files      []File `json:"files"` // their paths begin with access/
}

// files are all that the manifest names.
func (m *Manifest) files() (list []File) {
	for _, s := range m.Streams {
		list = append(list, s.File)
	}
	if m.Access != nil {
		list = append(list, m.Access.Files...)
	}
	if m.History != nil {
		list = append(list, *m.History)
	}
	return list
}

// Size is that of all files of the backup but the manifest.
func (m *Manifest) Size() (n int64) {
	for _, f := range m.files() {
		n += f.Size
	}
	return n
}

// Messages counts those of all streams.
func (m *Manifest) Messages() (n uint64) {
	for _, s := range m.Streams {
		n += s.Messages
	}
	return n
}

// write makes the backup whole.
func (m *Manifest) write(dir string) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	data = append(data, '\n')
	var sums bytes.Buffer
	for _, f := range append(m.files(), fileOf(manifestName, data)) {
		fmt.Fprintf(&sums, "%s  %s\n", f.SHA256, f.Path)
	}
	if err := atomicfile.Write(filepath.Join(dir, sumsName), sums.Bytes()); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, manifestName), data)
}

func fileOf(path string, data []byte) File {
	sum := sha256.Sum256(data)
	return File{path, int64(len(data)), hex.EncodeToString(sum[:])}
}

// Read reads the manifest of a backup, and checks it alone.
func Read(dir string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist) && exists(dir):
		return nil, fmt.Errorf("%s has no %s: it is not a backup, or one that was interrupted: take another one", dir, manifestName)
	case err != nil:
		return nil, fmt.Errorf("backup: %w", err)
	}
	sums, err := os.ReadFile(filepath.Join(dir, sumsName))
	if err != nil {
		return nil, fmt.Errorf("backup: %w: without it nobody knows whether %s is unchanged", err, manifestName)
	}
	if own := fileOf(manifestName, data); !slices.Contains(strings.Split(string(sums), "\n"), own.SHA256+"  "+own.Path) {
		return nil, damaged(filepath.Join(dir, manifestName), "its SHA-256 is not the one in "+sumsName)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, damaged(filepath.Join(dir, manifestName), err.Error())
	}
	if m.Format != format {
		return nil, fmt.Errorf("%s is of format %d, and this netmon reads %d: restore it with netmon %s", filepath.Join(dir, manifestName), m.Format, format, m.Netmon)
	}
	for _, f := range m.files() {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return nil, damaged(filepath.Join(dir, manifestName), fmt.Sprintf("%q leads out of the folder", f.Path))
		}
	}
	if m.Access != nil && slices.ContainsFunc(m.Access.Files, func(f File) bool { return !strings.HasPrefix(f.Path, accessFolder+"/") }) {
		return nil, damaged(filepath.Join(dir, manifestName), "the authority has a file outside of "+accessFolder)
	}
	if m.History != nil && m.History.Path != historyName {
		return nil, damaged(filepath.Join(dir, manifestName), fmt.Sprintf("history is %q, and not %s", m.History.Path, historyName))
	}
	for _, s := range m.Streams {
		if !slices.Contains(Kept(), s.Name) {
			return nil, damaged(filepath.Join(dir, manifestName), fmt.Sprintf("%q is not a stream of netmon", s.Name))
		}
	}
	return &m, nil
}

// HistoryFile is where in its folder a backup has the file of history.
func HistoryFile(dir string) string { return filepath.Join(dir, historyName) }

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

// DamagedError says that a file of a backup is not as it was written.
type DamagedError struct{ Path, Why string }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged: %s: nothing was restored: take the file from another copy of this backup, or restore another backup", e.Path, e.Why)
}

func damaged(path, why string) error { return &DamagedError{path, why} }
