package prompt

import (
	"context"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Terminal runs the prompt on a terminal until the person leaves it or ctx
// ends, and returns an exit code: 0, or 130 for Ctrl-C.
func Terminal(ctx context.Context, o Options, in, out *os.File) (int, error) {
	history, err := LoadHistory(o.History)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(ctx, o, history)
	if err != nil {
		m.fail(err)
	}
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(30))
	defer context.AfterFunc(ctx, p.Quit)()
	if _, err := p.Run(); err != nil {
		return 0, err
	}
	if r := m.current; r != nil { // let it end in order
		r.stop()
		select {
		case <-r.done:
		case <-time.After(2 * time.Second):
		}
	}
	return m.code, nil
}
