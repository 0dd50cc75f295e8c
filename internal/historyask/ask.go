// Package historyask asks for history, all pages of an answer.
package historyask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"netmon/wire"
)

// How much is read.
const (
	pagesMost = 2000
	rowsMost  = 2_000_000       // in all pages
	within    = 5 * time.Minute // for all pages
	waitMost  = 2 * time.Minute // of these, until a controller answers again
	againMost = time.Minute     // that it may say to wait at once
)

// Limits bounds what one command, or one look, reads of history.
var Limits = []wire.Limit{
	{What: "replies that one question is read in", Most: pagesMost, Unit: "replies", Beyond: "an error that says to ask for fewer monitors, or for less time"},
	{What: "rows and spans in all of them", Most: rowsMost, Unit: "rows", Beyond: "the same"},
	{What: "time for that a question waits, in all, where a controller refuses it by its share and says when to ask again", Most: int(waitMost / time.Second), Unit: "seconds", Beyond: "the refusal is the answer"},
	{What: "time for all of them", Most: int(within / time.Second), Unit: "seconds", Beyond: "an error"},
}

// All asks until the answer is whole. ask sends one request and returns the answer's data.
// What a controller refuses is a *wire.Error in the chain of the error; where it says when
// to ask again, that is done, so that a long answer does not end in its middle.
func All(ctx context.Context, q wire.HistoryQuery, ask func(context.Context, []byte) ([]byte, error)) (wire.HistoryReply, error) {
	var whole wire.HistoryReply
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	rows, left := 0, waitMost
	for range pagesMost {
		page, err := patiently(ctx, q, ask, &left)
		if err != nil {
			return whole, err
		}
		if rows += rowsOf(&page); rows > rowsMost {
			break
		}
		join(&whole, page)
		if page.Next == "" {
			return whole, nil
		}
		if page.Next == q.After {
			break
		}
		q.After = page.Next
	}
	return whole, errors.New("history has more than fits here: ask for fewer monitors, or for less time")
}

// patiently asks for one page, and again when the controller says so, while there is time left for that.
func patiently(ctx context.Context, q wire.HistoryQuery, ask func(context.Context, []byte) ([]byte, error), left *time.Duration) (wire.HistoryReply, error) {
	for {
		page, err := Page(ctx, q, ask)
		later := page.Again.Std()
		if err == nil || later <= 0 || later > min(againMost, *left) {
			return page, err
		}
		*left -= max(later, time.Second) // who says to ask again at once is not asked for ever
		select {
		case <-ctx.Done():
			return page, err
		case <-time.After(later):
		}
	}
}

// Page asks once, for one page. With a refusal it may say when to ask again.
func Page(ctx context.Context, q wire.HistoryQuery, ask func(context.Context, []byte) ([]byte, error)) (wire.HistoryReply, error) {
	data, err := json.Marshal(q)
	if err != nil {
		return wire.HistoryReply{}, err
	}
	if data, err = ask(ctx, data); err != nil {
		return wire.HistoryReply{}, err
	}
	reply, err := wire.DecodeHistoryReply(data)
	switch {
	case err != nil:
		return wire.HistoryReply{}, fmt.Errorf("ask for history: %w", err)
	case reply.Error != nil:
		return wire.HistoryReply{Again: reply.Again}, fmt.Errorf("ask for history: %w", reply.Error)
	case !reply.OK:
		return wire.HistoryReply{}, errors.New("ask for history: it was refused without a reason")
	}
	if err := check(&q, &reply); err != nil {
		return wire.HistoryReply{}, fmt.Errorf("ask for history: the reply cannot be true: %w", err)
	}
	return reply, nil
}

// join adds a page to those before it.
func join(whole *wire.HistoryReply, page wire.HistoryReply) {
	series, spans, since, minutes := whole.Series, whole.Spans, whole.Since, whole.Minutes
	*whole = page
	if !since.IsZero() && (page.Since.IsZero() || since.Before(page.Since)) {
		whole.Since = since
	}
	if !minutes.IsZero() && (page.Minutes.IsZero() || minutes.Before(page.Minutes)) {
		whole.Minutes = minutes
	}
	whole.Spans = append(spans, page.Spans...)
	whole.Series = series
	for _, s := range page.Series {
		if n := len(whole.Series); n > 0 && whole.Series[n-1].Monitor == s.Monitor && whole.Series[n-1].Agent == s.Agent {
			whole.Series[n-1].Rows = append(whole.Series[n-1].Rows, s.Rows...)
		} else {
			whole.Series = append(whole.Series, s)
		}
	}
}
