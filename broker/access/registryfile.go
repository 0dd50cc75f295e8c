package access

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"netmon/internal/atomicfile"
	"os"
	"path/filepath"
	"time"
)

// registryFile is how it is kept. Before format 2 it was the identities alone.
type registryFile struct {
	Format     int               `json:"format"`
	Number     uint64            `json:"number"`            // of changes
	Adopted    bool              `json:"adopted,omitempty"` // see registry
	Identities map[string]*entry `json:"identities"`
}

const registryFormat = 2

const registryName = "identities.json"

func openRegistry(dir string) (*registry, error) {
	b := &registry{path: filepath.Join(dir, registryName), now: time.Now}
	data, err := os.ReadFile(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is missing, and with it the record of who was shut out: restore it from a backup of the folder; without one, remove the whole folder and let all join again", b.path)
	case err != nil:
		return nil, fmt.Errorf("registry of identities: %w", err)
	}
	if err := b.decode(data); err != nil {
		return nil, fmt.Errorf("registry of identities: %s: %w", b.path, err)
	}
	for name, e := range b.entries {
		if e == nil || e.Name != name {
			return nil, fmt.Errorf("registry of identities: %s: the identity under %q has another name", b.path, name)
		}
	}
	b.byToken, b.byJoin, b.byKey, b.acting = map[string]string{}, map[string]string{}, map[string]string{}, map[string]bool{}
	for name, e := range b.entries {
		b.index(name, nil, e)
	}
	return b, nil
}

func (b *registry) decode(data []byte) error {
	var head struct {
		Format json.RawMessage `json:"format"` // an identity may have the name, too
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	if len(head.Format) == 0 || head.Format[0] == '{' { // of netmon 0.1.0
		if err := json.Unmarshal(data, &b.entries); err != nil || b.entries == nil {
			return cmp.Or(err, errors.New("want an object, got null"))
		}
		return nil
	}
	var f registryFile
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Format != registryFormat || f.Identities == nil {
		return fmt.Errorf("format %d: want %d, with identities", f.Format, registryFormat)
	}
	b.entries, b.count, b.adopted = f.Identities, f.Number, f.Adopted
	return nil
}

// newRegistry writes an empty one.
func newRegistry(dir string) error {
	return atomicfile.Write(filepath.Join(dir, registryName), []byte("{\"format\":2,\"number\":0,\"identities\":{}}\n"))
}

// write puts the next registry on disk.
func (b *registry) write(entries map[string]*entry) error {
	data, err := json.MarshalIndent(registryFile{registryFormat, b.count + 1, b.adopted, entries}, "", " ")
	if err == nil {
		err = atomicfile.Write(b.path, append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write the registry of identities: %w", err)
	}
	b.count++
	return nil
}
