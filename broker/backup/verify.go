package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Verify reads every file of a backup, and says which one is not as it was written.
func (m *Manifest) Verify(ctx context.Context, dir string, progress func(Progress)) error {
	for _, f := range m.files() {
		if err := f.verify(ctx, dir, progress); err != nil {
			return err
		}
	}
	for _, s := range m.Streams {
		if _, _, err := s.lifted(true); err != nil {
			return damaged(filepath.Join(dir, manifestName), fmt.Sprintf("the configuration of %s: %v", s.Name, err))
		}
	}
	if m.Access == nil {
		return nil
	}
	_, err := m.readAccess(dir)
	return err
}

func (f File) verify(ctx context.Context, dir string, progress func(Progress)) error {
	in, err := f.open(dir)
	if err != nil {
		return err
	}
	defer in.Close()
	sum, tell := sha256.New(), newReporter(f.Path, progress)
	if _, err := io.Copy(io.MultiWriter(sum, tell), reader{ctx, in}); err != nil {
		return err
	}
	return f.check(dir, hex.EncodeToString(sum.Sum(nil)))
}

func (f File) check(dir, sum string) error {
	if sum != f.SHA256 {
		return damaged(f.in(dir), "its SHA-256 is "+sum+", and was "+f.SHA256)
	}
	return nil
}

func (f File) in(dir string) string { return filepath.Join(dir, filepath.FromSlash(f.Path)) }

// open opens a file that has the size that it had.
func (f File) open(dir string) (*os.File, error) {
	path := f.in(dir)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, damaged(path, "it is missing")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, damaged(path, "it is not a regular file")
	case info.Size() != f.Size:
		return nil, damaged(path, fmt.Sprintf("it has %d bytes, and had %d before", info.Size(), f.Size))
	}
	return os.Open(path)
}

// readAccess reads the authority's files, by their names below its folder.
func (m *Manifest) readAccess(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, f := range m.Access.Files {
		data, err := os.ReadFile(f.in(dir))
		if err != nil {
			return nil, err
		}
		if err := f.check(dir, fileOf("", data).SHA256); err != nil {
			return nil, err
		}
		files[f.Path[len(accessFolder)+1:]] = data
	}
	return files, nil
}

// reader ends with ctx.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}
