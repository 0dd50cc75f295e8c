package prompt

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"netmon/console"
	"netmon/console/flow"
	"netmon/console/shellwords"
)

// model is the state of the prompt on a terminal. Only bubbletea's loop touches it. It
// looks at streams and commands once a beat.
type model struct {
	o         Options
	ctx       context.Context
	ed        editor
	history   *History
	at        int    // of history; len(lines) is what is being typed
	typed     string // what was being typed before going through history
	search    *search
	flow      *flow.Flow
	refused   string   // why the flow did not take the last answer
	explained []string // the flow's question at length, in place of its list
	current   *execution
	queue     []string  // typed while a command runs
	begun     string    // the line so far, where the one that is typed continues it
	offer     []string  // candidates of completion
	listed    bool      // they were printed
	holding   time.Time // results wait: when a key was last pressed; zero: they stream
	warned    bool      // the next Ctrl-C leaves
	code      int
	troubles  map[console.Part]string // of reading, as printed
	incidents incidents
	ended     bool
	shown     bool // the size is known: what is drawn before that may stay on the screen

	lines     []string // to be printed above the prompt; the last of them stand in it
	printing  bool     // lines are on their way to the terminal
	page      int      // of the list of the flow's question: its first row
	pageAfter int      // the first row of the next page, 0 for none
	format    console.Line
	snap      Snapshot
	now       time.Time
	width     int
	height    int
}

// execution is a command that is being executed.
type execution struct {
	text    string
	args    []string
	since   time.Time
	out     *output
	stop    context.CancelFunc
	stopped bool
	lines   int // that it printed
	done    chan struct{}
}

// show prints what the command has written.
func (r *execution) show(m *model, all bool) {
	lines := r.out.drain(all)
	m.output(lines)
	if r.lines += len(lines); r.lines > longAnswer && m.flow == nil {
		m.hold()
	}
}

type (
	beatMsg    time.Time
	printedMsg struct{}
	backMsg    struct { // from a command that had the terminal
		said string
		err  error
	}
	doneMsg struct {
		of   *execution
		code int
	}
)

const beat = 100 * time.Millisecond

func newModel(ctx context.Context, o Options, h *History) *model {
	m := &model{o: o, ctx: ctx, history: h, at: len(h.lines), width: 80, height: 24, now: time.Now()}
	m.format.Styles = o.Styles
	return m
}

func (m *model) Init() tea.Cmd {
	if m.o.Line == "" {
		return nextBeat()
	}
	m.snap = m.o.Look()
	return tea.Batch(nextBeat(), m.execute(m.o.Line))
}

func nextBeat() tea.Cmd { return tea.Tick(beat, func(t time.Time) tea.Msg { return beatMsg(t) }) }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(20, msg.Width), max(4, msg.Height)
		m.shown = true
	case beatMsg:
		m.beat(time.Time(msg))
		cmd = nextBeat()
	case backMsg:
		if msg.said != "" {
			m.output(strings.Split(strings.TrimSuffix(msg.said, "\n"), "\n"))
		}
		if msg.err != nil {
			m.fail(msg.err)
		}
	case printedMsg:
		m.printing = false
	case doneMsg:
		cmd = m.finished(msg)
	case tea.PasteMsg:
		cmd = m.paste(msg.Content)
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	}
	if m.ended || m.o.Line != "" && m.flow == nil && m.current == nil {
		m.ended = true
		return m, m.last()
	}
	return m, tea.Batch(cmd, m.print())
}

// beat looks at what has changed since the last one.
func (m *model) beat(now time.Time) {
	was := m.snap
	m.now, m.snap, m.shown = now, m.o.Look(), true
	m.printLink(was)
	if m.current != nil {
		m.current.show(m, false)
	}
	if m.o.Log != nil {
		for _, l := range m.o.Log.out.drain(false) {
			m.printLine(console.Printable(l))
		}
	}
	if len(m.lines) > 4*m.height { // the terminal is behind
		return
	}
	m.printTroubles()
	if m.held() && !m.overdue() {
		return
	}
	m.release()
	m.printIncidents()
	results, missed := m.o.Stream.Take(now)
	for _, r := range results {
		m.lines = append(m.lines, cut(m.format.Format(r), m.width))
	}
	if missed.All > 0 {
		m.printLine(m.o.Styles.Dim + missed.words() + m.o.Styles.Reset)
	}
}

// printTroubles prints what can no longer be read, and what can be again.
func (m *model) printTroubles() {
	now := map[console.Part]string{}
	for _, t := range m.snap.Troubles {
		now[t.Part] = t.Err.Error()
	}
	if err := m.o.Stream.Trouble(); err != nil {
		now[console.PartResults] = err.Error()
	}
	for _, part := range []console.Part{console.PartMonitors, console.PartAgents, console.PartIncidents, console.PartResults} {
		text := part.String() + " can be read again"
		if now[part] != "" {
			text = part.String() + " cannot be read: " + now[part]
		}
		if now[part] != m.troubles[part] {
			m.printLine(m.o.Styles.Dim + console.PrintableText(text) + m.o.Styles.Reset)
		}
	}
	m.troubles = now
}

