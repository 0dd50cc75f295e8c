package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/internal/historyask"
	"netmon/wire"
)

// historyPage is how long one page of history may take.
const historyPage = 20 * time.Second

// ErrNoHistory says that no controller answers questions about history.
var ErrNoHistory = errors.New("nobody answers about history: no controller keeps one here, or none leads yet (netmon up, netmon broker and netmon controller do)")

// History asks the mesh for what became of monitors, all pages of it.
func (c *Client) History(ctx context.Context, q wire.HistoryQuery) (wire.HistoryReply, error) {
	reply, err := historyask.All(ctx, q, c.historyPage)
	return reply, historyError(err)
}

// HistoryReach is how far history goes.
type HistoryReach struct {
	Since   time.Time // the oldest that is known
	Through time.Time // results that were stored by then are counted; zero: there is none
}

// HistoryReach asks how far history goes, by one small request.
func (c *Client) HistoryReach(ctx context.Context, now time.Time) (HistoryReach, error) {
	reply, err := historyask.Page(ctx, wire.HistoryQuery{What: wire.HistoryVerdicts, From: now.Add(-time.Minute), To: now, Limit: 1}, c.historyPage)
	return HistoryReach{reply.Since, reply.Through}, historyError(err)
}

// historyError is an error with nothing in its text that a terminal would obey: it may
// quote a controller's words.
func historyError(err error) error {
	if err == nil {
		return nil
	}
	if text := Printable(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// historyPage asks once, and again while nobody answers yet.
func (c *Client) historyPage(ctx context.Context, data []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, historyPage)
	defer cancel()
	var msg *nats.Msg
	var err error
	for begun := time.Now(); ; {
		msg, err = c.request(ctx, &nats.Msg{Subject: wire.HistorySubject, Data: data})
		if !errors.Is(err, nats.ErrNoResponders) || time.Since(begun) > settling {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, ErrNoHistory
	case err != nil:
		return nil, fmt.Errorf("ask for history: %w", err)
	}
	return msg.Data, nil
}
