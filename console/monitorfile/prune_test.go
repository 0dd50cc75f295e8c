package monitorfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRead_NothingToPrune: a full disk, a copy that died and a shell's > leave files that
// say nothing. Where that would delete, it is a mistake with the way to mean it.
func TestRead_NothingToPrune(t *testing.T) {
	const nothing, list = "f.yaml:1: has nothing in it", ": has nothing in it"
	for text, want := range map[string]string{
		"":                            nothing,
		"# monitors of the shop\n":    nothing,
		"---\n...\n":                  nothing,
		"{}\n":                        nothing,
		"\n\n":                        nothing,
		"monitors:\n":                 "f.yaml:1: monitors" + list,
		"monitors: ~\nchannels: []\n": "f.yaml:1: monitors" + list,
		"monitors: []\nrules:\n":      "f.yaml:2: rules" + list,
		"apiVersion: v1\nitems:\n":    "items" + list,
		"monitors: []\n":              "",
		"channels: []\n":              "",
		"monitors: []\n---\n":         "",
		"monitors: x\n":               "want a list",
		"x\n":                         "f.yaml:1: ",
	} {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Read([]string{path}, nil, checks, true)
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", text, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(want, nothing) != strings.Contains(err.Error(), nothing)):
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if strings.Contains(want, "has nothing") {
			if _, err := Read([]string{path}, nil, checks, false); err != nil {
				t.Errorf("%q, where nothing is deleted: %v", text, err)
			}
		}
	}
	if _, err := Read([]string{"-"}, strings.NewReader(""), checks, true); err == nil || !strings.Contains(err.Error(), "standard input:1: has nothing in it") {
		t.Errorf("nothing on standard input: %v", err)
	}
}
