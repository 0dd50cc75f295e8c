package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// tmuxTerm is a program on a terminal of 100 by 24.
type tmuxTerm struct {
	t            *testing.T
	tmux, socket string
}

// onTerminal starts a program on a terminal; it ends with the test.
func onTerminal(t *testing.T, command ...string) *tmuxTerm {
	t.Helper()
	term := &tmuxTerm{t, need.Tool(t, "tmux", "tmux"), filepath.Join(t.TempDir(), "tmux")}
	args := []string{"new-session", "-d", "-x", "100", "-y", "24"}
	for _, name := range []string{"PATH", "NETMON_BROKER", "XDG_CONFIG_HOME"} {
		args = append(args, "-e", name+"="+os.Getenv(name))
	}
	term.do(append(append(args, "--"), command...)...)
	t.Cleanup(func() { exec.Command(term.tmux, "-S", term.socket, "kill-server").Run() })
	return term
}

func (term *tmuxTerm) do(args ...string) string {
	term.t.Helper()
	out, err := exec.Command(term.tmux, append([]string{"-S", term.socket, "-f", "/dev/null"}, args...)...).CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (term *tmuxTerm) screen() string { return term.do("capture-pane", "-p") }

// see waits for text on the screen.
func (term *tmuxTerm) see(text string) {
	term.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(term.screen(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			term.t.Fatalf("no %q in\n%s", text, term.screen())
		}
	}
}

// gone waits until text is not on the screen.
func (term *tmuxTerm) gone(text string) {
	term.t.Helper()
	for end := time.Now().Add(time.Minute); strings.Contains(term.screen(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			term.t.Fatalf("still %q in\n%s", text, term.screen())
		}
	}
}

// line types a line.
func (term *tmuxTerm) line(text string) {
	term.t.Helper()
	term.do("send-keys", "-l", text)
	term.do("send-keys", "Enter")
}

// TestConfirm asks a person before something is deleted, and heeds the answer.
func TestConfirm(t *testing.T) {
	meshToComplete(t) // two monitors, both in the configuration office
	if said := runOK(t, "add", "tcp", "h:1", "--name", "extra"); !strings.Contains(said, "extra saved") {
		t.Fatal(said)
	}
	term := onTerminal(t, "bash", "--norc")
	const question = "configuration office deletes 1 of 3 monitors? [y/N]"
	term.line("PS1='code $?. '") // after Ctrl-C bash runs nothing more of a line
	for _, c := range []struct{ answer, code string }{{"n", "1"}, {"", "1"}, {"C-c", "130"}, {"y", "0"}} {
		term.line("(exit 7)")
		term.see("code 7.")
		term.do("send-keys", "C-l") // what is seen below is new
		term.gone("[y/N]")
		term.line("netmon config use office")
		term.see(question)
		if c.answer == "C-c" {
			term.do("send-keys", "C-c")
		} else {
			term.line(c.answer)
		}
		term.see("code " + c.code + ".")
		left := strings.Contains(runOK(t, "get", "monitors", "-o", "name"), "extra")
		if left == (c.answer == "y") {
			t.Errorf("after %q the monitor is there: %v", c.answer, left)
		}
	}
}

// runOK runs a command in this process.
func runOK(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := execute(t.Context(), append([]string{"netmon"}, args...), nil, &out, &errs); code != 0 {
		t.Fatalf("netmon %q: exit %d: %s", args, code, errs.String())
	}
	return out.String()
}
