package prompt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/flow"
	"netmon/internal/timetext"
	"netmon/wire"
)

// desk is a prompt without a terminal: keys go into its model, and what it
// prints stays in its lines.
type desk struct {
	t    *testing.T
	m    *model
	came chan tea.Msg // from commands
	ran  []string
	snap Snapshot // what is known
	// run is what commands do; the default succeeds at once.
	run func(ctx context.Context, args []string, out io.Writer) int
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, came: make(chan tea.Msg, 100), snap: Snapshot{Broker: "there:4222", Address: "nats://there:4222",
		Monitors: []wire.Saved{{Monitor: wire.Monitor{Name: "web"}}}, Agents: []console.Agent{{Alive: wire.Alive{Agent: "paris"}, Online: true}}}}
	o := Options{
		Commands: tree(), Look: func() Snapshot { return d.snap }, Stream: NewStream(All),
		World: func(Snapshot) flow.World {
			return flow.World{
				Usual: "https",
				Kinds: []flow.Kind{{Name: "tcp", Doc: "connects", Target: "HOST:PORT", Example: "h:1", Propose: "h:1"}, {Name: "https", Doc: "asks", Target: "URL", Example: "https://h/", Propose: "https://h/"}},
				Check: func(flow.Draft) error { return nil }, Name: func(kind, target string) string { return kind },
			}
		},
		Execute: func(ctx context.Context, args []string, out, errs io.Writer) int {
			d.ran = append(d.ran, strings.Join(args, " "))
			if d.run != nil {
				return d.run(ctx, args, out)
			}
			return 0
		},
	}
	return d.sit(o)
}

// sit gives a desk its prompt.
func (d *desk) sit(o Options) *desk {
	d.t.Helper()
	h, err := LoadHistory("")
	if err != nil {
		d.t.Fatal(err)
	}
	d.m = newModel(d.t.Context(), o, h)
	d.m.printing = true // lines stay where the test can read them
	d.beat()
	return d
}

func (d *desk) beat() { d.m.beat(time.Now()) }

// send gives one message to the model and starts what it wants done.
func (d *desk) send(msg tea.Msg) {
	_, cmd := d.m.Update(msg)
	d.start(cmd)
}

func (d *desk) start(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				d.start(c)
			}
		case doneMsg:
			d.came <- msg
		}
	}()
}

// awaitIdle waits until the command that runs has ended.
func (d *desk) awaitIdle() {
	d.t.Helper()
	for d.m.current != nil {
		select {
		case msg := <-d.came:
			d.send(msg)
		case <-time.After(time.Minute):
			d.t.Fatalf("%s does not end", d.m.current.text)
		}
	}
}

// keys presses keys: a word in < > is a key's name, all else is typed.
func (d *desk) keys(text string) {
	special := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "tab": {Code: tea.KeyTab}, "esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown},
		"ctrl+c": {Code: 'c', Mod: tea.ModCtrl}, "ctrl+d": {Code: 'd', Mod: tea.ModCtrl}, "ctrl+r": {Code: 'r', Mod: tea.ModCtrl}, "left": {Code: tea.KeyLeft}, "ctrl+u": {Code: 'u', Mod: tea.ModCtrl},
	}
	for text != "" {
		if name, rest, ok := strings.Cut(strings.TrimPrefix(text, "<"), ">"); ok && text[0] == '<' {
			d.send(special[name])
			text = rest
			continue
		}
		r := []rune(text)[0]
		d.send(tea.KeyPressMsg{Code: r, Text: string(r)})
		text = text[len(string(r)):]
	}
}

func (d *desk) said() string { return strings.Join(d.m.lines, "\n") }
func (d *desk) view() string { return d.m.View().Content }

func (d *desk) want(where, text string, words ...string) {
	d.t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			d.t.Errorf("%s lacks %q:\n%s", where, w, text)
		}
	}
}

