package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPrompt_FromNothingToAMonitorOnThreeAgents does what a newcomer does, by
// the prompt alone: the keys are those that a person presses.
func TestPrompt_FromNothingToAMonitorOnThreeAgents(t *testing.T) {
	t.Parallel()
	url := serve(t)
	for _, id := range []string{"oslo", "paris", "rome"} {
		spawn(t, "agent", "--broker", url, "--id", id, "--label", "region=eu", "--state", t.TempDir()).line("connected")
	}
	target := listener(t)
	begin := time.Now()
	tm := terminal(t, "80", "24", "console", "--broker", url)
	tm.see("● "+strings.TrimPrefix(url, "nats://")+" ›", "0 monitors · 3 agents")
	tm.keys("add", "Enter")
	tm.see("add 1/9 kind", "tcp    connects", "kind [https] ›")
	tm.keys("tc", "Tab", "Enter")
	tm.see("add 2/9 target", "HOST:PORT")
	tm.keys("nohost", "Enter")
	tm.see(`✕ target: want host:port, got "nohost"`)
	tm.keys("C-u", target+" from paris", "Enter")
	tm.see("add 3/9 every", "paris ● ok")
	tm.keys("1s", "Enter")
	tm.see("add 4/9 timeout", "timeout [900ms] ›")
	tm.keys("Escape")
	tm.see("every [1s] ›")
	tm.keys("Enter")
	tm.see("timeout [900ms] ›")
	tm.keys("Enter")
	tm.see("add 5/9 options", "within", "options [done] ›")
	tm.keys("Enter")
	tm.see("add 6/9 where", "● oslo", "region=eu")
	tm.keys("region=", "Tab", "Enter")
	tm.see("add 7/9 tags", "runs on oslo, paris, rome", "tags [none] ›")
	tm.keys("team=shop", "Enter")
	tm.see("add 8/9 name")
	tm.keys("shop", "Enter")
	_, command, _ := strings.Cut(tm.see("add 9/9 save and start", "--tag team=shop"), "\nnetmon add")
	command, _, _ = strings.Cut(command, "\nsave and start")
	tm.keys("Enter")
	tm.seen("shop saved", "oslo         shop running", "paris        shop running", "rome         shop running")
	tm.seenLine("rome ", "shop ● ok", "connected")
	tm.see("1 monitor · 3 agents")
	t.Logf("from the prompt to three agents in %v", time.Since(begin).Round(time.Millisecond))
	if want := " tcp " + target + " --name shop --every 1s --on region=eu \\\n  --tag team=shop"; command != want {
		t.Errorf("the one line is %q, want %q", command, want)
	}

	// What the commands change is completed in the prompt at once.
	tm.keys("stop s", "Tab")
	tm.see("› stop shop")
	tm.keys("on ro", "Tab", "Enter")
	tm.seen("shop stopped on rome", "rome         shop stopped")
	tm.keys("show shop", "Enter")
	tm.seen("every 1s, timeout 900ms, on region=eu except rome", "stopped here")
	if n := strings.Count(tm.all(), "● "+strings.TrimPrefix(url, "nats://")+" ›"); n != 1 {
		t.Errorf("the prompt stands %d times on the screen:\n%s", n, tm.all())
	}
	tm.keys("quit", "Enter")
	tm.see("still running: 1 monitor, 3 agents", "come back with: netmon console --broker "+url)
	tm.ended("0")
	if out := netmonDo(t, 0, "get", "monitors", "--broker", url); !strings.Contains(out, "shop") {
		t.Errorf("after quit: %s", out)
	}
}

