package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// term is a terminal with a person at it: tmux, with a server of its own.
type term struct {
	t      testing.TB
	tmux   string
	socket string
}

// terminal starts netmon with these arguments in a terminal of this size,
// without colour.
func terminal(t testing.TB, width, height string, args ...string) *term {
	t.Helper()
	return onTerminal(t, width, height, []string{"NO_COLOR=1"}, args...)
}

// onTerminal is terminal with an environment, of the form NAME=VALUE.
func onTerminal(t testing.TB, width, height string, env []string, args ...string) *term {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tmux") // short: a socket's path has a limit
	if err != nil {
		t.Fatal(err)
	}
	tm := &term{t: t, tmux: need.Tool(t, "tmux", "tmux"), socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", tm.screen())
		}
		tm.do("kill-server")
		os.RemoveAll(dir)
	})
	// The shell prints the exit code, which tmux sometimes does not know, and
	// keeps the screen.
	command := slices.Concat([]string{"env"}, env, []string{"XDG_STATE_HOME=" + filepath.Join(dir, "state"), "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"),
		"sh", "-c", `trap : INT; "$0" "$@"; echo $? >"$EXITED.new"; mv "$EXITED.new" "$EXITED"; exec sleep 1000`, bin}, args)
	tm.do(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "-e", "LANG=C.UTF-8", "-e", "EXITED=" + tm.exited(), "--"}, command...)...)
	return tm
}

func (tm *term) do(args ...string) string {
	tm.t.Helper()
	out, err := exec.Command(tm.tmux, append([]string{"-u", "-S", tm.socket}, args...)...).CombinedOutput()
	if err != nil && args[0] != "kill-server" {
		tm.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// screen is what is in sight; all is that and what was scrolled away.
func (tm *term) screen() string { return tm.do("capture-pane", "-p") }
func (tm *term) all() string    { return tm.do("capture-pane", "-p", "-J", "-S", "-") }

// keys types text, or presses the named key when it is one of tmux's.
func (tm *term) keys(keys ...string) {
	tm.t.Helper()
	for _, k := range keys {
		switch k {
		case "Enter", "Tab", "Escape", "Up", "C-c", "C-d", "C-u":
			tm.do("send-keys", k)
		default:
			tm.do("send-keys", "-l", k)
		}
	}
}

// press presses keys, by the names that tmux has for them.
func (tm *term) press(keys ...string) {
	tm.t.Helper()
	for _, k := range keys {
		tm.do("send-keys", k)
	}
}

// see waits until every one of the words is on the screen.
func (tm *term) see(words ...string) string {
	tm.t.Helper()
	return tm.wait(tm.screen, words...)
}

// seen waits until every one of the words is, or was, on the screen.
func (tm *term) seen(words ...string) string {
	tm.t.Helper()
	return tm.wait(tm.all, words...)
}

// until waits until the screen is ok, and returns it.
func (tm *term) until(what string, ok func(screen string) bool) string {
	tm.t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text := tm.screen()
		if ok(text) {
			return text
		}
		if time.Now().After(limit) {
			tm.t.Fatalf("the screen never %s", what)
		}
	}
}

// exited is the file that the exit code is written to.
func (tm *term) exited() string { return filepath.Join(filepath.Dir(tm.socket), "exited") }

// ended waits until netmon has ended, and wants this exit code.
func (tm *term) ended(code string) {
	tm.t.Helper()
	tm.wait(func() string {
		got, err := os.ReadFile(tm.exited())
		if err != nil {
			return ""
		}
		return "exit code " + strings.TrimSpace(string(got)) + "."
	}, "exit code "+code+".")
}

// seenLine waits until one line has, or had, all of the words.
func (tm *term) seenLine(words ...string) {
	tm.t.Helper()
	tm.wait(func() string {
		for line := range strings.Lines(tm.all()) {
			if hasAll(line, words) {
				return line
			}
		}
		return ""
	}, words...)
}

func (tm *term) wait(capture func() string, words ...string) string {
	tm.t.Helper()
	for limit := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		text := capture()
		if hasAll(text, words) {
			return text
		}
		if time.Now().After(limit) {
			tm.t.Fatalf("no %q on the screen:\n%s", words, text)
		}
	}
}

// last is the last line on the screen with this text in it, "" when there is none.
func last(screen, text string) string {
	found := ""
	for line := range strings.Lines(screen) {
		if strings.Contains(line, text) {
			found = strings.TrimRight(line, " \n")
		}
	}
	return found
}
