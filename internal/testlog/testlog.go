// Package testlog is for tests that read what goroutines or processes write while
// they keep writing.
package testlog

import (
	"bytes"
	"strings"
	"sync"
)

// Buffer keeps what is written to it. Its zero value is empty and ready.
type Buffer struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
}

// Write keeps p.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String is all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Count is how many lines hold part.
func (b *Buffer) Count(part string) (n int) {
	for line := range strings.Lines(b.String()) {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// Take is the lines that were written since it was called last.
func (b *Buffer) Take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	b.text.Reset()
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
