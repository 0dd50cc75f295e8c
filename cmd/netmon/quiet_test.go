package main

import (
	"bytes"
	"log"
	"log/slog"
	"strings"
	"testing"
)

// TestQuietLibraries: what net/http writes of a target's frames is for debugging.
func TestQuietLibraries(t *testing.T) {
	defer log.SetOutput(log.Writer())
	defer log.SetFlags(log.Flags())
	for level, want := range map[slog.Level]bool{slog.LevelInfo: false, slog.LevelDebug: true} {
		var out bytes.Buffer
		quietLibraries(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		log.Printf("Transport: unhandled response frame type %s", "h2")
		if got := strings.Contains(out.String(), `level=DEBUG msg="Transport: unhandled response frame type h2"`); got != want {
			t.Errorf("at %v: %q", level, &out)
		}
	}
}
