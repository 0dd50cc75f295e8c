package prompt

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const historyMost = 1000 // lines that are kept

// History is what was typed before, the newest last.
type History struct {
	path  string // "" keeps nothing on disk
	lines []string
}

// LoadHistory reads the file at path, which need not exist. It cuts a long file to its
// newest lines.
func LoadHistory(path string) (*History, error) {
	h := &History{path: path}
	if path == "" {
		return h, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	for line := range bytes.Lines(data) {
		if s := strings.TrimSpace(string(line)); s != "" {
			h.lines = append(h.lines, s)
		}
	}
	if len(h.lines) > 2*historyMost {
		h.lines = slices.Clone(h.lines[len(h.lines)-historyMost:])
		return h, os.WriteFile(path, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600)
	}
	return h, nil
}

// Add keeps a line, unless it begins with a space or repeats the line before. Other
// consoles append to the same file.
func (h *History) Add(line string) error {
	if strings.HasPrefix(line, " ") || strings.TrimSpace(line) == "" {
		return nil
	}
	line = strings.TrimSpace(line)
	if n := len(h.lines); n > 0 && h.lines[n-1] == line {
		return nil
	}
	h.lines = append(h.lines, line)
	if h.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(h.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// find returns the newest line before index that contains text, or -1.
func (h *History) find(text string, before int) int {
	for i := min(before, len(h.lines)) - 1; i >= 0; i-- {
		if strings.Contains(h.lines[i], text) {
			return i
		}
	}
	return -1
}
