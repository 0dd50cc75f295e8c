package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const goodState = `{"format":1,"agent":"paris","store":"s","revision":7,"monitors":[{"name":"web","kind":"tcp","target":"h:1","revision":7,"store":"s","touched":7}]}`

func TestLoadState_SetsAsideWhatItCannotRead(t *testing.T) {
	for name, data := range map[string]string{
		"torn":           goodState[:len(goodState)/2],
		"empty":          "",
		"garbage":        "\x00\x01\x02",
		"another format": strings.Replace(goodState, `"format":1`, `"format":2`, 1),
		"another agent":  strings.Replace(goodState, "paris", "tokyo", 1),
		"a bad name":     strings.Replace(goodState, `"web"`, `"we b"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, stateName), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
			s, problem, err := loadState(dir, "paris")
			if err != nil || len(s.Monitors) != 0 || !strings.Contains(problem, "set aside") {
				t.Errorf("state %+v, problem %q, error %v", s, problem, err)
			}
			aside, err := filepath.Glob(filepath.Join(dir, "*.bad"))
			if err != nil || len(aside) != 1 {
				t.Fatalf("set aside: %v %v", aside, err)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != data {
				t.Errorf("what was set aside is %q", kept)
			}
		})
	}
}

func TestLoadState_NoFileIsAnEmptyState(t *testing.T) {
	if s, problem, err := loadState(t.TempDir(), "paris"); err != nil || problem != "" || len(s.Monitors) != 0 {
		t.Errorf("%+v %q %v", s, problem, err)
	}
}

func FuzzDecodeState(f *testing.F) {
	f.Add([]byte(goodState))
	f.Add([]byte(`{"format":1,"monitors":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeState(data)
		if err != nil {
			return
		}
		for _, m := range s.Monitors {
			if err := m.Monitor.Validate(); err != nil {
				t.Errorf("accepted %v", err)
			}
		}
		if bytes.Contains(data, []byte{0}) {
			t.Error("accepted a zero byte")
		}
	})
}
