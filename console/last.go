package console

import (
	"context"

	"netmon/internal/tail"
	"netmon/wire"
)

// Last calls handle with the last stored result of a monitor on each agent.
func (c *Client) Last(ctx context.Context, monitor string, handle func(wire.Result)) error {
	subject, err := wire.ResultsOf("", monitor)
	if err != nil {
		return err
	}
	t, err := tail.Open(ctx, c.js, wire.ResultsStream, tail.From{Subjects: []string{subject}, Last: true})
	if err != nil {
		return noMesh("read the last results", err)
	}
	defer t.Stop()
	for left := t.Left(); left > 0; left-- { // later ones follow the snapshot: they are not waited for
		m, _, err := t.Next()
		if err != nil {
			return noMesh("read the last results", err)
		}
		if r, err := wire.DecodeResult(m.Subject, m.Data); err == nil {
			handle(r)
		}
	}
	return nil
}
