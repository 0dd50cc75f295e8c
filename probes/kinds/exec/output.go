package exec

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// capture keeps the beginning of what a program writes, and drops the rest: the program
// is never held up by it. Beyond flood it calls over, once.
type capture struct {
	keep, flood int
	over        func()

	mu    sync.Mutex // a pipe that a process outside of the group holds may be read when the run is over
	kept  []byte
	total int
}

// Write implements io.Writer.
func (c *capture) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if room := c.keep - len(c.kept); room > 0 {
		c.kept = append(c.kept, b[:min(room, len(b))]...)
	}
	before := c.total
	c.total += len(b)
	if c.flood > 0 && before <= c.flood && c.total > c.flood {
		c.over()
	}
	return len(b), nil
}

// buffers are used again by the runs of the process: most outputs fit one.
var buffers = sync.Pool{New: func() any { return new([4096]byte) }}

// ReadFrom implements io.ReaderFrom, so that no buffer of 32 KiB is made for each run.
func (c *capture) ReadFrom(r io.Reader) (n int64, err error) {
	buf := buffers.Get().(*[4096]byte)
	defer buffers.Put(buf)
	for {
		m, err := r.Read(buf[:])
		n += int64(m)
		_, _ = c.Write(buf[:m]) // it takes all
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// text is what was kept, and how much was written.
func (c *capture) text() (kept string, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(bytes.Clone(c.kept)), c.total
}

// split takes the output of a plugin apart: message|perfdata in its first line, then lines
// of text until one that has a | again, behind which all is performance data (Nagios Plugin
// API, version 3).
func split(output string) (message, text, perfdata string) {
	first, rest, _ := strings.Cut(strings.TrimLeft(output, "\r\n"), "\n")
	message, perfdata, _ = strings.Cut(first, "|")
	text, more, _ := strings.Cut(rest, "|")
	return strings.TrimSpace(message), strings.TrimSpace(text), perfdata + "\n" + more
}

// escape is a sequence for terminals (ECMA-48): CSI, OSC, or one of two characters.
var escape = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[ -/]*[0-~])")

// clean is output without what a terminal, a log or a page would take for an order:
// colours go, control characters become spaces, what is no UTF-8 becomes U+FFFD.
func clean(s string, lines bool) string {
	s = strings.ToValidUTF8(escape.ReplaceAllString(s, ""), "\uFFFD")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n' && lines:
			return c
		case c == '\r' && lines:
			return -1
		case unicode.IsControl(c), c == '\u2028', c == '\u2029':
			return ' '
		case unicode.Is(unicode.Cf, c): // such as those that turn the direction of writing
			return -1
		}
		return c
	}, s)
}

// clip cuts a text between two characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
