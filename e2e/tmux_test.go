package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// term is a program on a terminal of a certain size, which tmux plays.
type term struct {
	t      testing.TB
	tmux   string
	socket string
	ended  string // the file that the exit code is written to
}

// onTerminal starts netmon there. env is of the form NAME=VALUE.
func onTerminal(t testing.TB, w, h int, env []string, args ...string) *term {
	t.Helper()
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &term{t: t, tmux: need.Tool(t, "tmux", "tmux"), socket: filepath.Join(dir, "tmux"), ended: filepath.Join(dir, "ended")}
	words := []string{"env"}
	for _, e := range append(env, "XDG_CONFIG_HOME="+dir, "XDG_STATE_HOME="+dir) {
		words = append(words, "'"+e+"'")
	}
	for _, a := range append([]string{bin}, args...) {
		words = append(words, "'"+a+"'")
	}
	line := fmt.Sprintf("%s; echo $? >%s.new; mv %s.new %s; sleep 60", strings.Join(words, " "), p.ended, p.ended, p.ended)
	p.do("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h), line)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", p.screen())
		}
		exec.Command(p.tmux, "-S", p.socket, "kill-server").Run()
	})
	return p
}

func (p *term) do(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.tmux, append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (p *term) screen() string { return p.do("capture-pane", "-p") }

// press types keys, by the names that tmux has for them.
func (p *term) press(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do("send-keys", k)
	}
}

// shows waits until the screen has all of the words, and returns it.
func (p *term) shows(words ...string) string {
	p.t.Helper()
	return p.until(fmt.Sprintf("shows %q", words), func(s string) bool { return hasAll(s, words) })
}

func (p *term) until(what string, ok func(screen string) bool) string {
	p.t.Helper()
	limit := time.Now().Add(patience)
	for {
		s := p.screen()
		if ok(s) {
			return s
		}
		if time.Now().After(limit) {
			p.t.Fatalf("the screen never %s", what)
		}
		time.Sleep(30 * time.Millisecond) // between two looks
	}
}

// exit waits for the end of the program and returns its exit code.
func (p *term) exit() string {
	p.t.Helper()
	limit := time.Now().Add(patience)
	for {
		if code, err := os.ReadFile(p.ended); err == nil {
			return strings.TrimSpace(string(code))
		}
		if time.Now().After(limit) {
			p.t.Fatal("the program does not end")
		}
		time.Sleep(30 * time.Millisecond) // between two looks
	}
}
