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
	"netmon/console/words"
)

// model is the state of the prompt on a terminal. Only bubbletea's loop
// touches it; streams and commands are looked at once a beat.
type model struct {
	o         Options
	ctx       context.Context
	ed        editor
	history   *History
	at        int    // of history; len(lines) is what is being typed
	typed     string // what was being typed before going through history
	search    *search
	flow      *flow.Flow
	refused   string // why the flow did not take the last answer
	came      string // the last word of what was measured for the flow
	running   *running
	queue     []string // typed while a command runs
	offer     []string // candidates of completion
	warned    bool     // the next Ctrl-C leaves
	code      int
	troubles  map[console.Part]string // of reading, as they were told
	incidents incidents
	ended     bool
	shown     bool // not before the size is known: what is drawn before a resize may stay behind

	lines    []string // to be printed above the prompt
	printing bool
	inner    []string // the last of them, where the prompt was taller before
	tall     int      // lines of the prompt when it was tallest
	format   console.Line
	snap     Snapshot
	now      time.Time
	width    int
	height   int
}

// running is a command that runs.
type running struct {
	text    string
	args    []string
	since   time.Time
	out     *output
	stop    context.CancelFunc
	stopped bool
	last    string // line of what it printed
	done    chan struct{}
}

// show prints what the command has written, and returns its last line so far.
func (r *running) show(m *model, all bool) string {
	lines := r.out.take(all)
	m.output(lines)
	for _, l := range lines {
		if strings.TrimSpace(l) != "" {
			r.last = l
		}
	}
	return r.last
}

type (
	beatMsg    time.Time
	printedMsg struct{}
	backMsg    struct { // from a command that had the terminal
		said string
		err  error
	}
	doneMsg struct {
		of   *running
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
	return tea.Batch(nextBeat(), m.take(m.o.Line))
}

func nextBeat() tea.Cmd { return tea.Tick(beat, func(t time.Time) tea.Msg { return beatMsg(t) }) }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(20, msg.Width), max(4, msg.Height)
		m.tall = min(m.tall, m.height)
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
	if m.ended || m.o.Line != "" && m.flow == nil && m.running == nil {
		m.ended = true
		return m, m.last()
	}
	return m, tea.Batch(cmd, m.print())
}

// beat looks at what came meanwhile.
func (m *model) beat(now time.Time) {
	was := m.snap
	m.now, m.snap, m.shown = now, m.o.Look(), true
	m.tellLink(was)
	if m.running != nil {
		m.came = m.running.show(m, false)
	}
	if m.o.Log != nil {
		for _, l := range m.o.Log.out.take(false) {
			m.say(console.Printable(l))
		}
	}
	if len(m.lines) > 4*m.height { // the terminal is behind
		return
	}
	m.tellTroubles()
	m.tellIncidents()
	results, missed := m.o.Stream.Take(now)
	for _, r := range results {
		m.lines = append(m.lines, cut(m.format.Format(r), m.width))
	}
	if missed.All > 0 {
		m.say(m.o.Styles.Dim + missed.words() + m.o.Styles.Reset)
	}
}

// tellTroubles says what cannot be read any more, and what can be again.
func (m *model) tellTroubles() {
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
			m.say(m.o.Styles.Dim + console.PrintableText(text) + m.o.Styles.Reset)
		}
	}
	m.troubles = now
}

// tellLink says what has become of the broker.
func (m *model) tellLink(was Snapshot) {
	st, is := m.o.Styles, m.snap
	if was.Broker != is.Broker {
		was.Lost = time.Time{}
	}
	switch {
	case is.Lost.IsZero() && was.Never && !was.Lost.IsZero():
		m.say(st.OK + "● broker " + is.Broker + " is there" + st.Reset)
	case is.Lost.IsZero() && !was.Lost.IsZero():
		m.say(fmt.Sprintf("%s● broker %s is back after %s%s", st.OK, is.Broker, console.Short(m.now.Sub(was.Lost)), st.Reset))
	case !is.Lost.IsZero() && was.Lost.IsZero() && is.Never:
		m.say(st.Failed + "✕ no broker at " + is.Address + ": connecting again and again; is `netmon up` or `netmon broker` running there?" + st.Reset)
	case !is.Lost.IsZero() && was.Lost.IsZero():
		m.say(st.Failed + "✕ broker " + is.Broker + " is away: reconnecting; agents measure on" + st.Reset)
	}
}

func (n Missed) words() string {
	text := "… " + thousands(n.All) + " more results"
	if n.Bad > 0 {
		text += ", " + thousands(n.Bad) + " of them not ok"
	}
	return text + "; `results off` is quiet"
}

func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// submit takes what was typed.
func (m *model) submit() tea.Cmd {
	line := m.ed.String()
	m.ed = editor{cut: m.ed.cut}
	m.offer, m.warned = nil, false
	m.at, m.typed = len(m.history.lines), ""
	if m.running != nil {
		if strings.TrimSpace(line) != "" || m.flow != nil {
			m.queue = append(m.queue, line)
		}
		return nil
	}
	return m.take(line)
}

// take carries out a line.
func (m *model) take(line string) tea.Cmd {
	if m.flow != nil {
		return m.answer(line)
	}
	if strings.TrimSpace(line) == "" {
		return nil
	}
	m.say(m.o.Styles.Dim + "› " + m.o.Styles.Reset + line)
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
		if len(a.args) > 0 {
			return m.run(append(a.args, "--help"))
		}
		m.output(help(m.o.Commands))
	case doResults:
		m.o.Stream.SetMode(a.mode)
		m.say("results: " + string(a.mode))
	case doFlow:
		return m.begin(a.args)
	case doRun:
		if slices.Contains(m.o.Full, a.args[0]) {
			return m.full(a.args)
		}
		return m.run(a.args)
	}
	return nil
}

// run starts a command. Its end comes as a doneMsg.
func (m *model) run(args []string) tea.Cmd {
	ctx, stop := context.WithCancel(m.ctx)
	r := &running{text: words.Join(args), args: args, since: m.now, out: newOutput(ctx, m.o.Styles), stop: stop, done: make(chan struct{})}
	m.running = r
	return func() tea.Msg {
		defer stop()
		defer close(r.done)
		return doneMsg{r, m.o.Run(ctx, args, r.out, r.out)}
	}
}

func (m *model) finished(msg doneMsg) tea.Cmd {
	r := msg.of
	if r != m.running { // it was left alone before
		return nil
	}
	m.running = nil
	m.came = r.show(m, true)
	if r.stopped {
		m.say("stopped: " + r.text)
	}
	var cmd tea.Cmd
	if m.flow != nil {
		cmd = m.ran(msg.code == 0)
	}
	return tea.Batch(cmd, m.next())
}

// next takes what was typed while a command ran.
func (m *model) next() tea.Cmd {
	var cmds []tea.Cmd
	for m.running == nil && len(m.queue) > 0 && !m.ended {
		line := m.queue[0]
		m.queue = m.queue[1:]
		cmds = append(cmds, m.take(line))
	}
	return tea.Batch(cmds...)
}

// full hands the terminal to a command and takes it back at its end.
func (m *model) full(args []string) tea.Cmd {
	var said bytes.Buffer
	run := func(w *whole) { m.o.Take(m.ctx, args, w.in, w.out, &said) }
	return tea.Exec(&whole{run: run}, func(err error) tea.Msg { return backMsg{said.String(), err} })
}
