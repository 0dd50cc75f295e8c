package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsLookedUpByName: what commands need is passed to them in values with
// types. A map with names for keys says nothing of what is in it.
func TestNothingIsLookedUpByName(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if f == "invocation_test.go" {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "App.Metadata") || strings.Contains(string(data), "app.Metadata") {
			t.Errorf("%s uses the Metadata of cli.App: see invocation", f)
		}
	}
}
