package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"netmon/identity"
	"netmon/internal/atomicfile"
	"netmon/internal/private"
)

// ReadOnly is an authority that another process has open: it changes nothing on
// disk, signs no list, and takes no lock.
type ReadOnly struct {
	dir       string
	keys      *keys
	authority []byte // PEM
}

// OpenReadOnly reads the keys of a folder. One that other users could read or
// write is refused, as by [Open].
func OpenReadOnly(dir string) (*ReadOnly, error) {
	if !Exists(dir) {
		return nil, fmt.Errorf("access: there are no keys of a mesh in %s: give the folder of the broker, or of the controller that keeps them", dir)
	}
	if err := private.Err(private.Tree(dir)); err != nil {
		return nil, err
	}
	r := &ReadOnly{dir: dir}
	var err error
	if r.keys, err = openKeys(dir); err != nil {
		return nil, err
	}
	r.authority, err = os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("certificate authority of the mesh: %w", err)
	}
	return r, nil
}

// Connect are options to connect as the controller does, for as long as life.
// The key is kept nowhere.
func (r *ReadOnly) Connect(life time.Duration) ([]nats.Option, error) {
	conf, err := identity.TLS(string(r.authority))
	if err != nil {
		return nil, err
	}
	key, err := nkeys.CreateUser()
	if err != nil {
		return nil, err
	}
	token, err := r.keys.userJWT(roleController, "backup", public(key))
	if err != nil {
		return nil, err
	}
	c, err := jwt.DecodeUserClaims(token)
	if err != nil {
		return nil, err
	}
	c.Expires = time.Now().Add(life).Unix()
	if token, err = c.Encode(r.keys.roles[roleController]); err != nil {
		return nil, err
	}
	return append(builtOptions(roleController, "backup", func() (string, error) { return token, nil }, key), nats.Secure(conf)), nil
}

// Files are the authority's files of one moment, by their path below
// the folder. The process that has it open writes a few of them one after the
// other: they are read until two readings are alike.
func (r *ReadOnly) Files(ctx context.Context) (map[string][]byte, error) {
	const tries, pause = 100, 20 * time.Millisecond
	var last map[string][]byte
	for range tries {
		next, err := readAll(r.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // one was renamed under our feet
			return nil, fmt.Errorf("read the authority: %w", err)
		}
		if err == nil && maps.EqualFunc(last, next, bytes.Equal) {
			return next, CheckFiles(next)
		}
		last = next
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
	return nil, fmt.Errorf("read the authority: %s keeps changing: try again when fewer join at once", r.dir)
}

// Unchanged says whether the keys are still those of files: they may be renewed.
func (r *ReadOnly) Unchanged(files map[string][]byte) error {
	for _, name := range []string{keysName, "ca.pem"} {
		now, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(now, files[name]) {
			return fmt.Errorf("%s has changed meanwhile: start again", filepath.Join(r.dir, name))
		}
	}
	return nil
}

// readAll reads what belongs to the authority. The lock says who has it open, and
// the admin of the broker's own host is recreated at each start.
func readAll(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files, admin := map[string][]byte{}, filepath.Base(AdminFolder(dir))
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == admin:
			return fs.SkipDir
		case !d.Type().IsRegular() || name == lockName || strings.HasPrefix(d.Name(), ".new-"):
			return nil
		}
		files[name], err = root.ReadFile(name)
		return err
	})
	return files, err
}

// CheckFiles says what is missing among the files of an authority, or does not
// fit together.
func CheckFiles(files map[string][]byte) error {
	for _, name := range []string{keysName, "ca.pem", "ca-key.pem", registryName} {
		if files[name] == nil {
			return fmt.Errorf("the authority has no %s", name)
		}
	}
	var b registry
	if err := b.decode(files[registryName]); err != nil {
		return fmt.Errorf("the authority's %s: %w", registryName, err)
	}
	var t trustFile
	if data := files[trustName]; data != nil {
		if err := json.Unmarshal(data, &t); err != nil {
			return fmt.Errorf("the authority's %s: %w", trustName, err)
		}
	}
	if t.Registry > b.count {
		return fmt.Errorf("the authority's %s is older than its %s (number %d, after number %d)", registryName, trustName, b.count, t.Registry)
	}
	return nil
}

// Identities counts the identities among the files of an authority.
func Identities(files map[string][]byte) int {
	var b registry
	if b.decode(files[registryName]) != nil {
		return 0
	}
	return len(b.entries)
}

// Install puts files of [ReadOnly.Files] into a folder that has no authority.
func Install(dir string, files map[string][]byte) error {
	if Exists(dir) {
		return fmt.Errorf("access: %s already has the keys of a mesh", dir)
	}
	if err := CheckFiles(files); err != nil {
		return err
	}
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("access: %q is outside the folder", name)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := atomicfile.Write(path, data); err != nil {
			return err
		}
	}
	return nil
}
