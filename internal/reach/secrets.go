package reach

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"netmon/wire"
)

// Secrets say which references are read: variables by patterns of names, files in folders.
type Secrets struct{ Env, Files []string }

// Check notes every mistake.
func (s *Secrets) Check(p *wire.Problems) {
	for i, pattern := range s.Env {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			p.Addf(fmt.Sprintf("secrets.env[%d]", i), "want a name such as NETMON_SECRET_*, got %q", pattern)
		}
	}
	for i, dir := range s.Files {
		if !filepath.IsAbs(dir) && !path.IsAbs(dir) || filepath.Clean(dir) != filepath.FromSlash(dir) { // path: the default, on every system
			p.Addf(fmt.Sprintf("secrets.files[%d]", i), "want a folder as an absolute path, got %q", dir)
		}
	}
}

// NotListedError is a reference to something that no list has.
type NotListedError struct{ Why string }

func (e *NotListedError) Error() string { return e.Why }

// ErrNotSet is a variable that is listed and not there.
var ErrNotSet = errors.New("the variable is not set")

// MaxSecret bounds a file with a secret, in bytes: a chain of certificates fits.
const MaxSecret = 256 << 10

// Read reads what ${kind:name} stands for. The error may be a [*NotListedError].
func (s *Secrets) Read(kind, name string) (string, error) {
	if kind == "env" {
		for _, pattern := range s.Env {
			if ok, _ := path.Match(pattern, name); !ok {
				continue
			}
			v, ok := os.LookupEnv(name)
			if !ok {
				return "", ErrNotSet
			}
			return v, nil
		}
		return "", &NotListedError{fmt.Sprintf("secrets.env does not have %q", name)}
	}
	// As it is written: what .. leads to is not for us to find out.
	if !filepath.IsAbs(name) || filepath.Clean(name) != filepath.FromSlash(name) {
		return "", fmt.Errorf("want an absolute path without . and .., got %q", name)
	}
	for _, dir := range s.Files {
		if rel, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(rel) && rel != "." {
			return readSecret(dir, rel)
		}
	}
	return "", &NotListedError{fmt.Sprintf("secrets.files has no folder of %q", name)}
}

// GrantOf are Secrets that list one reference alone.
func GrantOf(kind, name string) Secrets {
	if kind == "env" {
		return Secrets{Env: []string{exactly.Replace(name)}}
	}
	return Secrets{Files: []string{filepath.Dir(name)}}
}

// exactly escapes what path.Match would take for a pattern.
var exactly = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// readSecret reads a file of a folder. Links are followed as long as they stay
// in the folder, as those of Kubernetes do.
func readSecret(dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", cause(err)
	}
	defer root.Close()
	info, err := root.Stat(name) // before it is opened, which waits on a pipe
	switch {
	case err != nil:
		return "", cause(err)
	case !info.Mode().IsRegular():
		return "", errors.New("it is not a regular file")
	case info.Size() > MaxSecret:
		return "", fmt.Errorf("it is over %d bytes", MaxSecret)
	}
	f, err := root.Open(name)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxSecret+1))
	if err != nil {
		return "", cause(err)
	}
	if len(b) > MaxSecret {
		return "", fmt.Errorf("it is over %d bytes", MaxSecret)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// cause drops the path, which the reference shows.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
