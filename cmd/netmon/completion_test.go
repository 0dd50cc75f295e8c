package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// meshToComplete has two monitors and a configuration; its address is NETMON_BROKER.
func meshToComplete(t *testing.T) {
	t.Helper()
	b := natstest.Start(t)
	cl, err := console.Connect(func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(b.URL(), o...) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	store, err := cl.Monitors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []wire.Saved
	for _, name := range []string{"webshop", "gateway"} {
		m := wire.Saved{Monitor: wire.Monitor{Name: name, Kind: "tcp", Target: "h:1"}, Tags: map[string]string{"team": "shop"}}
		if _, err := store.Save(t.Context(), m, "added"); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	settings, err := cl.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []wire.Setting{&wire.Channel{Name: "hook", Kind: "webhook"}, &wire.Channel{Name: "mail", Kind: "mail"}, &wire.NoticeRule{Name: "all", To: []string{"hook"}}, &wire.Group{Name: "store", Of: []string{"webshop"}},
		&wire.Window{Name: "night", Weekly: "Sun 02:00-04:00"}, &wire.Silence{ID: "k3v7", From: time.Now(), Until: time.Now().Add(time.Hour)}} {
		if _, err := settings.Save(t.Context(), x, "applied"); err != nil {
			t.Fatal(err)
		}
	}
	sets, err := cl.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sets.Save(t.Context(), "office", console.Wanted{Monitors: all}, console.Set{}); err != nil {
		t.Fatal(err)
	}
	nc := natstest.Connect(t, b)
	for _, a := range []wire.Alive{{Agent: "paris", Labels: map[string]string{"region": "eu"}}, {Agent: "tokyo", Labels: map[string]string{"region": "asia"}}, {Agent: "rome", Leaving: true}} {
		js := natstest.JetStream(t, nc)
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := js.Publish(t.Context(), "agent."+a.Agent+".alive", data); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("NETMON_BROKER", b.URL())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
}

// completions are what is offered for each command line. A shell is asked for
// those that try its own ways with words.
var completions = []struct {
	line string
	want string // of the first words, by spaces
}{
	{"netmon hist", "history"},
	{"netmon expl", "explain"},
	{"netmon explain w", "webshop"},
	{"netmon get verd", "verdicts"},
	{"netmon get channels h", "hook"},
	{"netmon edit channel ", "hook mail"},
	{"netmon delete channel hook ", "mail"},
	{"netmon delete w", "window webshop"},
	{"netmon silence --tag ", "team=shop"},
	{"netmon silence --severity down", "down"},
	{"netmon silence end ", "k3v7"},
	{"netmon get monitors --tag=t", "--tag=team=shop"},
	{"netmon get verdicts w", "webshop"},
	{"netmon get verdicts --agent p", "paris"},
	{"netmon get monitor", "monitors monitor"},
	{"netmon get monitors -o ", "table wide json yaml ndjson csv name"},
	{"netmon get monitors --output=c", "--output=csv"},
	{"netmon get monitors --out", "--output"},
	{"netmon add https example.com --expect-st", "--expect-status"},
	{"netmon add tc", "tcp"},
	{"netmon start w", "webshop"},
	{"netmon start webshop ", "gateway"},
	{"netmon history --broker=nats://127.0.0.1:1 ", "channel rule window group silence"},
	{"netmon start gateway --on paris,to", "paris,tokyo"},
	{"netmon start gateway --on region=", "region=asia region=eu"},
	{"netmon watch --agent pa", "paris"},
	{"netmon config use of", "office"},
	{"netmon agents forget ", "rome"},
	{"netmon apply -f ", ":files"},
	{"netmon completion z", "zsh"},
	{"netmon start 'we", "webshop"},
	{"netmon ack --tag ", "team=shop"},
	{"netmon diff --monitor w", "webshop"},
	{"netmon history --tag=t", "--tag=team=shop"},
	{"netmon get incidents w", "webshop"},
	{"netmon add tcp h:1 --family ", "4 6 any"},
	{"netmon probe https h --http-version=", "--http-version=1.1 --http-version=2 --http-version=any"},
	{"netmon add dns h --type M", "MX"},
	{"netmon set webshop fam", "family="},
	{"netmon set webshop family=", "family=4 family=6 family=any"},
	{"netmon set w", "webshop"},
	{"netmon rollback webshop --to ", "1"},
	{"netmon nothing ", ""},
	{"netmon get results -- ga", "gateway"},
}

var shellLines = []string{"netmon hist", "netmon get monitors -o ", "netmon get monitors --output=c", "netmon start gateway --on paris,to",
	"netmon start gateway --on region=", "netmon apply -f ", "netmon start 'we", "netmon nothing "}

func TestComplete(t *testing.T) {
	meshToComplete(t)
	for _, c := range completions {
		eventually(t, c.line, c.want, func() string {
			var out, errs bytes.Buffer
			if code := execute(t.Context(), []string{"netmon", completeWord, "--line", c.line}, nil, &out, &errs); code != 0 || errs.Len() > 0 {
				t.Errorf("%q: exit %d, %s", c.line, code, errs.String())
			}
			return firstWords(out.String())
		})
	}
}

// TestComplete_GivesUpSoon asks a broker that takes the connection and says nothing.
func TestComplete_GivesUpSoon(t *testing.T) {
	l := silent(t)
	t.Setenv("NETMON_BROKER", "nats://"+l)
	begin := time.Now()
	var out, errs bytes.Buffer
	code := execute(t.Context(), []string{"netmon", completeWord, "start", ""}, nil, &out, &errs)
	if took := time.Since(begin); code != 0 || out.Len()+errs.Len() > 0 || took > 2*time.Second {
		t.Errorf("exit %d after %v: %s%s", code, took, out.String(), errs.String())
	}
}

// firstWords leaves the meanings out.
func firstWords(lines string) string {
	var words []string
	for line := range strings.Lines(lines) {
		word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// eventually repeats what has to be done within a person's patience, on a
// machine that may be busy.
func eventually(t *testing.T, what, want string, got func() string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if last = got(); last == want {
			return
		}
	}
	t.Errorf("%s: %q, want %q", what, last, want)
}

// TestCompletion_Bash calls the function that bash calls, as bash does.
func TestCompletion_Bash(t *testing.T) {
	bash := need.Tool(t, "bash", "bash")
	meshToComplete(t)
	for _, c := range completions {
		if !slices.Contains(shellLines, c.line) {
			continue
		}
		want := c.want
		if i := strings.LastIndexAny(c.line, "=: "); c.line[i] != ' ' && want != "" { // what bash completes is behind it
			word := c.line[strings.LastIndex(c.line, " ")+1 : i+1]
			want = strings.ReplaceAll(want, word, "")
		}
		if want == cmdline.CompleteFiles {
			want = ""
		}
		script := `eval "$(netmon completion bash)"; complete -p netmon >/dev/null || exit 1
COMP_LINE=$1 COMP_POINT=${#1}; _netmon netmon; echo "${COMPREPLY[*]}"`
		eventually(t, c.line, want, func() string {
			out, err := exec.Command(bash, "--norc", "-c", script, "bash", c.line).Output()
			if err != nil {
				t.Fatalf("%s: %v", c.line, err)
			}
			return strings.TrimSpace(string(out))
		})
	}
}

func TestCompletion_Fish(t *testing.T) {
	fish := need.Tool(t, "fish", "fish")
	meshToComplete(t)
	for _, c := range completions {
		if !slices.Contains(shellLines, c.line) || c.want == cmdline.CompleteFiles || strings.Contains(c.line, "'") || c.line == "netmon nothing " {
			continue // fish offers its own there
		}
		want := strings.Fields(c.want)
		slices.Sort(want)
		eventually(t, c.line, strings.Join(want, " "), func() string {
			cmd := exec.Command(fish, "--no-config", "-c", "netmon completion fish | source; complete -C $argv[1]", c.line)
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v", c.line, err)
			}
			words := strings.Fields(firstWords(string(out)))
			slices.Sort(words)
			return strings.Join(words, " ")
		})
	}
}

// TestCompletion_Typed presses Tab in shells on a terminal.
func TestCompletion_Typed(t *testing.T) {
	meshToComplete(t)
	for name, start := range map[string][]string{
		"bash": {"bash", "--norc", "-c", `exec bash --rcfile <(echo 'PS1="$ "; eval "$(netmon completion bash)"')`},
		"zsh":  {"zsh", "-f"},
		"fish": {"fish", "--no-config"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "bash" {
				need.Tool(t, name, name)
			}
			term := onTerminal(t, start...)
			switch name {
			case "zsh":
				term.line(`PS1="$ "; autoload -U compinit; compinit -u -D; eval "$(netmon completion zsh)"; echo re''ady`)
			case "fish":
				term.line(`netmon completion fish | source; echo re''ady`)
			default:
				term.line("echo re''ady")
			}
			term.see("ready")
			term.do("send-keys", "-l", "netmon hist\t")
			term.see("netmon history")
			// Names come within a person's patience, or not at all: press again.
			term.do("send-keys", "-l", "web")
			for end := time.Now().Add(time.Minute); !strings.Contains(term.screen(), "netmon history webshop"); time.Sleep(500 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("no name in\n%s", term.screen())
				}
				term.do("send-keys", "-l", "\t")
			}
		})
	}
}
