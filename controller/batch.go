package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// batchMost is how many messages the broker takes in one atomic batch.
const batchMost = 1000

// publishBatch sends messages and a last one, of which the broker stores all or none:
// none where the last message of the last one's subject is not the one numbered over.
// After an error they may be stored anyway.
func publishBatch(ctx context.Context, nc *nats.Conn, messages []*nats.Msg, last *nats.Msg, over uint64) (sequence uint64, err error) {
	id := rand.Text()
	for i, m := range messages {
		m.Header.Set("Nats-Batch-Id", id)
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		if err := nc.PublishMsg(m); err != nil {
			return 0, err
		}
	}
	last.Header.Set("Nats-Batch-Id", id)
	last.Header.Set("Nats-Batch-Sequence", strconv.Itoa(len(messages)+1))
	last.Header.Set("Nats-Batch-Commit", "1")
	last.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(over, 10))
	answer, err := nc.RequestMsgWithContext(ctx, last)
	if err != nil {
		return 0, err
	}
	var ack struct {
		Error    *jetstream.APIError `json:"error"`
		Sequence uint64              `json:"seq"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, err
	}
	if ack.Error != nil {
		return 0, ack.Error
	}
	return ack.Sequence, nil
}

// newest makes a message that replaces those before it on its subject.
func newest(subject string, data []byte) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = data
	m.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	return m
}

// untilStored tries until it succeeds, ctx ends, or somebody else was first. What waits
// for over a second is said once.
func untilStored(ctx context.Context, log *slog.Logger, waits string, try func() error) error {
	told := false
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := try()
		if err == nil || errors.Is(err, errFenced) || ctx.Err() != nil {
			return err
		}
		if !told && pause > time.Second {
			told = true
			log.Warn(waits, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}
