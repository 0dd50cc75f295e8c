package manpage

import (
	"strings"
	"testing"
)

// TestRoff: nothing that a command says of itself is taken for a request.
func TestRoff(t *testing.T) {
	var r roff
	r.macro("SH", `A "B"`)
	r.prose(".so /etc/passwd\nand 'so\n\n   echo \\n ~/.x `y` ^z\n   'q'\nmore … here\n")
	r.term(bold("-x"), ".de")
	want := `.SH "A \(dqB\(dq"
\&.so /etc/passwd and \(aqso
.PP
.RS 4
.nf
echo \en \(ti/.x \(gay\(ga \(haz
\(aqq\(aq
.fi
.RE
.PP
more \[u2026] here
.TP
\fB\-x\fR
\&.de
`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRoff_LinesOfTheSourceAreShort(t *testing.T) {
	var r roff
	r.paragraph(strings.Repeat("a.b ", 100) + ".c")
	for line := range strings.Lines(r.String()) {
		if len(line) > width+1 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}
