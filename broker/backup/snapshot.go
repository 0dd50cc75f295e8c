package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// How a stream travels. The server has 8 MiB of pieces on their way (window_size,
// which servers before 2.15 refuse to read); it gives up when nobody takes one for 5 s.
const (
	piece = 128 << 10
	// For the server to find the next piece, of a stream with large gaps.
	idle = time.Minute
	ask  = 20 * time.Second // for an answer; a cluster may be choosing a leader
)

// apiError is how JetStream says no.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string { return e.Description }

const codeStreamNotFound = 10059

// request asks JetStream's API, and reads its answer into answer.
func request(ctx context.Context, nc *nats.Conn, subject string, body, answer any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	m, err := nc.RequestWithContext(ctx, subject, data)
	if err != nil {
		return err
	}
	return decode(m.Data, answer)
}

func decode(data []byte, answer any) error {
	var says struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &says); err != nil {
		return fmt.Errorf("the broker's answer cannot be read: %w", err)
	}
	if says.Error != nil {
		return says.Error
	}
	return json.Unmarshal(data, answer)
}

// snapshotOf is what the server says of a snapshot before it comes.
type snapshotOf struct {
	Config json.RawMessage       `json:"config"`
	State  jetstream.StreamState `json:"state"`
}

// takeSnapshot writes a snapshot of a stream to w. began is called when it is known
// what comes.
func takeSnapshot(ctx context.Context, nc *nats.Conn, name string, w io.Writer, began func(snapshotOf)) (of snapshotOf, err error) {
	sub, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return of, err
	}
	defer sub.Unsubscribe()
	err = request(ctx, nc, "$JS.API.STREAM.SNAPSHOT."+name, map[string]any{
		"deliver_subject": sub.Subject, "no_consumers": true, "chunk_size": piece}, &of)
	if err != nil {
		return of, err
	}
	began(of)
	for {
		m, err := next(ctx, sub)
		if err != nil {
			return of, err
		}
		if len(m.Data) == 0 {
			if code := m.Header.Get("Status"); code != "" && code != "204" {
				return of, fmt.Errorf("the broker gave up: %s %s", code, m.Header.Get("Description"))
			}
			return of, nil
		}
		if _, err := w.Write(m.Data); err != nil {
			return of, err
		}
		if m.Reply == "" { // the last one, which is shorter
			continue
		}
		if err := m.Respond(nil); err != nil {
			return of, err
		}
	}
}

// next waits for the next piece, or an answer.
func next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	within, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	m, err := sub.NextMsgWithContext(within)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("the broker is silent for %v", idle)
	}
	return m, err
}
