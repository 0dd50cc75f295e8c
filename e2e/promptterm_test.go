package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// person is somebody at a terminal: tmux, with a server of its own.
type person struct {
	t      testing.TB
	tmux   string
	socket string
}

// personAt starts netmon with these arguments in a terminal of this size.
func personAt(t testing.TB, width, height string, args ...string) *person {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tmux") // short: a socket's path has a limit
	if err != nil {
		t.Fatal(err)
	}
	tm := &person{t: t, tmux: need.Tool(t, "tmux", "tmux"), socket: filepath.Join(dir, "s")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", tm.screen())
		}
		tm.do("kill-server")
		os.RemoveAll(dir)
	})
	// The shell tells the exit code, which tmux sometimes does not know, and
	// keeps the screen.
	tm.do(append([]string{"-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "-e", "LANG=C.UTF-8", "-e", "NO_COLOR=1", "-e", "XDG_STATE_HOME=" + filepath.Join(dir, "state"),
		"-e", "XDG_CONFIG_HOME=" + filepath.Join(dir, "config"), "-e", "EXITED=" + tm.exited(), "--", "sh", "-c", `"$0" "$@"; echo $? >"$EXITED"; exec sleep 1000`, bin}, args...)...)
	return tm
}

func (tm *person) do(args ...string) string {
	tm.t.Helper()
	out, err := exec.Command(tm.tmux, append([]string{"-u", "-S", tm.socket}, args...)...).CombinedOutput()
	if err != nil && args[0] != "kill-server" {
		tm.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// screen is what is in sight; all is that and what was scrolled away.
func (tm *person) screen() string { return tm.do("capture-pane", "-p") }
func (tm *person) all() string    { return tm.do("capture-pane", "-p", "-J", "-S", "-") }

// keys types text, or presses the named key when it is one of tmux's.
func (tm *person) keys(keys ...string) {
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

// see waits until every one of the words is on the screen.
func (tm *person) see(words ...string) string {
	tm.t.Helper()
	return tm.wait(tm.screen, words...)
}

// seen waits until every one of the words is, or was, on the screen.
func (tm *person) seen(words ...string) string {
	tm.t.Helper()
	return tm.wait(tm.all, words...)
}

// ended waits until netmon has ended, and wants this exit code.
func (tm *person) ended(code string) {
	tm.t.Helper()
	tm.wait(func() string {
		data, err := os.ReadFile(tm.exited())
		if err != nil {
			return ""
		}
		return string(data)
	}, code+"\n")
}

func (tm *person) exited() string { return tm.socket + ".exited" }

// seenLine waits until one line has, or had, all of the words.
func (tm *person) seenLine(words ...string) {
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

func (tm *person) wait(capture func() string, words ...string) string {
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
