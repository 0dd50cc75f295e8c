package main

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"netmon"
)

// TestDocs prints each document, and has every embedded one in the list.
func TestDocs(t *testing.T) {
	var listed []string
	list := printed(t, "docs")
	for _, d := range netmon.Documents() {
		text := printed(t, "docs", d.Name)
		if file, err := netmon.Files.ReadFile(d.Path); err != nil || text != string(file) {
			t.Errorf("netmon docs %s is not %s: %v", d.Name, d.Path, err)
		}
		if !strings.Contains(list, d.About) || len("troubleshooting  "+d.About) > 95 {
			t.Errorf("the list lacks %s, or its line is too long: %s", d.Name, d.About)
		}
		listed = append(listed, d.Path)
	}
	err := fs.WalkDir(netmon.Files, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !slices.Contains(listed, path) {
			t.Errorf("%s is embedded and not listed", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if help := printed(t, "--help"); !strings.Contains(help, "troubleshooting") || !strings.Contains(help, "netmon docs NAME") {
		t.Error("netmon --help does not name the documents")
	}
	var errs bytes.Buffer
	if code := execute(t.Context(), []string{"netmon", "docs", "nosuch"}, nil, &errs, &errs); code != exitUsage || !strings.Contains(errs.String(), `no document "nosuch"`) {
		t.Errorf("%d %s", code, errs.String())
	}
}

func printed(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := execute(t.Context(), append([]string{"netmon"}, args...), nil, &out, &errs); code != 0 {
		t.Fatalf("%q: exit %d: %s", args, code, errs.String())
	}
	return out.String()
}
