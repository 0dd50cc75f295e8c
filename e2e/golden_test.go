package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite the captures of terminals in testdata")

// sizes are those that every capture is made in.
var sizes = [][2]string{{"80", "24"}, {"200", "60"}}

// golden waits until the screen, less what differs from run to run, is as it
// was captured in testdata.
func (tm *term) golden(name string, words ...string) {
	tm.t.Helper()
	file := filepath.Join("testdata", name+".txt")
	tm.see(words...)
	if *update {
		before, now := "", steady(tm.screen())
		for before != now {
			time.Sleep(500 * time.Millisecond) // longer than anything is drawn later
			before, now = now, steady(tm.screen())
		}
		if err := os.WriteFile(file, []byte(now), 0o644); err != nil {
			tm.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tm.t.Fatal(err)
	}
	now := ""
	for limit := time.Now().Add(patience); now != string(want); time.Sleep(20 * time.Millisecond) {
		if now = steady(tm.screen()); now != string(want) && time.Now().After(limit) {
			tm.t.Errorf("%s differs (go test ./e2e -run Golden -update, and look at the difference). It is:\n%s\nwant:\n%s", file, now, want)
			return
		}
	}
}

// What differs from run to run is written as zeros, in as many columns.
var (
	clockTime = regexp.MustCompile(`\d\d:\d\d:\d\d(\.\d{3})?`)
	port      = regexp.MustCompile(`(127[.-]0[.-]0[.-]1[:-])\d{5}`)
	latency   = regexp.MustCompile(` +[\d.]+ (ns|µs|ms|s)\b`)
	strip     = regexp.MustCompile(`(?m)([●▲✕])[●▲✕?]+$`)
	rate      = regexp.MustCompile(`\d+ results/s`)
	incident  = regexp.MustCompile(`(incident is open: ).*`) // its id, and since when
	part      = regexp.MustCompile(` *\d+(\.\d+)?%`)         // uptime, once history is read
	lasting   = regexp.MustCompile(` +(\d+h)?(\d+m)?\d+s\b`) // a state, so far
	upFor     = regexp.MustCompile(` for +0s`)               // the same in a sentence, where no column follows
)

func steady(screen string) string {
	screen = clockTime.ReplaceAllStringFunc(screen, func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return '0'
			}
			return r
		}, s)
	})
	screen = incident.ReplaceAllString(screen, "${1}…")
	screen = port.ReplaceAllString(screen, "${1}00000")
	screen = latency.ReplaceAllStringFunc(screen, func(s string) string {
		return strings.Repeat(" ", max(1, utf8.RuneCountInString(s)-len("0 ms"))) + "0 ms"
	})
	screen = rate.ReplaceAllString(screen, "0 results/s")
	screen = lasting.ReplaceAllStringFunc(screen, func(s string) string {
		return strings.Repeat(" ", max(1, utf8.RuneCountInString(s)-len("0s"))) + "0s"
	})
	screen = upFor.ReplaceAllString(screen, " for 0s")
	screen = part.ReplaceAllStringFunc(screen, func(s string) string {
		return strings.Repeat(" ", utf8.RuneCountInString(s)-len("-")) + "-"
	})
	var b strings.Builder
	for line := range strings.Lines(screen) {
		b.WriteString(strip.ReplaceAllString(strings.TrimRight(line, " \n"), "$1…") + "\n")
	}
	return b.String()
}

// TestGolden_Prompt is what a person sees of the prompt, and of the questions.
func TestGolden_Prompt(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		name := size[0] + "x" + size[1]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := serve(t)
			for _, id := range []string{"oslo", "paris", "rome"} {
				spawn(t, "agent", "--broker", url, "--id", id, "--label", "region=eu", "--state", t.TempDir()).line("connected")
			}
			target := listener(t)
			tm := terminal(t, size[0], size[1], "console", "--broker", url, "--results", "off")
			tm.golden("prompt-start-"+name, "0 monitors · 3 agents")
			tm.keys("?", "Enter")
			tm.golden("prompt-help-"+name, "Ctrl-L")
			tm.keys("? alerts", "Enter")
			tm.golden("prompt-topic-"+name, "silence")
			tm.keys("get results --", "Tab", "Tab")
			tm.golden("prompt-tabs-"+name, "--limit")
			tm.keys("C-u")
			tm.press("C-l")
			tm.keys("sto", "Tab", "we")
			tm.golden("prompt-typed-"+name, "› stop we")
			tm.keys("C-u", "strat web", "Enter")
			tm.golden("prompt-wrong-"+name, "did you mean start?")
			tm.press("C-l")
			tm.keys("add", "Enter")
			tm.golden("flow-kind-"+name, "add 1/9")
			tm.keys("tcp", "Enter", "nohost", "Enter")
			tm.golden("flow-refused-"+name, `got "nohost"`)
			tm.keys("C-u", target+" from paris", "Enter")
			tm.golden("flow-every-"+name, "add 3/9", "paris ● ok")
			tm.keys("1s", "Enter", "Enter")
			tm.golden("flow-options-"+name, "add 5/9", "within")
			tm.keys("Enter")
			tm.golden("flow-where-"+name, "add 6/9", "● oslo")
			tm.keys("region=eu", "Enter")
			tm.golden("flow-tags-"+name, "add 7/9", "runs on oslo")
			tm.keys("Enter", "shop", "Enter")
			tm.golden("flow-confirm-"+name, "add 9/9")
			tm.keys("Enter")
			tm.golden("flow-done-"+name, "rome         shop running", "1 monitor ·")
			for out := "unknown"; strings.Contains(out, "unknown") || strings.Contains(out, " seen from "); out = netmonDo(t, 0, "get", "monitors", "--broker", url) {
				// until every agent has said that it is up
			}
			tm.press("C-l")
			tm.keys("get monitors", "Enter")
			tm.golden("prompt-get-"+name, "shop")
		})
	}
}

// TestGolden_Dash is what a person sees of the live screen.
func TestGolden_Dash(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		name := size[0] + "x" + size[1]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url, _ := office(t)
			tm := terminal(t, size[0], size[1], "dash", "--broker", url)
			tm.golden("dash-monitors-"+name, "3 monitors: ✕ 1 ● 2", "agents 1/1", "nobody", "1 incident is open")
			tm.press("2")
			tm.golden("dash-matrix-"+name, "[2 matrix]", "home")
			tm.press("?")
			tm.golden("dash-help-"+name, "any other key close")
			tm.press("x", "1", "c")
			tm.golden("dash-columns-"+name, "[1 monitors]", "enter done")
			tm.press("Enter", "/", "w", "e")
			tm.golden("dash-filter-"+name, "1 of 3 monitors")
			tm.press("Enter", "d")
			tm.golden("dash-ask-"+name, "(y/n)")
			tm.press("n", "r")
			tm.golden("dash-refused-"+name, "web runs already")
			tm.press("n")
			tm.golden("dash-new-"+name, "add 1/9")
		})
	}
}
