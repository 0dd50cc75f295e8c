package agent

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/agent/spool"
	"netmon/wire"
)

// This file is about results that no message has room for: none of them may
// keep those behind it from the stream.

// sendable is a record of the spool as it can be sent, or says why it never
// can be: the agent writes none like that. A result of an older agent, which
// may have been larger, is brought within today's limits.
func sendable(agent string, r spool.Record) ([]byte, error) {
	subject, err := wire.ResultSubject(agent, r.Key)
	if err != nil {
		return nil, fmt.Errorf("its key: %w", err)
	}
	if len(r.Data) <= wire.MaxResult {
		return r.Data, nil
	}
	data, err := wire.Refit(subject, r.Data, (*wire.Result).Fit)
	if err == nil && len(data) > wire.MaxResult {
		err = fmt.Errorf("it is %d bytes long: want at most %d", len(data), wire.MaxResult)
	}
	return data, err
}

// tooLarge says that a stream takes nothing of this size.
func tooLarge(err error) bool {
	const exceedsMaximum jetstream.ErrorCode = 10054
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &api) && api.ErrorCode == exceedsMaximum
}

// shorten takes from a result what can be missed, after the broker refused it
// for its size. It takes 64 KiB where netmon made its stream; another one may
// take less. A result that it refuses even then is lost, and the next one of
// its monitor says so.
func (s *sender) shorten(it *item, why error) {
	it.hole = it.hole || it.passed()
	it.cuts++
	text := fmt.Sprintf("the broker refuses a result of %d bytes: %v", len(it.Data), why)
	subject, err := wire.ResultSubject(s.agent, it.Key)
	var data []byte
	if err == nil {
		data, err = wire.Refit(subject, it.Data, func(r *wire.Result) { r.Strip(text) })
	}
	if err == nil && it.cuts == 1 && len(data) < len(it.Data) {
		s.log.Warn("a result is sent without its details", "monitor", it.Key, "seq", it.Seq, "reason", text)
		it.Data = data
		return
	}
	s.log.Error("a result is lost", "monitor", it.Key, "seq", it.Seq, "reason", text)
	it.acked = true
	it.queue.lose(it.Dropped+1, it.Seq)
}
