package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/view"
)

// redraw is the shortest time between two drawings that no key asked for.
const redraw = 250 * time.Millisecond

// Actor changes the mesh. Do says in one line what became of it.
type Actor interface {
	Do(ctx context.Context, r Request) (string, error)
	// Take is Do for what needs the terminal: an editor, and questions.
	Take(ctx context.Context, r Request, in io.Reader, out io.Writer) (string, error)
	// Command is the one line that makes the monitor as it is.
	Command(ctx context.Context, monitor string) (string, error)
}

// Model is what is shown: a [console.Model]. It answers at once.
type Model interface {
	Snapshot(q view.Query) view.Snapshot
	Link() console.Link
	Troubles() []console.Trouble
}

// Options of Run.
type Options struct {
	Model  Model
	UI     UI
	Actor  Actor
	Styles Styles
	In     io.Reader
	Out    io.Writer

	width, height int // where Out is no terminal that tells them
}

// ErrInterrupted says that ctrl+c ended the screen.
var ErrInterrupted = errors.New("interrupted")

// Run shows the screen until q or ctrl+c is pressed or ctx ends. It draws at
// most once in 250 ms; a key is answered at once.
func Run(ctx context.Context, o Options) error {
	p := &program{o: o, ctx: ctx, ui: o.UI}
	_, err := tea.NewProgram(p, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithoutSignalHandler(), tea.WithFPS(30),
		tea.WithWindowSize(o.width, o.height)).Run()
	switch {
	case ctx.Err() != nil || p.interrupted:
		return ErrInterrupted
	case err != nil:
		return fmt.Errorf("draw on the terminal: %w", err)
	}
	return nil
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
}

type (
	tickMsg struct{}
	doneMsg struct {
		text string
		copy bool // the text goes to the clipboard
		err  error
	}
)

func (p *program) Init() tea.Cmd { return tick() }

func tick() tea.Cmd { return tea.Tick(redraw, func(time.Time) tea.Msg { return tickMsg{} }) }

func (p *program) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		p.w, p.h = m.Width, m.Height
		p.look()
	case tickMsg:
		p.ui.Hear(p.o.Model)
		p.look()
		return p, tick()
	case tea.PasteMsg:
		p.ui.Type(m.Content)
		p.look()
	case tea.KeyPressMsg:
		e := p.ui.Key(m.String(), p.snap)
		if e.Quit {
			p.interrupted = e.Interrupted
			return p, tea.Quit
		}
		p.look()
		return p, p.perform(e)
	case doneMsg:
		return p, p.done(m)
	}
	return p, nil
}

// look draws the screen anew, and of a screen that is not frozen what is on it.
func (p *program) look() {
	if p.w == 0 {
		return
	}
	if !p.ui.Frozen || p.snap.At.IsZero() {
		p.snap = p.o.Model.Snapshot(p.ui.Query(p.w, p.h))
		p.ui.Took(p.snap)
	}
	p.text = Render(p.snap, p.ui, p.w, p.h, p.o.Styles)
}

func (p *program) perform(e Effect) tea.Cmd {
	name := p.ui.Cursor
	switch {
	case e.Copy == CopyName:
		p.ui.say("copied: " + name)
		p.look()
		return tea.SetClipboard(name)
	case e.Copy == CopyCommand:
		return func() tea.Msg {
			text, err := p.o.Actor.Command(p.ctx, name)
			return doneMsg{text: text, copy: true, err: err}
		}
	case e.Do != nil && e.Do.Verb.takes():
		t := &taken{p: p, of: *e.Do}
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
	p.look()
	return cmd
}

func (p *program) View() tea.View {
	v := tea.NewView(p.text)
	v.AltScreen = true
	v.WindowTitle = "netmon"
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
	t.text, err = t.p.o.Actor.Take(t.p.ctx, t.of, t.in, t.out)
	return err
}

func (t *taken) SetStdin(r io.Reader)  { t.in = r }
func (t *taken) SetStdout(w io.Writer) { t.out = w }
func (t *taken) SetStderr(io.Writer)   {}
