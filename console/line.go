package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"netmon/internal/plural"
	"netmon/wire"
)

// Styles of a line: ANSI colours, or none.
type Styles struct{ OK, Failed, Broken, Dim, Reset string }

// Colours are for terminals of any kind: only the 16 basic colours.
var Colours = Styles{OK: "\x1b[32m", Failed: "\x1b[31m", Broken: "\x1b[33m", Dim: "\x1b[2m", Reset: "\x1b[0m"}

// Line formats results one to a line, in columns that only ever grow.
type Line struct {
	Styles         Styles
	Date           bool // with the day
	Alone          bool // all of one monitor: without its name
	agent, monitor int
}

// Format writes r as one line without its end. A state is shown by a mark and a
// word, never by colour alone.
func (l *Line) Format(r wire.Result) string {
	l.agent, l.monitor = max(l.agent, len(r.Agent)), max(l.monitor, len(r.Monitor))
	mark, style := "?", l.Styles.Broken
	switch r.Outcome {
	case wire.OK:
		mark, style = "●", l.Styles.OK
	case wire.Failed:
		mark, style = "✕", l.Styles.Failed
	}
	latency := "-"
	if d, ok := r.Latency(); ok {
		latency = Short(d)
	}
	clock := "15:04:05.000"
	if l.Date {
		clock = "2006-01-02 15:04:05.000"
	}
	var b strings.Builder
	monitor := fmt.Sprintf(" %-*s", l.monitor, Printable(r.Monitor))
	if l.Alone {
		monitor = ""
	}
	fmt.Fprintf(&b, "%s%s%s %-*s%s %s%s %-6s%s %9s  %s", l.Styles.Dim, r.Started.Local().Format(clock), l.Styles.Reset,
		l.agent, Printable(r.Agent), monitor, style, mark, Printable(wire.Clip(string(r.Outcome), wire.MaxToken)), l.Styles.Reset, latency, Printable(words(r)))
	if r.Asked != "" {
		fmt.Fprintf(&b, "  %sasked for%s", l.Styles.Dim, l.Styles.Reset)
	}
	if gap := gapWords(r); gap != "" {
		fmt.Fprintf(&b, "  %s? %s%s", l.Styles.Broken, gap, l.Styles.Reset)
	}
	return b.String()
}

// words is the line's free part: the figures of a good run, the reason of another.
func words(r wire.Result) string {
	if r.Outcome == wire.OK {
		return wire.Clip(r.Summary, wire.MaxText)
	}
	first, _, _ := strings.Cut(wire.Clip(r.Error, wire.MaxText), "\n")
	return wire.Clip(string(r.Failure), wire.MaxToken) + ": " + first
}

// gapWords states what is not known of the time before this result.
func gapWords(r wire.Result) string {
	var parts []string
	if n := r.Skipped - min(r.Covers, r.Skipped); n > 0 {
		parts = append(parts, plural.Count(n, "tick", "ticks")+" skipped before")
	}
	if r.Covers > 0 {
		parts = append(parts, plural.Count(r.Covers, "tick", "ticks")+" during this run, with the same outcome")
	}
	if r.Missed > 0 {
		parts = append(parts, plural.Count(r.Missed, "tick", "ticks")+" missed before, while the agent did not run: unknown")
	}
	if r.Dropped > 0 {
		parts = append(parts, plural.Count(r.Dropped, "result", "results")+" lost before: unknown")
	}
	if r.LateNS > 0 {
		parts = append(parts, "came "+Short(time.Duration(r.LateNS))+" late")
	}
	return strings.Join(parts, ", ")
}

// Short writes a duration with three significant digits and its unit.
func Short(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case abs < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case abs < time.Second:
		return digits(float64(d)/1e6) + " ms"
	}
	return digits(d.Seconds()) + " s"
}

func digits(v float64) string {
	prec := 0
	switch a := max(v, -v); {
	case a < 10:
		prec = 2
	case a < 100:
		prec = 1
	}
	return strconv.FormatFloat(v, 'f', prec, 64)
}

// Printable makes text from a target or from the wire safe for a terminal:
// control characters, the C1 range and bidirectional overrides are escaped.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if !safe(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case safe(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return b.String()
}

func safe(r rune) bool {
	return unicode.IsPrint(r) && r != utf8.RuneError
}

// PrintableText is Printable for text of several lines; line ends and tabs pass.
func PrintableText(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "\n\t")
		if i < 0 {
			b.WriteString(Printable(s))
			return b.String()
		}
		b.WriteString(Printable(s[:i]))
		b.WriteByte(s[i])
		s = s[i+1:]
	}
}