// printLink prints when the broker goes away and comes back.
func (m *model) printLink(was Snapshot) {
	st, is := m.o.Styles, m.snap
	if was.Broker != is.Broker {
		was.Lost = time.Time{}
	}
	switch {
	case is.Lost.IsZero() && was.Never && !was.Lost.IsZero():
		m.printLine(st.OK + "● broker " + is.Broker + " is there" + st.Reset)
	case is.Lost.IsZero() && !was.Lost.IsZero():
		m.printLine(fmt.Sprintf("%s● broker %s is back after %s%s", st.OK, is.Broker, console.Short(m.now.Sub(was.Lost)), st.Reset))
	case !is.Lost.IsZero() && was.Lost.IsZero() && is.Never:
		m.printLine(st.Failed + "✕ no broker at " + is.Address + ": still trying to connect; is `netmon up` or `netmon broker` running there?" + st.Reset)
	case !is.Lost.IsZero() && was.Lost.IsZero():
		m.printLine(st.Failed + "✕ broker " + is.Broker + " is away: reconnecting; agents keep measuring" + st.Reset)
	}
}

func (n Missed) words() string { return "… " + n.count("more result") + "; `results off` hides them" }

// count says how many there are, and how many of them are not ok.
func (n Missed) count(what string) string {
	text := thousands(n.All) + " " + what
	if n.All != 1 {
		text += "s"
	}
	if n.Bad > 0 {
		text += ", " + thousands(n.Bad) + " of them not ok"
	}
	return text
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// submit takes the typed line.
func (m *model) submit() tea.Cmd {
	line := m.ed.String()
	m.ed = editor{cut: m.ed.cut}
	m.offer, m.warned = nil, false
	m.at, m.typed = len(m.history.lines), ""
	if m.flow == nil {
		var more bool
		if line, more = shellwords.Continued(shellwords.Continue(m.begun, line)); more {
			m.begun = line
			return nil
		}
		m.begun = ""
	}
	if m.current != nil {
		if strings.TrimSpace(line) != "" || m.flow != nil {
			m.queue = append(m.queue, line)
		}
		return nil
	}
	return m.execute(line)
}

// execute executes a line.
func (m *model) execute(line string) tea.Cmd {
	m.release()
	if m.flow != nil {
		return m.answer(line)
	}
	if strings.TrimSpace(line) == "" {
		return nil
	}
	m.printLine(m.o.Styles.Dim + "› " + m.o.Styles.Reset + line)
	if err := m.history.Add(line); err != nil {
		m.fail(fmt.Errorf("keep the history: %w", err))
	}
	m.at = len(m.history.lines)
	a, err := parse(line, m.o.Commands)
	if err != nil {
		m.fail(err)
		return nil
	}
	switch a.do {
	case doQuit:
		m.ended = true
	case doHelp:
		return m.help(a.args)
	case doResults:
		m.o.Stream.SetMode(a.mode)
		m.printLine("results: " + string(a.mode))
	case doFlow:
		return m.begin(a.args)
	case doExecute:
		if slices.Contains(m.o.Full, a.args[0]) {
			return m.full(a.args)
		}
		return m.start(a.args)
	}
	return nil
}

// help explains a command, lists the commands of a topic, or all topics.
func (m *model) help(args []string) tea.Cmd {
	text := helpText(m.o.Commands, m.width)
	if len(args) > 0 {
		if text = topicHelp(m.o.Commands, strings.Join(args, " "), m.width); text == nil {
			return m.start(append(args, "--help"))
		}
	}
	m.output(text)
	m.hold()
	return nil
}

// start starts a command. Its end comes as a doneMsg.
func (m *model) start(args []string) tea.Cmd {
	ctx, stop := context.WithCancel(m.ctx)
	r := &execution{text: shellwords.Join(args), args: args, since: m.now, out: newOutput(ctx, m.o.Styles), stop: stop, done: make(chan struct{})}
	m.current = r
	return func() tea.Msg {
		defer stop()
		defer close(r.done)
		return doneMsg{r, m.o.Execute(ctx, args, r.out, r.out)}
	}
}

func (m *model) finished(msg doneMsg) tea.Cmd {
	r := msg.of
	if r != m.current { // nobody waits for it any more
		return nil
	}
	m.current = nil
	r.show(m, true)
	if r.stopped {
		m.printLine("stopped: " + r.text)
		m.release()
	}
	var cmd tea.Cmd
	if m.flow != nil {
		cmd = m.executed(msg.code == 0)
	}
	return tea.Batch(cmd, m.next())
}

// next executes the lines that were typed while a command ran.
func (m *model) next() tea.Cmd {
	var cmds []tea.Cmd
	for m.current == nil && len(m.queue) > 0 && !m.ended {
		line := m.queue[0]
		m.queue = m.queue[1:]
		cmds = append(cmds, m.execute(line))
	}
	return tea.Batch(cmds...)
}

// full hands the terminal to a command and takes it back at its end.
func (m *model) full(args []string) tea.Cmd {
	var said bytes.Buffer
	run := func(w *whole) { m.o.Take(m.ctx, args, w.in, w.out, &said) }
	return tea.Exec(&whole{run: run}, func(err error) tea.Msg { return backMsg{said.String(), err} })
}
