package exec

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// launcher starts programs, and ends what is left of them. Its methods may be called from
// several goroutines.
type launcher interface {
	// start starts a program in a process group of its own, and says when. A ctx that is
	// over before the system is asked starts nothing.
	start(ctx context.Context, cmd *exec.Cmd) (begin time.Time, err error)

	// finish waits for the end of a program that was started, and then ends what is left of
	// its group.
	finish(cmd *exec.Cmd, g *group) ending

	// Close gives up what the launcher holds. No run may be under way.
	io.Closer
}

// ending is how a program ended.
type ending struct {
	at        time.Time
	err       error // of exec.Cmd.Wait
	survivors bool  // its output stayed open, held by what is not in its group
}

// errLate is the error of a program that was not started in time.
var errLate = errors.New("not started in time")

// attempt waits for f until ctx ends, and stuckWait more. f asks a filesystem, which may not
// answer; if it does in the end, late gets the answer that nobody waits for any more.
func attempt[T any](ctx context.Context, f func() T, late func(T)) (answer T, err error) {
	answers := make(chan T, 1)
	go func() { answers <- f() }()
	select {
	case answer = <-answers:
		return answer, nil
	case <-ctx.Done():
	}
	t := time.NewTimer(stuckWait)
	defer t.Stop()
	select {
	case answer = <-answers:
		return answer, nil
	case <-t.C:
		go func() { late(<-answers) }()
		return answer, errLate
	}
}

// maxInterpreters bounds the interpreters of a script that are scripts, as Linux does.
const maxInterpreters = 5

// await returns when a program's file can be read, and its interpreter's. Where a filesystem
// does not answer, it is this goroutine that waits: a thread that executes the file would hold
// up the whole process, since it is in vfork(2), and the garbage collector waits for it.
func await(path string) {
	for range maxInterpreters {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return // whoever starts it reports that
		}
		f, err := os.Open(path) // #nosec G304 -- what is about to be executed
		if err != nil {
			return // a program may be executable, and not readable
		}
		head := make([]byte, 256)
		n, _ := f.Read(head)
		f.Close()
		if path = interpreter(string(head[:n])); path == "" {
			return
		}
	}
}

// interpreter is the path in the first line of a script, "" where a file is none.
func interpreter(head string) string {
	line, ok := strings.CutPrefix(head, "#!")
	line, _, _ = strings.Cut(line, "\n")
	words := strings.Fields(line)
	if !ok || len(words) == 0 || !strings.HasPrefix(words[0], "/") {
		return ""
	}
	return words[0]
}
