package prompt

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/internal/need"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

var update = flag.Bool("update", false, "rewrite the captures of terminals in testdata")

// onScreen makes this test binary a prompt on a terminal, in a mesh that answers everybody
// alike. Its value is the file for the arguments of what was saved last.
const onScreen = "NETMON_TEST_PROMPT"

func TestMain(m *testing.M) {
	if os.Getenv(onScreen) == "" {
		os.Exit(m.Run())
	}
	if _, err := Terminal(context.Background(), screenOptions(os.Getenv(onScreen)), os.Stdin, os.Stdout); err != nil {
		fmt.Println(err)
	}
	time.Sleep(time.Hour) // tmux shows the screen as it was left
}

// screenOptions are of a small mesh. The first measurement of two fails.
func screenOptions(saved string) Options {
	snap := Snapshot{Broker: "10.0.0.7:4222", Address: "nats://10.0.0.7:4222",
		Monitors: []wire.Saved{{Monitor: wire.Monitor{Name: "web"}, Tags: map[string]string{"team": "shop", "env": "prod"}}},
		Agents: []console.Agent{{Alive: wire.Alive{Agent: "oslo", Labels: map[string]string{"region": "eu"}}, Online: true},
			{Alive: wire.Alive{Agent: "paris", Labels: map[string]string{"region": "eu", "tier": "edge"}}, Online: true}, {Alive: wire.Alive{Agent: "tokyo"}}}}
	measured := 0
	return Options{
		Commands: tree(), Look: func() Snapshot { return snap }, Stream: NewStream(Off),
		World: func(s Snapshot) flow.World { return draft.World(kinds.All(), s.Monitors, s.Agents, s.Address) },
		Execute: func(_ context.Context, args []string, out, _ io.Writer) int {
			if args[0] != "probe" {
				if err := os.WriteFile(saved, []byte(strings.Join(args, "\x00")), 0o600); err != nil {
					fmt.Fprintln(out, err)
				}
				fmt.Fprintf(out, "%s saved\n  oslo         running\n  paris        running\n", args[2])
				return 0
			}
			if measured++; measured%2 == 1 {
				fmt.Fprintf(out, "✕ failed  refused: %s does not listen there, and says so in a line that is longer than the terminal\n", args[2])
				return 1
			}
			fmt.Fprintf(out, "● ok  582 µs  connected\n  address: %s\n", args[2])
			return 0
		},
	}
}

// screenTerm is a prompt on a terminal, and beside it the same prompt without one, which
// says what has to be seen.
type screenTerm struct {
	t             *testing.T
	tmux, socket  string
	width, height int
	beside        *desk
	captures      strings.Builder
}

