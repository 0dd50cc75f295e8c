// Package command sends commands to agents. It is the only place that does: it splits
// what is too long for one message, signs, and recognises an agent that is too old to
// check who commands it.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// Sender sends commands over one connection. It is safe for use by several goroutines.
type Sender struct{ requests *identity.Requests }

// New makes a sender that sends by send. Without a signer nothing is signed: a
// mesh that has no identities does not mind.
func New(signer *identity.Signer, send func(context.Context, *nats.Msg) (*nats.Msg, error)) *Sender {
	return &Sender{identity.NewRequests(signer, send)}
}

// Heard notes what a heartbeat says of how to sign for the agent.
func (s *Sender) Heard(a wire.Alive) {
	if subject, err := wire.CommandSubject(a.Agent); err == nil {
		s.requests.Heard(subject, a.Challenge)
	}
}

// oldAgent is how an agent of netmon 0.1.0 refuses: it believed a header that
// could be forged, and that the broker no longer sends.
const oldAgent = "the broker does not say who sent it"

// unknownOp is how an agent refuses a command that its netmon does not know.
const unknownOp = "unknown op "

// Send sends one command and returns the agent's reply. nats.ErrNoResponders
// means that the agent is not connected.
func (s *Sender) Send(ctx context.Context, agent string, c wire.Command) (wire.Reply, error) {
	subject, err := wire.CommandSubject(agent)
	if err != nil {
		return wire.Reply{}, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return wire.Reply{}, err
	}
	msg, err := s.requests.Do(ctx, subject, data)
	if err != nil {
		return wire.Reply{}, err
	}
	r, err := wire.DecodeReply(msg.Data)
	if err != nil {
		return wire.Reply{}, fmt.Errorf("decode reply of %s: %w", agent, err)
	}
	if s.requests.Signs() && r.Error != nil && strings.Contains(r.Error.Message, oldAgent) {
		return wire.Refuse(agent, wire.Error{Code: wire.CodeUnsigned,
			Message: "its netmon cannot check who commands it: update it there; it keeps measuring"}), nil
	}
	if r.Error != nil && r.Error.Field == "op" && strings.HasPrefix(r.Error.Message, unknownOp) {
		return wire.Refuse(agent, wire.Error{Code: wire.CodeInvalid, Field: "op",
			Message: fmt.Sprintf("its netmon does not know %q: update it there", c.Op)}), nil
	}
	return r, nil
}

// Answer is what an agent replied to one piece of a command, or why it did not.
type Answer struct {
	Piece wire.Command
	Reply wire.Reply
	Err   error
}

// SendAll sends a command in as many pieces as it takes, one after the other, and
// waits for each answer at most within. Of nothing to start, to stop or to run, nothing is sent.
func (s *Sender) SendAll(ctx context.Context, agent string, within time.Duration, c wire.Command) iter.Seq[Answer] {
	return func(yield func(Answer) bool) {
		for _, piece := range cut(c) {
			try, cancel := context.WithTimeout(ctx, within)
			r, err := s.Send(try, agent, piece)
			cancel()
			if !yield(Answer{piece, r, err}) {
				return
			}
		}
	}
}

// Update is the commands that stop and start monitors of a store, up to a revision
// of it: what stops comes first.
func Update(store string, revision uint64, stop []string, start []wire.Monitor) []wire.Command {
	return []wire.Command{
		{Op: wire.OpStop, Store: store, Revision: revision, Names: stop},
		{Op: wire.OpStart, Store: store, Revision: revision, Monitors: start},
	}
}

// most is how many bytes of monitors or names go into one command: a single
// monitor may be twice as long and still fits into a message.
const most = 256 << 10

// cut divides a command into such that each fits into a message. Carried out one
// after the other they do the same.
func cut(c wire.Command) []wire.Command {
	var out []wire.Command
	switch c.Op {
	case wire.OpStart:
		for _, monitors := range pieces(c.Monitors, func(m wire.Monitor) int {
			data, err := json.Marshal(m)
			if err != nil {
				return most // the agent says what is wrong with it
			}
			return len(data) + 1
		}) {
			piece := c
			piece.Monitors = monitors
			out = append(out, piece)
		}
	case wire.OpStop, wire.OpRun:
		for _, names := range pieces(c.Names, func(s string) int { return len(s) + len(`"",`) }) {
			piece := c
			piece.Names = names
			out = append(out, piece)
		}
	case wire.OpSync:
		after := c.After
		all := pieces(slices.Sorted(maps.Keys(c.Have)), func(s string) int { return len(s) + len(`"":18446744073709551615,`) })
		for i, names := range all {
			piece := c
			piece.After, piece.Have = after, map[string]uint64{}
			for _, name := range names {
				piece.Have[name] = c.Have[name]
			}
			if i < len(all)-1 {
				piece.Through = names[len(names)-1]
				after = piece.Through
			}
			out = append(out, piece)
		}
		if len(all) == 0 { // nothing should run: that is said, too
			c.Have = map[string]uint64{}
			out = append(out, c)
		}
	default:
		out = append(out, c)
	}
	return out
}

// pieces divides a list by the size of its entries.
func pieces[E any](list []E, size func(E) int) (out [][]E) {
	begin, sum := 0, 0
	for i, e := range list {
		n := size(e)
		if i > begin && (sum+n > most || i-begin == wire.MaxCommand) {
			out = append(out, list[begin:i])
			begin, sum = i, 0
		}
		sum += n
	}
	if begin < len(list) {
		out = append(out, list[begin:])
	}
	return out
}
