package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestWriteBy_WholeOrNotAtAll leaves a file as it was where writing fails, and no
// other file beside it.
func TestWriteBy_WholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if err := Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	full := errors.New("the disk is full")
	if err := WriteBy(path, func(w io.Writer) error {
		io.WriteString(w, "ne")
		return full
	}); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "old" {
		t.Errorf("%q is there", data)
	}
	if err := Write(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "new" || info.Mode().Perm() != 0o600 && os.PathSeparator == '/' {
		t.Errorf("%q, mode %v", data, info.Mode())
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := Write(filepath.Join(dir, "missing", "state"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a folder that is not there: %v", err)
	}
}
