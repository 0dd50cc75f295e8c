package membership

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestJoinLine(t *testing.T) {
	const line = "tls://h:4222/join/t/p"
	for name, c := range map[string]struct{ given, stdin, want, err string }{
		"none":                                {"", "", "", ""},
		"as it is given":                      {" " + line + "\n", "not read", line, ""},
		"with what is printed, in a variable": {"netmon agent --join " + line, "not read", line, ""},
		"no line":                             {"hello", "not read", "hello", ""},
		"on standard input":                   {"-", "\n  " + line + " \nmore\n", line, ""},
		"without an end of line":              {"-", line, line, ""},
		"with what is printed":                {"-", "netmon agent --join " + line + "\n", line, ""},
		"nothing there":                       {"-", " \n\n", "", "standard input is empty"},
		"something else there":                {"-", "hello\n", "", "no join line on standard input"},
		"more than a line can be":             {"-", strings.Repeat("x", 2*maxPasted), "", "no join line on standard input"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(LineEnv, line)
			got, err := ReadLine(t.Context(), strings.NewReader(c.stdin), c.given)
			if got != c.want || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q, %v, want %q, %q", got, err, c.want, c.err)
			}
			if v, ok := os.LookupEnv(LineEnv); ok {
				t.Errorf("programs that are started get %q", v)
			}
		})
	}
}

// TestJoinLine_CtrlC: nobody has to send a line to get out.
func TestJoinLine_CtrlC(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	silent, end := io.Pipe()
	defer end.Close()
	if _, err := readFirst(ctx, silent); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