func TestPrompt_RunsWhatIsTyped(t *testing.T) {
	d := newDesk(t)
	d.run = func(_ context.Context, args []string, out io.Writer) int {
		fmt.Fprintln(out, "told paris")
		return 0
	}
	d.keys("sop<left><left>t<enter>") // a key in the middle
	d.awaitIdle()
	d.keys("stpo web<enter>")
	d.want("what is said", d.said(), `unknown command "stpo": did you mean stop?`)
	d.keys("sta<tab>w<tab>on par<tab><enter>")
	d.awaitIdle()
	if got := strings.Join(d.ran, ";"); got != "stop;start web --on paris" {
		t.Errorf("ran %q", got)
	}
	d.want("what is said", d.said(), "› start web on paris", "told paris")
	d.want("the view", d.view(), "● there:4222 ›", "1 monitor · 1 agent · results on ("+timetext.Zone(time.Now())+") · Tab completes")
}

func TestPrompt_CtrlCStopsTheCommandNotThePrompt(t *testing.T) {
	d := newDesk(t)
	began := make(chan struct{}, 1)
	d.run = func(ctx context.Context, args []string, out io.Writer) int {
		began <- struct{}{}
		<-ctx.Done()
		return 130
	}
	d.keys("watch<enter>")
	<-began
	d.want("the view", d.view(), "running watch", "Ctrl-C stops it")
	d.keys("get monitors<enter>")
	d.want("the view", d.view(), "1 typed for later")
	d.keys("half a li<ctrl+c>")
	d.awaitIdle()
	d.want("what is said", d.said(), "stopped: watch", "typed meanwhile, not run: get monitors")
	if d.m.ended || d.m.ed.String() != "half a li" {
		t.Errorf("ended %v, typed %q", d.m.ended, d.m.ed.String())
	}
	d.keys("<ctrl+c>")
	if d.m.ed.String() != "" || d.m.ended {
		t.Error("Ctrl-C does not clear the line")
	}
	d.keys("<ctrl+c>")
	d.want("what is said", d.said(), "Ctrl-C again")
	d.keys("<ctrl+c>")
	if !d.m.ended || d.m.code != 130 {
		t.Errorf("ended %v with %d", d.m.ended, d.m.code)
	}
}

func TestPrompt_LeavesACommandThatDoesNotStopAlone(t *testing.T) {
	d := newDesk(t)
	began, end := make(chan struct{}, 1), make(chan struct{})
	d.run = func(context.Context, []string, io.Writer) int {
		began <- struct{}{}
		<-end
		return 0
	}
	d.keys("watch<enter>")
	<-began
	d.keys("<ctrl+c><ctrl+c>")
	if d.m.current != nil {
		t.Fatal("it is waited for")
	}
	close(end)
	d.send(<-d.came) // too late, and no harm
	d.run = nil
	d.keys("get monitors<enter>")
	d.awaitIdle()
	if len(d.ran) != 2 {
		t.Errorf("ran %q", d.ran)
	}
}

func TestPrompt_KeepsWhatIsTypedWhileACommandRuns(t *testing.T) {
	d := newDesk(t)
	end := make(chan struct{})
	d.run = func(context.Context, []string, io.Writer) int { <-end; return 0 }
	d.keys("start web<enter>stop web<enter>get mon")
	d.send(tea.PasteMsg{Content: "itors\nget monitor web\nhalf"})
	close(end)
	d.awaitIdle()
	if got := strings.Join(d.ran, "; "); got != "start web; stop web; get monitors; get monitor web" {
		t.Errorf("ran %q", got)
	}
	if d.m.ed.String() != "half" {
		t.Errorf("the line is %q", d.m.ed.String())
	}
}

func TestPrompt_SaysThatTheBrokerIsLost(t *testing.T) {
	d := newDesk(t)
	d.keys("start w")
	d.snap.Lost = time.Now()
	d.beat()
	d.want("what is said", d.said(), "✕ broker there:4222 is away")
	d.want("the view", d.view(), "✕ there:4222 › start w", "reconnecting")
	d.snap.Lost = time.Time{}
	d.beat()
	d.want("what is said", d.said(), "● broker there:4222 is back after")
	d.want("the view", d.view(), "● there:4222 › start w", "1 monitor")
}

