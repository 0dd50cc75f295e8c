package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/wire"
)

// TestOpen_LostFiles: where one of the files is gone, nothing is made in its
// place, and nothing is written over; once it is back, all is as it was.
func TestOpen_LostFiles(t *testing.T) {
	for _, name := range []string{keysName, registryName, caKeyName, caName} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a := openAuthority(t, dir)
			if _, err := a.Enrol(filepath.Join(t.TempDir(), "oslo"), "tls://x:1", wire.AccessCommand{Name: "oslo", Role: wire.RoleAgent}); err != nil {
				t.Fatal(err)
			}
			pin := a.Pin()
			a.Close()
			file := filepath.Join(dir, name)
			if err := os.Rename(file, file+".away"); err != nil {
				t.Fatal(err)
			}
			if !Exists(dir) {
				t.Error("it does not exist, so a broker would start open to everybody")
			}
			if b, err := Open(dir, nil, nil); err == nil {
				b.Close()
				t.Error("it opens")
			} else if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "restore it") {
				t.Error(err)
			}
			if err := os.Rename(file+".away", file); err != nil {
				t.Fatal(err)
			}
			again := openAuthority(t, dir)
			if _, is := again.registry.get("oslo"); !is || again.Pin() != pin {
				t.Errorf("restored: oslo is in: %v, the same authority: %v", is, again.Pin() == pin)
			}
		})
	}
}

// TestOpen_CutShort: a first start that was cut short is none.
func TestOpen_CutShort(t *testing.T) {
	whole := t.TempDir()
	openAuthority(t, whole).Close()
	for _, left := range [][]string{{registryName}, {registryName, keysName}, {registryName, keysName, caKeyName}, {registryName, keysName, caKeyName, caName}} {
		dir := t.TempDir()
		if err := newRegistry(dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range left[1:] {
			data, err := os.ReadFile(filepath.Join(whole, name))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		openAuthority(t, dir)
	}
}

// TestExists_NotToBeRead: what cannot be looked at is not a reason to start open.
func TestExists_NotToBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !Exists(filepath.Join(file, "access")) { // ENOTDIR
		t.Error("it does not exist")
	}
	if Exists(t.TempDir()) {
		t.Error("an empty folder holds an authority")
	}
}
