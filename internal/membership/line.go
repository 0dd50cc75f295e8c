package membership

import (
	"cmp"
	"context"
	"io"
	"os"
	"strings"

	"netmon/internal/exit"
)

// LineEnv holds a join line where it should be neither in the list of
// processes nor in a shell's history.
const LineEnv = "NETMON_JOIN"

// maxPasted bounds what is read of standard input for a join line, bytes.
const maxPasted = 4096

// ReadLine is the line that a flag or the environment gave; for - it is that on
// standard input. What `netmon token new` prints around it does not matter. Programs
// that are started from here on do not get it from the environment.
func ReadLine(ctx context.Context, stdin io.Reader, given string) (string, error) {
	os.Unsetenv(LineEnv)
	if given = strings.TrimSpace(given); given != "-" {
		return cmp.Or(lineIn(given), given), nil
	}
	text, err := readFirst(ctx, stdin)
	if err != nil {
		return "", err
	}
	if line := lineIn(text); line != "" {
		return line, nil
	}
	if text == "" {
		return "", exit.Usage("--join -: standard input is empty: want the line that netmon token new prints, such as: netmon token new agent --id paris | ssh HOST netmon agent --join -")
	}
	return "", exit.Usage("--join -: there is no join line on standard input: want tls://HOST:PORT/join/TOKEN/PIN as netmon token new prints it")
}

// lineIn is the join line among the words of a text, "" for none.
func lineIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "tls://") {
			return word
		}
	}
	return ""
}

// readFirst reads the first line of r that is not empty. Where somebody gives up
// waiting for it, the read is left to the process's end.
func readFirst(ctx context.Context, r io.Reader) (string, error) {
	type read struct {
		text string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		var b strings.Builder
		one := make([]byte, 1) // a byte at a time: what follows the line is not ours
		for {
			n, err := r.Read(one)
			b.Write(one[:n])
			text := strings.TrimSpace(b.String())
			switch {
			case err == io.EOF || text != "" && n == 1 && one[0] == '\n' || b.Len() == maxPasted:
				done <- read{text: text}
				return
			case err != nil:
				done <- read{err: exit.Usage("--join -: standard input: %w", err)}
				return
			}
		}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case got := <-done:
		return got.text, got.err
	}
}