func TestPrompt_SaysWhatCannotBeRead(t *testing.T) {
	d := newDesk(t)
	d.snap.Troubles = []console.Trouble{{Part: console.PartAgents, Err: errors.New("no stream")}}
	d.beat()
	d.beat()
	d.want("what is said", d.said(), "the agents cannot be read: no stream")
	d.snap.Troubles = nil
	d.beat()
	d.want("what is said", d.said(), "the agents can be read again")
}

func TestPrompt_HistoryAndSearch(t *testing.T) {
	d := newDesk(t)
	d.keys("get monitors<enter>")
	d.awaitIdle()
	d.keys("start web<enter>")
	d.awaitIdle()
	d.keys("half<up><up>")
	if got := d.m.ed.String(); got != "get monitors" {
		t.Errorf("up and up: %q", got)
	}
	d.keys("<down><down>")
	if got := d.m.ed.String(); got != "half" {
		t.Errorf("what was being typed is %q", got)
	}
	d.keys("<ctrl+r>mon")
	d.want("the view", d.view(), "search mon", "get monitors")
	d.keys("<enter>")
	d.awaitIdle()
	if got := d.ran[len(d.ran)-1]; got != "get monitors" {
		t.Errorf("the search ran %q", got)
	}
}

func TestPrompt_AddsStepByStep(t *testing.T) {
	d := newDesk(t)
	d.run = func(_ context.Context, args []string, out io.Writer) int {
		fmt.Fprintln(out, args[0]+" it is")
		return 0
	}
	d.keys("add<enter>")
	d.want("the view", d.view(), "add 1/9 kind", "tcp    connects", "kind [https] ›")
	d.keys("tcpp<enter>")
	d.want("the view", d.view(), `✕ kind: unknown kind "tcpp"`, "kind [https] › tcpp")
	d.keys("<ctrl+c>t<tab><enter>")
	d.keys("db:1<enter>")
	d.awaitIdle()
	d.want("the view", d.view(), "add 3/9 every")
	d.want("what is said", d.said(), "probe it is")
	d.keys("<esc>")
	d.want("the view", d.view(), "add 2/9 target", "target [db:1] ›")
	d.keys("<enter>")
	d.awaitIdle()
	d.keys("<enter><enter><enter><enter><enter><enter>")
	d.want("the view", d.view(), "add 9/9", "netmon add tcp db:1 --name tcp")
	d.keys("<enter>")
	d.awaitIdle()
	if got := strings.Join(d.ran, "; "); got != "probe tcp db:1; probe tcp db:1; add tcp db:1 --name tcp" || d.m.flow != nil {
		t.Errorf("ran %q", got)
	}
	d.want("what is said", d.said(), "the same as a command:\nnetmon add tcp db:1 --name tcp", "add it is")
	if h := d.m.history.lines; h[len(h)-1] != "add tcp db:1 --name tcp" {
		t.Errorf("history %q", h)
	}
	d.keys("add<enter><ctrl+c>")
	d.want("what is said", d.said(), "nothing is saved")
	if d.m.flow != nil || d.m.ended {
		t.Error("Ctrl-C does not leave the flow alone")
	}
}

// TestView_FitsTheTerminal looks at every state in small terminals.
func TestView_FitsTheTerminal(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {40, 12}, {20, 6}, {200, 60}} {
		d := newDesk(t)
		d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for _, keys := range []string{"", "get <tab>", strings.Repeat("long ", 60), "<ctrl+c>add<enter>", "nonsense<enter>", "<ctrl+c><enter>", "<enter>", "<enter>", "<enter>", "<enter>", "<enter>", "<enter>"} {
			d.keys(keys)
			d.awaitIdle()
			v := d.m.View()
			lines := strings.Split(v.Content, "\n")
			if len(lines) > max(size[1], 8) {
				t.Errorf("%v after %q: %d lines", size, keys, len(lines))
			}
			for i, l := range lines {
				if w := width(l); w > size[0] {
					t.Errorf("%v after %q: line %d has %d columns: %s", size, keys, i, w, l)
				}
			}
			if v.Cursor == nil || v.Cursor.X >= size[0] || v.Cursor.Y >= len(lines) {
				t.Errorf("%v after %q: cursor at %+v", size, keys, v.Cursor)
			}
		}
	}
}
