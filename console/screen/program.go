package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/view"
)

// redraw is how often the screen is drawn where no key asks for it.
const redraw = 250 * time.Millisecond

// Actor changes the mesh. Do says in one line what became of it.
type Actor interface {
	Do(ctx context.Context, r Request) (string, error)
	// Take is Do for what needs the terminal: an editor, and questions.
	Take(ctx context.Context, r Request, in io.Reader, out io.Writer) (string, error)
	// Command is the one line that makes the monitor as it is.
	Command(ctx context.Context, monitor string) (string, error)
	// Run carries out a command of the program, and returns what it prints.
	Run(ctx context.Context, args []string) string
}

// Model is what is shown: a [console.Model]. It answers at once.
type Model interface {
	Snapshot(q view.Query) view.Snapshot
	Link() console.Link
	Troubles() []console.Trouble
	Ready() <-chan struct{} // closed when what is stored was read
}

// Options of Run.
type Options struct {
	Model  Model
	UI     UI
	Actor  Actor
	Graph  Grapher // nil: nobody has history
	Past   Player  // what is shown is past; nil: it is now
	Styles Styles
	In     io.Reader
	Out    io.Writer
	Basic  bool // the terminal has no alternate screen, no mouse, no title and no clipboard

	width, height int // where Out is no terminal that tells them
}

// ErrInterrupted says that ctrl+c ended the screen.
var ErrInterrupted = errors.New("interrupted")

// Run shows the screen until q or ctrl+c is pressed or ctx ends. It draws at
// most once in 250 ms; a key is answered at once.
func Run(ctx context.Context, o Options) error {
	if o.Basic {
		o.UI.Mouse = false
	}
	p := &program{o: o, ctx: ctx, ui: o.UI}
	out := o.Out
	if o.Basic {
		p.basic = &basicScreen{out: o.Out}
		if out = io.Discard; isFile(o.Out) {
			out = silent{o.Out.(*os.File)}
		}
	}
	p.hear()
	_, err := tea.NewProgram(p, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(30),
		tea.WithWindowSize(o.width, o.height)).Run()
	if p.basic != nil {
		err = errors.Join(err, p.failed, p.basic.leave())
	}
	switch {
	case ctx.Err() != nil || p.interrupted:
		return ErrInterrupted
	case err != nil:
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
}

func isFile(w io.Writer) bool {
	_, ok := w.(*os.File)
	return ok
}

// program is the bubbletea model: it owns all that it holds, and only its
// Update changes it.
type program struct {
	o           Options
	ctx         context.Context
	ui          UI
	snap        view.Snapshot
	w, h        int
	text        string
	interrupted bool
	basic       *basicScreen // draws instead of bubbletea; nil on later terminals
	failed      error        // of drawing

	graphing bool      // history is being asked
	graphed  graphKey  // what it was asked last
	graphTo  time.Time // until when
}

type (
	tickMsg struct{}
	doneMsg struct {
		text string
		copy bool // the text goes to the clipboard
		err  error
	}
	outputMsg struct{ text string }
	graphMsg  struct{ graphed }
)

func (p *program) Init() tea.Cmd { return tick() }

func tick() tea.Cmd { return tea.Tick(redraw, func(time.Time) tea.Msg { return tickMsg{} }) }

func (p *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.w, p.h = m.Width, m.Height
		p.refresh()
	case tickMsg:
		p.hear()
		p.refresh()
		return p, tea.Batch(tick(), p.askGraph())
	case graphMsg:
		p.graphing, p.ui.Graph = false, m.graphed
		p.refresh()
		return p, p.askGraph()
	case tea.PasteMsg:
		p.ui.Type(m.Content)
		p.refresh()
	case tea.KeyPressMsg:
		return p, p.act(p.ui.Key(m.String(), p.snap))
	case tea.MouseClickMsg:
		if m.Button == tea.MouseLeft {
			return p, p.act(p.ui.Click(m.X, m.Y, p.snap, p.w, p.h))
		}
	case tea.MouseWheelMsg:
		if m.Button == tea.MouseWheelUp || m.Button == tea.MouseWheelDown {
			p.ui.Wheel(m.Button == tea.MouseWheelUp, p.snap)
			p.refresh()
		}
	case outputMsg:
		p.ui.say("")
		p.ui.Output, p.ui.Scroll = strings.Split(strings.TrimRight(console.PrintableText(m.text), "\n"), "\n"), 0
		p.refresh()
	case doneMsg:
		return p, p.done(m)
	}
	return p, nil
}

