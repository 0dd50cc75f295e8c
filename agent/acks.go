package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// acks is where the stream's acknowledgements come to: one subscription for
// all, whose last token is the result's number. A future with its own timer for
// each result, as the client library has it, cost 6 µs of CPU a result.
type acks struct {
	nc         *nats.Conn
	reconnects uint64 // of nc when it was subscribed or last looked at
	sub        *nats.Subscription
	ch         chan *nats.Msg
	prefix     string
}

// of returns the acks of a connection. What was in flight on another one, or
// before a reconnect, is no longer answered: see lost.
func (a *acks) of(nc *nats.Conn) (*acks, error) {
	if a != nil && a.nc == nc && !a.lost() {
		return a, nil
	}
	a.close()
	a = &acks{nc: nc, reconnects: nc.Stats().Reconnects, prefix: nc.NewInbox() + ".", ch: make(chan *nats.Msg, 4*window)}
	var err error
	if a.sub, err = nc.ChanSubscribe(a.prefix+"*", a.ch); err != nil {
		return a, fmt.Errorf("subscribe to acknowledgements: %w", err)
	}
	return a, nil
}

func (a *acks) close() {
	if a != nil && a.sub != nil {
		a.sub.Unsubscribe()
	}
}

// lost says that the connection was lost since it was subscribed.
func (a *acks) lost() bool {
	return a.sub == nil || !a.nc.IsConnected() || a.nc.Stats().Reconnects != a.reconnects
}

// ack is the stream's answer to one publish of one result.
type ack struct {
	seq       uint64 // of the result
	try       uint32 // which publish of it this answers
	duplicate bool   // the stream has another message with its id, and stored nothing
	refused   error  // why it is not stored
}

// reply is where the answer to a publish is to come.
func (a *acks) reply(seq uint64, try uint32) string {
	b := strconv.AppendUint(append(make([]byte, 0, len(a.prefix)+32), a.prefix...), seq, 10)
	if try > 1 {
		b = strconv.AppendUint(append(b, '-'), uint64(try), 10)
	}
	return string(b)
}

// read takes an answer apart; ok is false when it is none.
func (a *acks) read(m *nats.Msg) (r ack, ok bool) {
	number, try, again := strings.Cut(strings.TrimPrefix(m.Subject, a.prefix), "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	n := uint64(1)
	if again && err == nil {
		n, err = strconv.ParseUint(try, 10, 32)
	}
	if err != nil {
		return ack{}, false
	}
	r = ack{seq: seq, try: uint32(n)}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		r.refused = errors.New("no stream takes results")
		return r, true
	}
	// {"stream":"RESULTS","seq":12} is what comes ten thousand times a second.
	if bytes.HasPrefix(m.Data, []byte(`{"stream":"`)) && !bytes.Contains(m.Data, []byte(`"error"`)) && !bytes.Contains(m.Data, []byte(`"duplicate"`)) {
		return r, true
	}
	var x struct {
		Error     *jetstream.APIError `json:"error"`
		Seq       uint64              `json:"seq"`
		Duplicate bool                `json:"duplicate"`
	}
	if err := json.Unmarshal(m.Data, &x); err != nil {
		r.refused = fmt.Errorf("decode acknowledgement %q: %w", m.Data, err)
		return r, true
	}
	r.duplicate = x.Duplicate
	switch {
	case x.Error != nil:
		r.refused = x.Error
	case x.Seq == 0:
		r.refused = fmt.Errorf("acknowledgement %q", m.Data)
	}
	return r, true
}