func onTerminal(t *testing.T, width, height int) *screenTerm {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tmux") // short: a socket's path has a limit
	if err != nil {
		t.Fatal(err)
	}
	s := &screenTerm{t: t, tmux: need.Tool(t, "tmux", "tmux"), socket: filepath.Join(dir, "s"), width: width, height: height}
	t.Cleanup(func() {
		s.do("kill-server")
		os.RemoveAll(dir)
	})
	s.do("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "-e", "LANG=C.UTF-8", "-e", onScreen+"="+s.saved(), "--", self)
	s.beside = (&desk{t: t, came: make(chan tea.Msg, 100)}).sit(screenOptions(filepath.Join(dir, "beside")))
	s.beside.send(tea.WindowSizeMsg{Width: width, Height: height})
	s.see("at the start")
	return s
}

// saved is the file with the arguments of what was saved last.
func (s *screenTerm) saved() string { return filepath.Join(filepath.Dir(s.socket), "saved") }

func (s *screenTerm) do(args ...string) string {
	s.t.Helper()
	out, err := exec.Command(s.tmux, append([]string{"-u", "-S", s.socket}, args...)...).CombinedOutput()
	if err != nil && args[0] != "kill-server" {
		s.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// press presses keys as [desk.keys] has them, here and beside, and looks whether the
// screen is as it should be.
func (s *screenTerm) press(keys string) {
	s.t.Helper()
	names := map[string]string{"enter": "Enter", "tab": "Tab", "esc": "Escape", "ctrl+c": "C-c", "ctrl+u": "C-u", "up": "Up"}
	var args []string
	flush := func() {
		if len(args) > 0 {
			s.do(append([]string{"send-keys"}, args...)...)
			args = nil
		}
	}
	for rest := keys; rest != ""; {
		if name, after, ok := strings.Cut(strings.TrimPrefix(rest, "<"), ">"); ok && rest[0] == '<' {
			args, rest = append(args, names[name]), after
			continue
		}
		flush()
		text, _, _ := strings.Cut(rest, "<")
		s.do("send-keys", "-l", text)
		rest = rest[len(text):]
	}
	flush()
	s.beside.keys(keys)
	s.beside.awaitIdle()
	s.see(keys)
}

// see waits until the screen shows what was printed last and the prompt, and nothing else.
func (s *screenTerm) see(after string) {
	s.t.Helper()
	want := s.wanted()
	got := ""
	for limit := time.Now().Add(time.Minute); got != want; time.Sleep(10 * time.Millisecond) {
		if got = trimmed(strings.Split(s.do("capture-pane", "-p"), "\n")); got != want && time.Now().After(limit) {
			s.t.Fatalf("after %q the screen of %dx%d is\n%s\nwant\n%s", after, s.width, s.height, got, want)
		}
	}
	fmt.Fprintf(&s.captures, "══ %s\n%s", after, got)
}

// wanted is the prompt with the last lines that were printed, and above it older ones.
func (s *screenTerm) wanted() string {
	m := *s.beside.m
	above := max(0, len(m.lines)-(m.tall()-shortest)) // of the prompt
	older := m.lines[:above]
	m.lines, m.printing = m.lines[above:], false
	all := slices.Concat(older, strings.Split(m.View().Content, "\n"))
	for i, l := range all {
		all[i] = ansi.Strip(l)
	}
	return trimmed(all[max(0, len(all)-s.height):])
}

// trimmed leaves out blank lines at both ends and spaces at the ends of lines.
func trimmed(lines []string) string {
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}

// golden compares what was captured with testdata.
func (s *screenTerm) golden(name string) {
	s.t.Helper()
	file := filepath.Join("testdata", name+".txt")
	got := s.captures.String()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		s.t.Errorf("%s differs (go test ./console/prompt -run Screen -update, and look at the difference): %v", file, err)
	}
}

// TestScreen_OfEveryStep adds a monitor of each kind, with every mistake on the way. After
// each step the screen has what it should have, and nothing of a step before.
func TestScreen_OfEveryStep(t *testing.T) {
	need.Time(t)
	for _, size := range [][2]int{{80, 24}, {60, 15}} {
		for _, k := range kinds.All() {
			t.Run(fmt.Sprintf("%dx%d %s", size[0], size[1], k.Name), func(t *testing.T) {
				t.Parallel()
				s := onTerminal(t, size[0], size[1])
				for _, keys := range stepsOf(k) {
					s.press(keys)
				}
				if size[0] == 80 {
					s.golden("add-" + k.Name + "-80x24")
				}
			})
		}
	}
}

// stepsOf are the keys that add a monitor of a kind.
func stepsOf(k probes.Kind) []string {
	other := "tcp"
	if k.Name == other {
		other = "icmp"
	}
	steps := []string{"add<enter>", "nothing<enter>", "<ctrl+u><tab>", other + "<enter>", "?<enter>", "<esc>", "<ctrl+u>" + k.Name + "<enter>"}
	if k.Propose == nil {
		steps = append(steps, "<enter>") // there is no default
	}
	steps = append(steps, k.Example+"<enter>", "perhaps<enter>", "<ctrl+u>yes<enter>", "soon<enter>", "<ctrl+u><enter>", "<enter>",
		"more<enter>", "more<enter>", "more<enter>", "nothing 1<enter>", "<ctrl+u><tab>", "? "+draft.FlagName(k.Options[0])+"<enter>")
	for _, o := range k.Options {
		if o.Type == "duration" {
			steps = append(steps, draft.FlagName(o)+" 1s<enter>", "<enter>")
			break
		}
	}
	return append(steps, "a b<enter>", "<ctrl+u>region=eu<enter>", "shop<enter>", "<ctrl+u>team=shop<enter>", "web<enter>",
		"<ctrl+u>a-name-that-is-long-so-that-the-command-needs-a-second-line<enter>", "<enter>")
}

// TestScreen_ACopyOfTheCommandIsWhole copies the command that the screen shows, and pastes
// it into a shell and into the prompt, once as terminals paste and once as if typed.
func TestScreen_ACopyOfTheCommandIsWhole(t *testing.T) {
	need.Time(t)
	s := onTerminal(t, 80, 24)
	long := "https://shop.example.com/" + strings.Repeat("a/long/path/", 9) + "?q=it's"
	for _, keys := range []string{"add https<enter>", long + "<enter>", "yes<enter>", "<enter>", "<enter>",
		`headers 'X-One=a value with spaces that is as long as a line of the terminal is, and longer' expect-status 200-299<enter>`, "<enter>", "<enter>", "team=shop<enter>", "shop<enter>"} {
		s.press(keys)
	}
	want := s.beside.m.flow.Line()
	_, copied, _ := strings.Cut(s.do("capture-pane", "-p"), "\nnetmon ")
	copied, _, _ = strings.Cut(copied, "\nsave and start")
	copied = "netmon " + copied + "\n"
	if strings.Count(copied, "\n") < 4 {
		t.Fatalf("the command is short: %s", s.captures.String())
	}
	sh := exec.Command(need.Tool(t, "sh", "dash"), "-c", `netmon() { printf 'netmon'; printf '\0%s' "$@"; }; `+copied)
	if out, err := sh.CombinedOutput(); err != nil || string(out) != strings.Join(want, "\x00") {
		t.Errorf("a shell reads %q, %v, want %q", out, err, want)
	}
	s.press("no<enter>")
	s.do("set-buffer", copied)
	for _, how := range [][]string{{"-p"}, nil} {
		os.Remove(s.saved())
		s.do(append([]string{"paste-buffer"}, how...)...)
		s.beside.send(tea.PasteMsg{Content: copied})
		s.beside.awaitIdle()
		s.see("pasting")
		if got, err := os.ReadFile(s.saved()); err != nil || string(got) != strings.Join(want[1:], "\x00") {
			t.Errorf("pasted %v the prompt reads %q, %v, want %q", how, got, err, want[1:])
		}
	}
}
