package timetext

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTimes_AreWrittenHere looks for times that are written for people without this
// package, and so without a zone.
func TestTimes_AreWrittenHere(t *testing.T) {
	root := filepath.Join("..", "..")
	apart := map[string]string{
		"console/line.go":           "lines of results, below a line that names the zone",
		"console/graph/axis.go":     "the axis of a graph, below a head that names the zone",
		"console/screen/span.go":    "the same of a live plot",
		"console/output/results.go": "lines of sums, among those of results",
	}
	for _, folder := range []string{"console", "cmd/netmon", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, path)
			name = filepath.ToSlash(name)
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(name, "internal/timetext/") || apart[name] != "" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(data), "\n") {
				if strings.Contains(line, ".Local().Format(") {
					t.Errorf("%s:%d writes a time without internal/timetext: %s", name, i+1, strings.TrimSpace(line))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.Local)
	zone, _ := now.Zone()
	for _, c := range []struct {
		at            time.Time
		moment, clock string
	}{
		{now.Add(-time.Hour), "11:00:00 " + zone, "11:00:00"},
		{now.Add(-24 * time.Hour), "2026-11-28 12:00:00 " + zone, "2026-11-28 12:00:00"},
	} {
		if got := Moment(c.at, now); got != c.moment {
			t.Errorf("Moment = %q, want %q", got, c.moment)
		}
		if got := Clock(c.at, now); got != c.clock {
			t.Errorf("Clock = %q, want %q", got, c.clock)
		}
	}
}
