package broker

import (
	"time"

	"netmon/wire"

	"github.com/nats-io/nats-server/v2/server"
)

// ClientLimits bound what clients may take of the server, so that one of them does
// not keep the others from their work. A zero field means its default. In a
// nats-server configuration the file's own words come first: max_connections,
// max_subscriptions, max_payload, max_control_line, max_pending,
// write_deadline and authorization.timeout.
type ClientLimits struct {
	Connections   int           // at once
	Subscriptions int           // of one connection
	Payload       int32         // bytes of one message with its headers
	ControlLine   int32         // bytes of one line of the protocol
	Pending       int64         // bytes that wait for a client that does not read
	WriteWithin   time.Duration // for a client to take what is sent
	AuthWithin    time.Duration // for a client to say who it is, where that is asked for
}

// DefaultClientLimits leave room for thousands of agents on one broker.
func DefaultClientLimits() ClientLimits {
	return ClientLimits{
		Connections:   16_384, // about 40 KB each
		Subscriptions: 1000,   // a console has tens, an agent a dozen
		Payload:       wire.MaxMessage,
		ControlLine:   4096,
		Pending:       32 << 20,
		WriteWithin:   10 * time.Second,
		AuthWithin:    2 * time.Second,
	}
}

// Rows are the lines of docs/limits.md about it.
func (g ClientLimits) Rows() []wire.Limit {
	return []wire.Limit{
		{What: "connections at once (`--max-connections`)", Most: g.Connections, Unit: "connections", Beyond: "a further one is refused"},
		{What: "subscriptions of one connection", Most: g.Subscriptions, Unit: "subscriptions", Beyond: "a further one is refused"},
		{What: "a message with its headers", Most: int(g.Payload), Unit: "bytes", Beyond: "the connection is closed"},
		{What: "a line of the protocol: subjects, queue groups", Most: int(g.ControlLine), Unit: "bytes", Beyond: "the connection is closed"},
		{What: "data that waits for a client that does not read", Most: int(g.Pending), Unit: "bytes", Beyond: "the connection is closed"},
		{What: "time for a client to take what is sent", Most: int(g.WriteWithin.Seconds()), Unit: "s", Beyond: "the connection is closed"},
		{What: "time for a client to say who it is, where that is asked for", Most: int(g.AuthWithin.Seconds()), Unit: "s", Beyond: "the connection is closed"},
	}
}

// applyTo sets each bound that so does not have yet.
func (g ClientLimits) applyTo(so *server.Options) {
	d := DefaultClientLimits()
	setDefault(&so.MaxConn, g.Connections, d.Connections)
	setDefault(&so.MaxSubs, g.Subscriptions, d.Subscriptions)
	setDefault(&so.MaxPayload, g.Payload, d.Payload)
	setDefault(&so.MaxControlLine, g.ControlLine, d.ControlLine)
	setDefault(&so.MaxPending, g.Pending, d.Pending)
	setDefault(&so.WriteDeadline, g.WriteWithin, d.WriteWithin)
	setDefault(&so.AuthTimeout, g.AuthWithin.Seconds(), d.AuthWithin.Seconds())
}

func setDefault[N int | int32 | int64 | float64 | time.Duration](have *N, asked, standard N) {
	switch {
	case *have != 0: // the configuration file says it
	case asked != 0:
		*have = asked
	default:
		*have = standard
	}
}
