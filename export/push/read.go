package push

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/tail"
	"netmon/wire"
)

// openAt reads a stream after a place; one that was recreated since, all of it. A broker
// that is away is waited for.
func openAt(ctx context.Context, js jetstream.JetStream, stream string, at Place, from tail.From, log *slog.Logger) (*tail.Tail, error) {
	reported := false
	for pause := pauseFirst; ; pause = min(2*pause, pauseMost) {
		after := from
		after.After = at.Sequence
		t, err := tail.Open(ctx, js, stream, after)
		if err == nil && at.Sequence > 0 && !t.Stream().Created.Equal(at.Life) {
			t.Stop()
			t, err = tail.Open(ctx, js, stream, from)
		}
		if err == nil {
			t.Trouble = func(err error) {
				if err != nil {
					log.Warn("a stream cannot be read: it is tried again", "stream", stream, "error", err)
				}
			}
			return t, nil
		}
		if ctx.Err() != nil || js.Conn().IsClosed() || errors.Is(err, nats.ErrPermissionViolation) {
			return nil, err
		}
		if !reported {
			reported = true
			log.Warn("a stream cannot be read: it is tried again", "stream", stream, "error", err)
		}
		if !sleep(ctx, pause) {
			return nil, ctx.Err()
		}
	}
}

// clockTolerance is how far the clock of an agent may be from the broker's.
const clockTolerance = time.Minute

// correctTime puts the time of a run right where the clock of its agent is wrong: by when
// the broker stored it, and how long it waited before. It depends on the message alone, so
// that each try has the same time.
func correctTime(r *wire.Result, stored time.Time) {
	at := stored.Add(-max(0, time.Duration(r.LateNS))).Add(-max(0, r.Elapsed()))
	if off := r.Started.Sub(at); off > clockTolerance || off < -clockTolerance {
		r.Started = at
	}
}

// gatherMost is how long what comes is left with the broker, so that much comes at once.
const gatherMost = 100 * time.Millisecond

// readChunk waits for a message, and reads what is there. Numbers of messages that cannot
// be read stay in order: they have no result.
func readChunk(t *tail.Tail, log *slog.Logger) (chunk []*Result, pending uint64, err error) {
	for len(chunk) == 0 || len(chunk) < chunkMost && t.More() {
		m, meta, err := t.Next()
		if err != nil {
			return nil, 0, err
		}
		r := &Result{Sequence: meta.Sequence.Stream, Data: m.Data, life: t.Stream().Created}
		if r.Result, err = wire.DecodeResult(m.Subject, m.Data); err != nil {
			log.Warn("a result cannot be read: it is left out", "sequence", r.Sequence, "error", err)
			r.Data = nil
		}
		if correctTime(&r.Result, meta.Timestamp); r.Started.Year() < 1970 || r.Started.Year() > 2200 {
			r.Data = nil // it waited longer than there are clocks
		}
		chunk, pending = append(chunk, r), meta.NumPending
	}
	return chunk, pending, nil
}

// placeOf is where a destination continues in a stream: from is what it acknowledged, the
// zero value for nothing; then it begins with all that there is, or with what comes. trouble
// says what is lost, "" for nothing.
func placeOf(info *jetstream.StreamInfo, from Place, all bool) (at Place, trouble string) {
	begin := Place{Life: info.Created, Sequence: max(info.State.FirstSeq, 1) - 1}
	switch {
	case from.Life.IsZero() && all:
		return begin, ""
	case from.Life.IsZero():
		return Place{Life: info.Created, Sequence: info.State.LastSeq}, ""
	case !from.Life.Equal(info.Created):
		return begin, "the stream was recreated: all that it has is sent"
	case from.Sequence > info.State.LastSeq:
		return Place{Life: info.Created, Sequence: info.State.LastSeq}, "the stream ends before what was sent already, as after a restored backup: what comes next is sent"
	}
	return from, ""
}
