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
			"read": func() error { _, err := ReadRegular(nil, at(name), 10); return err },
			"sum":  func() error { _, _, err := SumRegular(nil, at(name), 10); return err },
		} {
			if err := read(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", what, name, err, want)
			}
		}
	}
	for _, name := range []string{"file", "to-file"} {
		data, err := ReadRegular(nil, at(name), 5)
		_, size, sumErr := SumRegular(nil, at(name), 5)
		if string(data) != "12345" || size != 5 || errors.Join(err, sumErr) != nil {
			t.Errorf("%s: %q of %d bytes: %v, %v", name, data, size, err, sumErr)
		}
		_, err = ReadRegular(nil, at(name), 4)
		_, _, sumErr = SumRegular(nil, at(name), 4)
		if !errors.Is(err, ErrTooLong) || !errors.Is(sumErr, ErrTooLong) {
			t.Errorf("%s, of at most 4 bytes: %v, %v", name, err, sumErr)
		}
	}
}

// TestReadRegular_InRoot: links lead to what is below the folder, as Kubernetes makes them,
// and nowhere else, and neither does a FIFO make anybody wait there.
func TestReadRegular_InRoot(t *testing.T) {
	top := t.TempDir()
	at := func(name string) string { return filepath.Join(top, "dir", name) }
	if err := errors.Join(os.MkdirAll(at("..1"), 0o700), os.WriteFile(at("..1/a"), []byte("in"), 0o600), os.WriteFile(filepath.Join(top, "secret"), []byte("out"), 0o600),
		os.Symlink("..1", at("..data")), os.Symlink("..data/a", at("a")), os.Symlink("../secret", at("up")), os.Symlink(filepath.Join(top, "secret"), at("away")),
		os.Symlink("..", at("..2")), os.Symlink("..2/secret", at("by")), syscall.Mkfifo(at("fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(top, "dir"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, want := range map[string]string{"a": "", "up": "leads out of its folder", "away": "leads out of its folder", "by": "leads out of its folder",
		"fifo": "no regular file", "..data": "is a folder", "none": "no such file"} {
		data, err := ReadRegular(root, name, 10)
		_, size, sumErr := SumRegular(root, name, 10)
		if want == "" && (string(data) != "in" || size != 2) {
			t.Errorf("%s has %q of %d bytes", name, data, size)
		}
		for _, err := range []error{err, sumErr} {
			if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), at(name)+": ")) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
	for _, name := range []string{"up", "by"} { // whoever starts it may name any
		if data, err := ReadRegular(nil, at(name), 10); string(data) != "out" {
			t.Errorf("%s without a root: %q, %v", name, data, err)
		}
	}
}
