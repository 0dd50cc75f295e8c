package screen

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// hear asks how the broker is, and how far the past has gone.
func (p *program) hear() {
	p.ui.Hear(p.o.Model)
	if p.o.Past != nil {
		p.ui.HearPast(p.o.Past.Play())
	}
}

// graphWithin is how long an answer about history may take.
const graphWithin = 20 * time.Second

// askGraph asks history for the plot that is shown, if that is another one or has become
// old. There is one question at a time, however fast keys come.
func (p *program) askGraph() tea.Cmd {
	key, ok := p.ui.graphWanted(p.snap, p.w)
	to := p.snap.At
	old := to.Sub(p.graphTo).Abs() >= key.span.again()
	if !ok || p.graphing || p.ui.Frozen || key == p.graphed && !old {
		return nil
	}
	p.graphed, p.graphTo = key, to
	if p.o.Graph == nil {
		p.ui.Graph = graphed{of: key, why: "it cannot be read here"}
		return nil
	}
	p.graphing = true
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(p.ctx, graphWithin)
		defer cancel()
		g, err := p.o.Graph(ctx, key.monitor, key.agent, to.Add(-key.span.length()), to, key.columns)
		m := graphMsg{graphed{of: key, graph: g}}
		if err != nil {
			m.why = err.Error()
		}
		return m
	}
}
