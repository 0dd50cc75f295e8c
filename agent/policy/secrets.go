package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxSecret bounds a file with a secret, in bytes: a chain of certificates fits.
const maxSecret = 256 << 10

// Secret reads what a reference of a monitor names, from the places that the
// policy lists. It is a [probes.Env]'s Secret.
func (p *Policy) Secret(kind, name string) (string, error) {
	if kind == "env" {
		for _, pattern := range p.file.Secrets.Env {
			if ok, _ := path.Match(pattern, name); !ok {
				continue
			}
			v, ok := os.LookupEnv(name)
			if !ok {
				return "", errors.New("the variable is not set on this agent")
			}
			return v, nil
		}
		return "", refuse("secrets.env does not have %q", name)
	}
	// As it is written: what .. leads to is not for us to find out.
	if !filepath.IsAbs(name) || filepath.Clean(name) != filepath.FromSlash(name) {
		return "", fmt.Errorf("want an absolute path without . and .., got %q", name)
	}
	for _, dir := range p.file.Secrets.Files {
		if rel, err := filepath.Rel(dir, name); err == nil && filepath.IsLocal(rel) && rel != "." {
			return readSecret(dir, rel)
		}
	}
	return "", refuse("secrets.files has no folder of %q", name)
}

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
	case info.Size() > maxSecret:
		return "", fmt.Errorf("it is over %d bytes", maxSecret)
	}
	f, err := root.Open(name)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", cause(err)
	}
	if len(b) > maxSecret {
		return "", fmt.Errorf("it is over %d bytes", maxSecret)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// cause drops the path, which the reference tells.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
