package screen

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// Clear begins with an empty terminal. What was on it is kept for scrolling back.
func Clear(f *os.File) error {
	_, err := io.WriteString(f, "\x1b[2J")
	return err
}

// Redraw draws lines in place of those before, as far as the terminal has room. The
// last one is always there.
func Redraw(f *os.File, lines []string, last string) error {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return err
	}
	if most := max(2, height-1); len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("… and %d more lines", len(lines)-most+1))
	}
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, line := range append(lines[:len(lines):len(lines)], last) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(ansi.Truncate(line, width, "…") + "\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err = io.WriteString(f, b.String())
	return err
}
