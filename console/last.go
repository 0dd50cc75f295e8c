package console

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// Last calls take with the last stored result of a monitor on each agent.
func (c *Client) Last(ctx context.Context, monitor string, take func(wire.Result)) error {
	subject, err := wire.ResultsOf("", monitor)
	if err != nil {
		return err
	}
	cons, err := c.js.OrderedConsumer(ctx, wire.ResultsStream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{subject}, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy})
	if err != nil {
		return noMesh("read the last results", err)
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return noMesh("read the last results", err)
	}
	left := info.NumPending
	if left == 0 {
		return nil
	}
	it, err := cons.Messages()
	if err != nil {
		return noMesh("read the last results", err)
	}
	defer it.Stop()
	for ; left > 0; left-- { // later ones follow the snapshot: they are not waited for
		m, err := it.Next(jetstream.NextContext(ctx))
		if err != nil {
			return noMesh("read the last results", err)
		}
		if r, err := wire.DecodeResult(m.Subject(), m.Data()); err == nil {
			take(r)
		}
	}
	return nil
}
