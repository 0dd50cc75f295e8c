package main

import (
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-24T10:00:00Z": time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
		"90m":                  now.Add(-90 * time.Minute), "7d": now.AddDate(0, 0, -7), "1d12h": now.Add(-36 * time.Hour), "0d": now,
	} {
		if got, err := parseTime("from", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "-5m", "1d-2h", "7days", "1.5d", "yesterday", "99999d"} {
		if got, err := parseTime("from", text, now); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
