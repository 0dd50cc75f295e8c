//go:build unix

package safeyaml

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadRegular_WaitsForNobody: a FIFO without a writer, a device without an end and a
// loop of links are refused at once, and a file is read and summed alike.
func TestReadRegular_WaitsForNobody(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(syscall.Mkfifo(at("fifo"), 0o600), os.Symlink("/dev/zero", at("zero")), os.Symlink("loop", at("loop")),
		os.Symlink("fifo", at("to-fifo")), os.WriteFile(at("file"), []byte("12345"), 0o600), os.Symlink("file", at("to-file"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"fifo": "no regular file", "to-fifo": "no regular file", "zero": "no regular file",
		"loop": "too many levels", ".": "is a folder", "none": "no such file"} {
		for what, read := range map[string]func() error{
			"read": func() error { _, err := ReadRegular(at(name), 10); return err },
			"sum":  func() error { _, _, err := SumRegular(at(name), 10); return err },
		} {
			if err := read(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", what, name, err, want)
			}
		}
	}
	for _, name := range []string{"file", "to-file"} {
		data, err := ReadRegular(at(name), 5)
		_, size, sumErr := SumRegular(at(name), 5)
		if string(data) != "12345" || size != 5 || errors.Join(err, sumErr) != nil {
			t.Errorf("%s: %q of %d bytes: %v, %v", name, data, size, err, sumErr)
		}
		_, err = ReadRegular(at(name), 4)
		_, _, sumErr = SumRegular(at(name), 4)
		if !errors.Is(err, ErrTooLong) || !errors.Is(sumErr, ErrTooLong) {
			t.Errorf("%s, of at most 4 bytes: %v, %v", name, err, sumErr)
		}
	}
}
