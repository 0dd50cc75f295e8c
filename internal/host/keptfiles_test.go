package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/console"
	"netmon/console/monitorfile"
	"netmon/internal/private"
	"netmon/wire"
)

// TestKeptFiles_ShowNoText: everybody who reads the mesh sees which field of a file is
// wrong, and nothing of one that has no fields.
func TestKeptFiles_ShowNoText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.yaml")
	check := console.Checks{Monitor: func(m wire.Monitor) error { return m.Validate() }}
	for text, want := range map[string]string{
		"-----BEGIN KEY-----\nsecret\n-----END KEY-----\n": ":1: want an object",
		"secret\n":   ":1: want an object",
		"[secret]\n": ":1: want an object",
		"monitors: []\nrules: &secret [*secret2 ]\n":       ":2: could not find alias",
		"monitors:\n- {name: web, kind: tcp, x: secret}\n": ":2: monitors[0].x: unknown field",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := monitorfile.Look([]string{path}, true).Wanted(check, true)
		if err == nil {
			t.Fatalf("%q is right", text)
		}
		s := newKeptFiles(path)
		s.wrong(err)
		if got := s.is.Problem; !strings.HasPrefix(got, path+want) || strings.Contains(got, "KEY") || strings.Contains(got, ": secret") || strings.Contains(got, "|") || strings.Contains(got, "\"secret\"") {
			t.Errorf("%q: it says %q, want %q", text, got, want)
		}
	}
}

// TestMistakeTexts leaves out none that is of another sort than the others.
func TestMistakeTexts(t *testing.T) {
	_, inFile := monitorfile.Parse("f", []byte("x: 1\ny: 2\n"), console.Checks{})
	err := errors.Join(errors.Join(&private.Problem{Path: "/f", What: "is open", Cure: "close it"}), inFile, errors.New("one"))
	got := mistakeTexts(err)
	if len(got) != 4 || got[0] != "/f: is open: close it" || !strings.HasPrefix(got[2], "f:2: y") || got[3] != "one" {
		t.Errorf("%q", got)
	}
}
