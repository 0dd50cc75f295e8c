package manpage

import (
	"fmt"
	"strings"
)

// roff writes the macros of man(7).
type roff struct {
	strings.Builder
	headed bool // a heading was the last, which begins a paragraph itself
}

// macro writes a line such as .SH "SEE ALSO".
func (r *roff) macro(name string, args ...string) {
	r.WriteString("." + name)
	for _, a := range args {
		fmt.Fprintf(r, " \"%s\"", strings.ReplaceAll(escape(a), `\-`, "-"))
	}
	r.WriteByte('\n')
	r.headed = true
}

// line writes text that is escaped already.
func (r *roff) line(text string) {
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	r.WriteString(text + "\n")
	r.headed = false
}

// width is that of lines of the source: roff fills the lines of what is shown.
const width = 79

// text writes prose that is escaped already.
func (r *roff) text(escaped string) {
	var line []string
	n := 0
	for word := range strings.FieldsSeq(escaped) {
		if n > 0 && n+1+len(word) > width {
			r.line(strings.Join(line, " "))
			line, n = nil, 0
		}
		line, n = append(line, word), n+1+len(word)
	}
	r.line(strings.Join(line, " "))
}

// paragraph begins one and writes its text.
func (r *roff) paragraph(text string) {
	r.pause()
	r.text(escape(text))
}

// pause begins a paragraph.
func (r *roff) pause() {
	if !r.headed {
		r.WriteString(".PP\n")
	}
}

// term is an entry of a list: what it is called, escaped already, and what it means.
func (r *roff) term(name, meaning string) {
	r.WriteString(".TP\n")
	r.text(name)
	r.text(escape(meaning))
}

// example are lines that are to be typed, or a file.
func (r *roff) example(lines []string) {
	r.pause()
	r.WriteString(".RS 4\n.nf\n")
	for _, l := range lines {
		r.line(escape(l))
	}
	r.WriteString(".fi\n.RE\n")
}

// prose writes paragraphs as the commands describe themselves: an empty line ends one, and
// lines that are indented are an example.
func (r *roff) prose(text string) {
	var lines, examples []string
	flush := func() {
		if len(lines) > 0 {
			r.paragraph(strings.Join(lines, " "))
		}
		if len(examples) > 0 {
			r.example(examples)
		}
		lines, examples = nil, nil
	}
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		switch indented := strings.HasPrefix(l, "  "); {
		case strings.TrimSpace(l) == "":
			flush()
		case indented:
			if len(lines) > 0 {
				flush()
			}
			examples = append(examples, strings.TrimSpace(l))
		default:
			if len(examples) > 0 {
				flush()
			}
			lines = append(lines, strings.TrimSpace(l))
		}
	}
	flush()
}

func bold(text string) string   { return `\fB` + escape(text) + `\fR` }
func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// escape makes text that roff prints as it is: a minus stays one that can be pasted into a
// shell, and what is not ASCII needs no encoding of the file.
func escape(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\\':
			b.WriteString(`\e`)
		case c == '-':
			b.WriteString(`\-`)
		case c == '\'':
			b.WriteString(`\(aq`)
		case c == '`':
			b.WriteString(`\(ga`)
		case c == '^':
			b.WriteString(`\(ha`)
		case c == '~':
			b.WriteString(`\(ti`)
		case c == '"':
			b.WriteString(`\(dq`)
		case c < ' ': // no command has one
		case c > '~':
			fmt.Fprintf(&b, `\[u%04X]`, c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}
