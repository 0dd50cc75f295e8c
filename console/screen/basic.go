package screen

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// IsBasic says that a terminal of this TERM, a vt100 and its like, has cursor addressing
// and erasing, and none of what came later: alternate screen, mouse, title, colours.
func IsBasic(term string) bool { return strings.HasPrefix(term, "vt") || term == "ansi" }

// basicScreen draws on such a terminal with the sequences that a vt100 knows: it goes to
// each line that has changed, and writes it. Lines and not cells, as a slow line may be
// between, and the renderer of later terminals moves lines in ways that a vt100 cannot.
type basicScreen struct {
	out   io.Writer
	shown []string // nil is anything
}

func (b *basicScreen) draw(text string) error {
	lines := strings.Split(text, "\n")
	var out strings.Builder
	if len(b.shown) != len(lines) {
		out.WriteString("\x1b[H\x1b[2J")
		b.shown = make([]string, len(lines))
	}
	for i, l := range lines {
		if l != b.shown[i] {
			fmt.Fprintf(&out, "\x1b[%d;1H%s\x1b[K", i+1, l)
		}
	}
	if out.Len() == 0 {
		return nil
	}
	fmt.Fprintf(&out, "\x1b[%d;1H", len(lines)) // where the cursor is not in the way
	b.shown = lines
	_, err := io.WriteString(b.out, out.String())
	return err
}

// leave goes to a line below what is shown, which is then no longer known.
func (b *basicScreen) leave() error {
	_, err := fmt.Fprintf(b.out, "\x1b[%d;1H\r\n", max(1, len(b.shown)))
	b.shown = nil
	return err
}

// silent is a terminal of which size and mode are asked, and that gets nothing.
type silent struct{ *os.File }

func (silent) Write(p []byte) (int, error)       { return len(p), nil }
func (silent) WriteString(s string) (int, error) { return len(s), nil }
