package spool

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestSpool_KeepsItsSecret: drawn once, readable by nobody else, and only where
// it is lost another one takes its place.
func TestSpool_KeepsItsSecret(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	key, after := s.Secret()
	if len(key) != secretBytes || bytes.Equal(key, make([]byte, secretBytes)) || after != 0 {
		t.Fatalf("secret %x after %d", key, after)
	}
	put(t, s, "a")
	put(t, s, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, secretName)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, want 0600", mode)
	}

	for what, c := range map[string]struct {
		damage func() error
		lost   bool
	}{
		"opened again":     {func() error { return nil }, false},
		"numbers lost":     {func() error { return os.Remove(filepath.Join(dir, numbersName)) }, false},
		"secret lost":      {func() error { return os.Remove(path) }, true},
		"secret torn":      {func() error { return os.Truncate(path, 5) }, true},
		"secret too short": {func() error { return os.WriteFile(path, []byte(`{"key":"AAAA","after":0}`), 0o600) }, true},
	} {
		if err := c.damage(); err != nil {
			t.Fatal(err)
		}
		before, was := s.Secret()
		s = open(t, dir, Options{})
		got, after := s.Secret()
		if same := bytes.Equal(got, before) && after == was; same == c.lost {
			t.Errorf("%s: same secret %v, after %d", what, same, after)
		}
		if len(got) != secretBytes || c.lost && after != 2 {
			t.Errorf("%s: %d bytes after record %d, want %d after 2", what, len(got), after, secretBytes)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