// act does what a key or a click asks for.
func (p *program) act(e Effect) tea.Cmd {
	if e.Quit {
		p.interrupted = e.Interrupted
		return tea.Quit
	}
	if past := p.o.Past; past != nil && (e.Pause || e.Step != 0) {
		if e.Pause {
			past.Pause()
		} else {
			past.Step(e.Step)
		}
		p.hear()
	}
	p.refresh()
	return tea.Batch(p.askGraph(), p.perform(e))
}

// refresh draws the screen again, with a new snapshot unless it is frozen.
func (p *program) refresh() {
	if p.w == 0 {
		return
	}
	if !p.ui.Frozen || p.snap.At.IsZero() {
		p.snap = p.o.Model.Snapshot(p.ui.Query(p.w, p.h))
		p.ui.Took(p.snap, p.h)
	}
	p.text = Render(p.snap, p.ui, p.w, p.h, p.o.Styles)
	if p.basic != nil && p.failed == nil {
		p.failed = p.basic.draw(p.text)
	}
}

func (p *program) perform(e Effect) tea.Cmd {
	name := p.ui.Cursor
	switch {
	case e.Copy != CopyNothing && p.o.Basic:
		p.ui.refuse("this terminal has no clipboard")
		p.refresh()
	case len(e.Run) > 0:
		p.ui.say(strings.Join(e.Run, " ") + " …")
		p.refresh()
		return func() tea.Msg { return outputMsg{p.o.Actor.Run(p.ctx, e.Run)} }
	case e.Copy == CopyName:
		p.ui.say("copied: " + name)
		p.refresh()
		return tea.SetClipboard(name)
	case e.Copy == CopyCommand:
		return func() tea.Msg {
			text, err := p.o.Actor.Command(p.ctx, name)
			return doneMsg{text: text, copy: true, err: err}
		}
	case e.Do != nil && e.Do.Verb.takes():
		t := &taken{p: p, of: *e.Do}
		if p.basic != nil {
			t.out = p.o.Out
		}
		return tea.Exec(t, func(err error) tea.Msg { return doneMsg{text: t.text, err: err} })
	case e.Do != nil:
		r := *e.Do
		return func() tea.Msg {
			text, err := p.o.Actor.Do(p.ctx, r)
			return doneMsg{text: text, err: err}
		}
	}
	return nil
}

func (p *program) done(m doneMsg) tea.Cmd {
	var cmd tea.Cmd
	switch {
	case m.err != nil:
		p.ui.refuse(m.err.Error())
	case m.copy:
		p.ui.say("copied: " + m.text)
		cmd = tea.SetClipboard(m.text)
	default:
		p.ui.say(m.text)
	}
	p.refresh()
	return cmd
}

func (p *program) View() tea.View {
	v := tea.NewView(p.text)
	v.AltScreen = true
	v.WindowTitle = "netmon"
	if p.ui.Mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// taken is a request that has the terminal while it lasts.
type taken struct {
	p    *program
	of   Request
	in   io.Reader
	out  io.Writer
	text string
}

func (t *taken) Run() (err error) {
	if t.p.basic != nil {
		if err := t.p.basic.leave(); err != nil {
			return err
		}
	}
	t.text, err = t.p.o.Actor.Take(t.p.ctx, t.of, t.in, t.out)
	return err
}

func (t *taken) SetStdin(r io.Reader) { t.in = r }
func (t *taken) SetStderr(io.Writer)  {}

func (t *taken) SetStdout(w io.Writer) {
	if t.out == nil {
		t.out = w
	}
}
