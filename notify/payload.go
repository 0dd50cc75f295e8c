package notify

import (
	"time"

	"netmon/wire"
)

// Payload is a message as webhooks and programs get it, in JSON.
type Payload struct {
	Key      string        `json:"key"`    // names the message: one that comes twice has the same
	Reason   wire.Reason   `json:"reason"` // why now
	N        uint64        `json:"n"`      // counts the messages of the channel about the incident; some may be left out
	Channel  string        `json:"channel"`
	Title    string        `json:"title"`
	Text     string        `json:"text"`
	Mesh     string        `json:"mesh"`
	At       time.Time     `json:"at"`                 // when this was written, UTC
	Rule     string        `json:"rule,omitempty"`     // that chose the channel
	Fallback string        `json:"fallback,omitempty"` // the channel that could not be notified
	Link     string        `json:"link,omitempty"`
	Incident wire.Incident `json:"incident"` // as it is now
}

func payloadOf(m *Message) Payload {
	return Payload{Key: m.Key(), Reason: m.Notice.Reason, N: m.Notice.N, Channel: m.Notice.Channel, Title: m.Title, Text: m.Text, Mesh: m.Mesh, At: m.At,
		Rule: m.Notice.Rule, Fallback: m.Notice.Fallback, Link: m.Link, Incident: m.Incident}
}
