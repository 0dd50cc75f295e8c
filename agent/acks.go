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
// before a reconnect, is answered no more: see lost.
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

// read takes an acknowledgement apart: the number of the result, and why the
// stream refused it, nil when it is stored.
func (a *acks) read(m *nats.Msg) (seq uint64, refused error) {
	seq, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, a.prefix), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("an acknowledgement on %s", m.Subject)
	}
	if len(m.Data) == 0 && m.Header.Get("Status") == "503" {
		return seq, errors.New("no stream takes results")
	}
	// {"stream":"RESULTS","seq":12} is what comes ten thousand times a second.
	if bytes.HasPrefix(m.Data, []byte(`{"stream":"`)) && !bytes.Contains(m.Data, []byte(`"error"`)) {
		return seq, nil
	}
	var r struct {
		Error *jetstream.APIError `json:"error"`
		Seq   uint64              `json:"seq"`
	}
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return seq, fmt.Errorf("decode acknowledgement %q: %w", m.Data, err)
	}
	if r.Error != nil {
		return seq, r.Error
	}
	if r.Seq == 0 {
		return seq, fmt.Errorf("acknowledgement %q", m.Data)
	}
	return seq, nil
}
