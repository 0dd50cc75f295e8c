package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// office starts a mesh of one process with three monitors, two of them up.
func office(t *testing.T) (p *proc, url string, restart func() *proc) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "office.yaml")
	text := fmt.Sprintf(`monitors:
- {name: web, kind: tcp, target: %q, every: 200ms}
- {name: db, kind: tcp, target: %q, every: 200ms}
- {name: nobody, kind: tcp, target: %q, every: 200ms}
`, listener(t), listener(t), freeAddr(t))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, dir := freeAddr(t), t.TempDir()
	restart = func() *proc {
		p := spawn(t, "up", "--quiet", "--listen", addr, "--store", filepath.Join(dir, "broker"), "--state", filepath.Join(dir, "agent"), "--id", "home", file)
		p.line("broker on")
		return p
	}
	return restart(), "nats://" + addr, restart
}

// TestDash uses the live screen as a person does, in both sizes, in colours and without.
func TestDash(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile("\x1b\\[3[0-7]m")
	for _, size := range []struct {
		w, h string
		env  []string
	}{{"80", "24", nil}, {"200", "60", []string{"NO_COLOR=1"}}} {
		t.Run(size.w+"x"+size.h, func(t *testing.T) {
			t.Parallel()
			p, url, restart := office(t)
			s := onTerminal(t, size.w, size.h, size.env, "dash", "--broker", url)
			first := s.see("3 monitors: ✕ 1 ● 2", "agents 1/1", "1 incident is open", "nobody", "✕ down", "● up", "1/1")
			if lines := strings.Split(first, "\n"); !strings.HasPrefix(strings.TrimLeft(lines[4], "▸ "), "nobody") {
				t.Errorf("the worst one does not stand first:\n%s", first)
			}
			if coloured := colour.MatchString(s.do("capture-pane", "-p", "-e")); coloured != (size.env == nil) {
				t.Errorf("colours: %v, with %v", coloured, size.env)
			}

			s.press("Enter")
			s.see("[4 detail]", "latency of the last", "last failures", "refused")
			s.press("Escape") // and wait: with the next key at once it would be Alt
			s.see("[1 monitors]")
			s.press("/", "w", "e")
			s.see("/we", "1 of 3 monitors")
			s.press("b", "Enter")
			s.see("/web", "1 of 1")

			s.press("r")
			s.see("web runs already")
			s.press("x")
			s.see("stop web on all agents? (y/n)")
			s.press("y")
			s.see("web stopped: home stopped", "○ paused")
			s.press("r")
			s.see("web started: home running", "● up")
			s.press("p")
			s.see("probed: home ●")
			s.press("y")
			s.see("copied: netmon add tcp", "--name web")
			s.press("d")
			s.see("delete web", "(y/n)")
			s.press("y")
			s.see("web deleted", "2 monitors")
			s.press("Escape")
			s.until("shows all again", func(s string) bool { return !strings.Contains(s, "/web") })
			s.press("2")
			s.see("[2 matrix]", "home", "db")
			s.press("3")
			s.see("[3 agents]", "● online", "home")
			s.press("5")
			s.see("[5 log]", "refused", "results/s")
			s.press("1")
			s.see("[1 monitors]")

			s.keys(":stop d", "Tab", "on home", "Enter")
			s.see("stop db on home, the only agent that runs it? (y/n)")
			s.press("y")
			s.see("db stopped on home")
			s.keys(":start db", "Enter")
			s.see("db runs on no agent")
			s.keys(":start db on home", "Enter")
			s.see("db started", "● 1")
			s.keys(":explain nobody", "Enter")
			s.see("nobody is down since", "any other key close")
			s.press("Escape")

			p.kill()
			s.see("broker lost")
			s.press("x")
			s.see("the broker is away")
			s.see("? 2")
			restart()
			s.see("the broker is back", "● 2", "✕ 1") // the file brings web back
			s.press("q")
			s.ended("0")
		})
	}
}

func TestDash_CtrlC(t *testing.T) {
	t.Parallel()
	_, url, _ := office(t)
	s := onTerminal(t, "80", "24", nil, "dash", "--broker", url)
	s.see("3 monitors")
	s.press("/", "C-c")
	s.ended("130")
	dumb := onTerminal(t, "80", "24", []string{"TERM=dumb"}, "dash", "--broker", url, "--every", "200ms")
	dumb.see("MONITOR", "nobody", "✕ down")
	dumb.press("C-c")
	dumb.ended("130")
}

// TestDash_Plain prints the same rows into a pipe.
func TestDash_Plain(t *testing.T) {
	t.Parallel()
	_, url, _ := office(t)
	netmonDo(t, 0, "wait", "nobody", "--for", "down", "--timeout", "20s", "--broker", url)
	netmonDo(t, 0, "wait", "web", "--for", "up", "--timeout", "20s", "--broker", url)
	narrow := onTerminal(t, "60", "15", nil, "dash", "--broker", url, "--plain", "--once")
	_, table, _ := strings.Cut(narrow.see("MONITOR", "nobody ", "db ", "web "), "MONITOR")
	for i, line := range strings.Split(table, "\n")[1:4] {
		if name := []string{"nobody", "db", "web"}[i]; !strings.HasPrefix(line, name) {
			t.Errorf("want the row of %s, got %q: rows are broken over lines", name, line)
		}
	}
	p := spawn(t, "dash", "--broker", url, "--every", "200ms", "web", "nobody")
	p.line("MONITOR", "UPTIME", "RUNS")
	p.line("web", "● up", "1/1", "100%")
	p.line("nobody", "✕ down", "0/1", "0%")
	if code, _ := p.stop(); code != 130 {
		t.Errorf("Ctrl-C: exit code %d", code)
	}
	out := netmonDo(t, 0, "dash", "--broker", url, "--once")
	if !hasAll(out, []string{"3 monitors", "db", "web", "nobody"}) || strings.Contains(out, "\x1b") {
		t.Errorf("%q", out)
	}
	netmonDo(t, 1, "dash", "--broker", url, "--once", "nothing-of-that-name")
}