// TestPrompt_TypingWhileResultsArrive types slowly, a key at a time, in a mesh
// that measures 200 times a second.
func TestPrompt_TypingWhileResultsArrive(t *testing.T) {
	t.Parallel()
	url := serve(t)
	dir := t.TempDir()
	spawn(t, "agent", "--broker", url, "--id", "paris", "--state", dir).line("connected")
	apply(t, url, dir, "tcp", listener(t), "100ms", "{}", 20)
	tm := terminal(t, "80", "24", "console", "--broker", url)
	tm.see("more results", "results off", "20 monitors · 1 agent")
	const text = "get monitor m00007 -o table"
	for i := range text {
		tm.keys(text[i : i+1])
	}
	screen := tm.see("› " + text)
	if lines := strings.Split(strings.TrimRight(screen, "\n"), "\n"); len(lines) < 23 || !strings.Contains(lines[len(lines)-2], "› "+text) {
		t.Errorf("the prompt is not at the bottom:\n%s", screen)
	}
	tm.keys("Enter")
	tm.seen("NAME    STATE ", "m00007  up ")
	tm.keys("results failures", "Enter")
	tm.see("results failures (")
	quiet := tm.see("results: failures")
	time.Sleep(500 * time.Millisecond) // long enough for 100 results
	if now := tm.screen(); last(now, "● ok") != last(quiet, "● ok") {
		t.Errorf("results still stream:\n%s", now)
	}
	// A command that takes long is stopped by Ctrl-C, and the prompt stays.
	tm.keys("watch m00001", "Enter")
	tm.see("running watch m00001", "Ctrl-C stops it")
	tm.keys("half", "C-c")
	tm.see("stopped: watch m00001", "› half")
	// No line is torn: each has its time, its agent and its outcome, and on a
	// busy machine the ticks that were skipped.
	whole := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d{3} paris m\d{5} ● ok +[\d.]+ [mµ]s  connected(  \? .*)?$`)
	n := 0
	for line := range strings.Lines(tm.all()) {
		if line = strings.TrimRight(line, " \n"); strings.Contains(line, "paris") && strings.Contains(line, "connected") {
			if n++; !whole.MatchString(line) {
				t.Errorf("torn: %q", line)
			}
		}
	}
	t.Logf("%d lines of results, all whole", n)
	if n < 30 {
		t.Errorf("only %d lines of results", n)
	}
}

// TestPrompt_LosingTheBroker kills the broker under the prompt and brings it back.
func TestPrompt_LosingTheBroker(t *testing.T) {
	t.Parallel()
	addr, store := freeAddr(t), t.TempDir()
	b := spawn(t, "broker", "--listen", addr, "--store", store)
	b.line("broker ready")
	url := "nats://" + addr
	spawn(t, "agent", "--broker", url, "--id", "paris", "--state", t.TempDir()).line("connected")
	apply(t, url, t.TempDir(), "tcp", listener(t), "200ms", "{}", 1)
	tm := terminal(t, "80", "24", "console", "--broker", url)
	tm.see("m00000 ● ok", "1 agent")
	tm.keys("get mon")
	begin := time.Now()
	b.kill()
	tm.see("✕ "+addr+" › get mon", "broker away", "reconnecting")
	t.Logf("shown after %v", time.Since(begin).Round(time.Millisecond))
	tm.keys("itors", "Enter")
	tm.see("broker unreachable", "nothing was done")
	tm.keys("half")
	begin = time.Now()
	spawn(t, "broker", "--listen", addr, "--store", store).line("broker ready")
	tm.see("● " + addr + " › half")
	tm.seen("● broker " + addr + " is back after") // results may have scrolled it away
	t.Logf("back %v after it was started", time.Since(begin).Round(time.Millisecond))
	tm.keys("C-u", "get monitors", "Enter")
	tm.seen("NAME    STATE ", "m00000  ")
	tm.see("m00000 ● ok")
}

// TestPrompt_OfUp is the first command, on a terminal.
func TestPrompt_OfUp(t *testing.T) {
	t.Parallel()
	addr, store := freeAddr(t), t.TempDir()
	tm := terminal(t, "80", "24", "up", "--listen", addr, "--store", store, "--state", t.TempDir(), "--id", "home")
	tm.see("● "+addr+" ›", "0 monitors · 1 agent")
	tm.keys("add tcp "+addr+" --name broker every 1s", "Enter")
	tm.seen("broker saved", "home         broker running")
	tm.see("home broker ● ok")
	tm.keys("C-c")
	tm.see("Ctrl-C again")
	tm.keys("C-c")
	tm.see("stopping: the last results are being delivered")
	tm.ended("0")
}

// TestPrompt_TypedIntoAPipe is no terminal's.
func TestPrompt_TypedIntoAPipe(t *testing.T) {
	t.Parallel()
	url := serve(t)
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bin, "console", "--broker", url)
	cmd.Stdin = strings.NewReader("get agents\nget monitors\nstrat\nget broker\n")
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "line 3") || strings.Contains(string(out), "\x1b") {
		t.Errorf("%v: %q", err, out)
	}
}

// serve starts a broker and returns its URL.
func serve(t *testing.T) string {
	t.Helper()
	addr := freeAddr(t)
	spawn(t, "broker", "--listen", addr, "--store", t.TempDir()).line("broker ready")
	return "nats://" + addr
}

// TestPrompt_WithoutABroker begins before there is one, and moves to another.
func TestPrompt_WithoutABroker(t *testing.T) {
	t.Parallel()
	addr, store := freeAddr(t), t.TempDir()
	other := serve(t)
	spawn(t, "agent", "--broker", other, "--id", "rome", "--state", t.TempDir()).line("connected")
	tm := terminal(t, "80", "24", "console", "--broker", "nats://"+addr)
	tm.see("✕ "+addr+" ›", "✕ no broker at nats://"+addr, "no broker for", "still trying to connect")
	tm.keys("get agents", "Enter")
	tm.see("broker unreachable", "nothing was done")
	spawn(t, "broker", "--listen", addr, "--store", store).line("broker ready")
	tm.see("● broker "+addr+" is there", "● "+addr+" ›", "0 monitors · 0 agents")
	tm.keys("get broker", "Enter")
	tm.see("round trip")

	tm.keys("context add second --broker "+other, "Enter")
	tm.see("context second saved")
	tm.keys("context use second", "Enter")
	tm.see("in use: second", "● second ›", "0 monitors · 1 agent ")
	tm.keys("add tcp "+listener(t)+" --name here every 200ms", "Enter")
	tm.seen("rome         here running", "rome here ● ok")
	tm.see("1 monitor · 1 agent ")
	tm.keys("context add gone --broker nats://"+freeAddr(t), "Enter")
	tm.keys("context use gone", "Enter")
	tm.see("✕ gone ›", "no broker for")
	tm.keys("context use second", "Enter")
	tm.see("● second ›", "1 monitor · 1 agent ")
	tm.keys("quit", "Enter")
	tm.see("come back with: netmon console --context second")
	tm.ended("0")
}

// TestPrompt_Edit mends a mistake that the editor was opened again for.
func TestPrompt_Edit(t *testing.T) {
	t.Parallel()
	url := serve(t)
	spawn(t, "agent", "--broker", url, "--id", "paris", "--state", t.TempDir()).line("connected")
	apply(t, url, t.TempDir(), "tcp", listener(t), "1m", "{}", 1)
	editor := script(t, `if grep -q "^# ✕" "$1"; then
	sed -i.old s/soon/2m/ "$1"
else
	sed -i.old "s/every: 1m0s/every: soon/; s/every: 1m$/every: soon/" "$1"
fi
rm -f "$1.old"; sleep 0.3`)
	tm := onTerminal(t, "80", "24", []string{"NO_COLOR=1", "VISUAL=" + editor}, "console", "--broker", url)
	tm.see("1 monitor ", "1 agent") // unknown until its first run, which is up to a minute off
	tm.keys("edit m0", "Tab", "Enter")
	tm.see("m00000 changed", "paris        m00000 running")
	if out := netmonDo(t, 0, "get", "monitor", "m00000", "--broker", url); !strings.Contains(out, "every: 2m") {
		t.Errorf("it is saved as %s", out)
	}
	tm.keys("edit nothing", "Enter")
	tm.see("no such monitor")
}

// script is a program of these lines.
func script(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}
