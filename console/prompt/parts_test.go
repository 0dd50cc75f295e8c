package prompt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"netmon/console"
	"netmon/wire"
)

func TestStream_CountsWhatItDoesNotShow(t *testing.T) {
	s := NewStream(All)
	begin := time.Now()
	s.Take(begin)
	for i := range 10_000 {
		r := wire.Result{Agent: "paris", Monitor: "web", Outcome: wire.OK}
		if i >= 9_900 {
			r.Outcome = wire.Failed
		}
		s.Add(r)
	}
	shown, missed := s.Take(begin.Add(beat))
	if len(shown) != perSecond+badPerSecond || missed.All != 0 {
		t.Errorf("%d shown, %+v missed", len(shown), missed)
	}
	if last := shown[len(shown)-1]; last.Outcome != wire.Failed {
		t.Error("failures are lost among what is ok")
	}
	shown, missed = s.Take(begin.Add(time.Second))
	want := Missed{All: 10_000 - perSecond - badPerSecond, Bad: 100 - badPerSecond}
	if len(shown) != 0 || missed != want {
		t.Errorf("%d shown, %+v missed, want %+v", len(shown), missed, want)
	}
	if text := missed.words(); text != "… 9,955 more results, 85 of them not ok; `results off` hides them" {
		t.Error(text)
	}
	s.Add(wire.Result{Outcome: wire.OK})
	if shown, _ := s.Take(begin.Add(time.Second)); len(shown) != 1 {
		t.Error("the next second shows nothing")
	}
}

func TestStream_Modes(t *testing.T) {
	outcomes := []wire.Outcome{wire.OK, wire.OK, wire.Failed, wire.Failed, wire.Broken, wire.OK}
	for mode, want := range map[Mode]string{All: "012345", Failures: "234", Changes: "0245", Off: ""} {
		s := NewStream(mode)
		for i, o := range outcomes {
			s.Add(wire.Result{Agent: "paris", Monitor: "web", Outcome: o, Seq: uint64(i)})
		}
		shown, _ := s.Take(time.Now())
		got := ""
		for _, r := range shown {
			got += fmt.Sprint(r.Seq)
		}
		if got != want {
			t.Errorf("%s shows %q, want %q", mode, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "history")
	h, err := LoadHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"get agents", "get agents", " secret", "", "start web"} {
		if err := h.Add(line); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	again, err := LoadHistory(path)
	if err != nil || strings.Join(again.lines, ";") != "get agents;start web" {
		t.Errorf("%q %v", again.lines, err)
	}
	if i := again.find("agents", 2); i != 0 || again.find("agents", 0) != -1 {
		t.Errorf("found at %d", i)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x\n", 2*historyMost)+"last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	long, err := LoadHistory(path)
	if err != nil || len(long.lines) != historyMost || long.lines[historyMost-1] != "last" {
		t.Errorf("%d lines, %v", len(long.lines), err)
	}
}

func TestEditor(t *testing.T) {
	for keys, want := range map[string]string{
		"a b|home|x":                 "x|a b",
		"abc|left|left|X":            "aX|bc",
		"abc|backspace|ctrl+h":       "a|",
		"start web|ctrl+w|db":        "start db|",
		"start web|ctrl+a|alt+d|go":  "go| web",
		"one two|alt+b|ctrl+k":       "one |",
		"one two|ctrl+u|x|ctrl+y":    "xone two|",
		"ab|ctrl+a|ctrl+d":           "|b",
		"é●|left|x":                  "éx|●",
		"one|ctrl+left|ctrl+right|!": "one!|",
	} {
		var e editor
		for k := range strings.SplitSeq(keys, "|") {
			if !e.key(k) {
				e.insert(k)
			}
		}
		if got := e.before() + "|" + string(e.text[e.at:]); got != want {
			t.Errorf("%s gives %q, want %q", keys, got, want)
		}
	}
}

// FuzzEditor: whatever is typed, the cursor is in the text and in sight.
func FuzzEditor(f *testing.F) {
	f.Add("start web on paris", 10, 3)
	f.Add("日本語 のテキスト", 8, 4)
	f.Add("\x1b[31mred\x00\u202e", 3, 1)
	f.Fuzz(func(t *testing.T, text string, width, left int) {
		var e editor
		e.insert(text)
		for range left % 200 {
			e.key("left")
		}
		width = 6 + (width&0xff)%200
		view, column := e.view(width)
		if column < 0 || column >= width || ansi.StringWidth(view) > width {
			t.Errorf("%q in %d columns: %q, cursor at %d", text, width, view, column)
		}
		if strings.ContainsAny(view, "\x1b\n\x00") {
			t.Errorf("control characters in %q", view)
		}
	})
}

func TestOutput_HoldsUpWhoIsFasterThanTheTerminal(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	o := newOutput(ctx, console.Styles{})
	line := []byte(strings.Repeat("x", 99) + "\n")
	const lines = 20_000
	go func() {
		for range lines {
			o.Write(line)
		}
		o.Write([]byte("half"))
	}()
	got := 0
	for limit := time.After(time.Minute); got < lines; {
		select {
		case <-limit:
			t.Fatalf("%d lines came", got)
		default:
			got += len(o.drain(false))
		}
	}
	if rest := o.drain(true); got != lines || len(rest) > 1 {
		t.Errorf("%d lines, then %q", got, rest)
	}
	cancel() // who writes on is not held up for ever
	for range 10_000 {
		o.Write(line)
	}
}

func TestPrompt_SaysWhyResultsCannotBeRead(t *testing.T) {
	d := newDesk(t)
	d.m.o.Stream.report(errors.New("no stream"))
	d.beat()
	d.beat()
	d.m.o.Stream.report(nil)
	d.beat()
	said := d.said()
	if strings.Count(said, "cannot be read: no stream") != 1 || strings.Count(said, "can be read again") != 1 {
		t.Errorf("it says %s", said)
	}
}