// TestDash_AddsAndEdits leads through the questions, and through an editor, and
// back to the screen.
func TestDash_AddsAndEdits(t *testing.T) {
	t.Parallel()
	_, url, _ := office(t)
	editor := script(t, `sed -i.old "s/every: 1s/every: 2s/" "$1"; rm -f "$1.old"`)
	s := onTerminal(t, "80", "24", []string{"NO_COLOR=1", "EDITOR=" + editor, "VISUAL="}, "dash", "--broker", url)
	s.see("3 monitors: ✕ 1 ● 2")
	s.press("n")
	s.see("add 1/9 kind", "kind [https] ›")
	s.keys("tcp", "Enter")
	s.see("add 2/9")
	s.keys(listener(t), "Enter")
	s.see("add 3/9")
	s.keys("1s", "Enter", "Enter", "Enter", "Enter", "Enter", "shop", "Enter")
	s.see("add 9/9")
	s.keys("Enter")
	s.see("[1 monitors]", "added by: netmon add tcp", "--name shop", "4 monitors")
	s.press("/", "s", "h", "o", "Enter")
	s.see("/sho", "1 of 1", "● up")
	s.press("e")
	s.see("[1 monitors]", "shop changed: home running")
	if out := netmonDo(t, 0, "get", "monitor", "shop", "--broker", url); !strings.Contains(out, "every: 2s") {
		t.Errorf("it is saved as %s", out)
	}
	s.press("n")
	s.see("add 1/9 kind")
	s.press("C-c")
	s.see("[1 monitors]", "nothing was saved")
	s.press("q")
	s.ended("0")
}

// TestDash_Mouse clicks as a terminal tells of it.
func TestDash_Mouse(t *testing.T) {
	t.Parallel()
	_, url, _ := office(t)
	s := onTerminal(t, "80", "24", nil, "dash", "--broker", url)
	first := s.see("3 monitors: ✕ 1 ● 2", "  web ", "1 incident is open") // a line that comes later moves the rows
	row := 1
	for !strings.Contains(strings.Split(first, "\n")[row-1], "  web ") {
		row++
	}
	click := func(row int) { s.do("send-keys", "-l", fmt.Sprintf("\x1b[<0;5;%dM\x1b[<0;5;%dm", row, row)) }
	click(row)
	s.see("▸ web")
	click(row)
	s.see("[4 detail]", "web  ● up")
	click(2)
	s.see("[1 monitors]")
	s.press("m")
	s.see("the mouse is off")
	if on := s.do("display-message", "-p", "#{mouse_any_flag}"); strings.TrimSpace(on) != "0" {
		t.Errorf("m leaves the mouse on: %q", on)
	}
	s.press("q")
	s.ended("0")
}

// TestDash_VT100 draws on a terminal that has neither colours nor another screen.
func TestDash_VT100(t *testing.T) {
	t.Parallel()
	_, url, _ := office(t)
	s := onTerminal(t, "80", "24", []string{"TERM=vt100", "NO_COLOR=1", "LC_ALL=C"}, "dash", "--broker", url)
	s.see("3 monitors: X 1 * 2", "> nobody   X down", "web      * up")
	if text := s.do("capture-pane", "-p", "-e"); strings.Contains(text, "\x1b") {
		t.Errorf("it has attributes: %q", text)
	}
	if modes := s.do("display-message", "-p", "#{alternate_on} #{mouse_any_flag}"); strings.TrimSpace(modes) != "0 0" {
		t.Errorf("alternate screen and mouse: %q", modes)
	}
	s.press("Enter")
	s.see("[4 detail]", "nobody  X down")
	s.press("q")
	s.ended("0")
}

// TestDash_Past looks at the past as a person does: its help, its incidents, and its keys.
func TestDash_Past(t *testing.T) {
	_, url, _ := office(t)
	live := onTerminal(t, "80", "24", nil, "dash", "--broker", url)
	live.see("3 monitors: ✕ 1 ● 2", "1 incident is open")
	live.press("q")
	at := time.Now().Add(time.Second).Truncate(time.Second) // as it was seen
	time.Sleep(time.Until(at.Add(time.Second)))             // it must be past
	s := onTerminal(t, "80", "24", nil, "dash", "--broker", url, "--at", at.UTC().Format(time.RFC3339))
	s.see("PAST "+at.UTC().Format("2006-01-02"), "still", "nobody", "✕ down", "step 1m")
	s.press("?")
	s.see("nothing can be changed in it", "step a minute back and on", "space pauses and continues", "i incidents as they stood then")
	s.press("?")
	s.see("[1 monitors]", "step 1m")
	s.press("i")
	s.see("[i incidents", "SEVERITY", "down", "open", "nobody")
	s.press("a")
	s.see("this is the past, and nothing can be changed in it")
	s.press("Space")
	s.see("pause")
	s.press("q")
}
