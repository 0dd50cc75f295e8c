package controller

import (
	"context"
	"errors"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// upkeep writes what is still wrong once more before it would be pushed out of its
// stream, whose bytes are bounded: an incident that has been open for a year is there.
// It counts the bytes that were stored behind each; that is never too few. It is for
// one goroutine.
type upkeep struct {
	js  jetstream.JetStream
	log *slog.Logger

	most     int64                 // bytes of the stream
	bytes    int64                 // that were stored, of all that was read
	looked   int64                 // of bytes, when it was looked last
	at       map[string]int64      // incidents: bytes when they were written last; those that are not in it are the oldest
	troubles map[string]oldTrouble // the last of each subject
	placed   int64                 // bytes when it was written how far incidents are decided
	reported bool
}

// oldTrouble is a trouble as it is stored.
type oldTrouble struct {
	trouble wire.Trouble
	number  uint64 // in the stream
	data    []byte
	bytes   int64 // when it was written last
}

// messageOver is about what a message takes beside its data, bytes.
const messageOver = 256

// begin starts with a stream as it is: as much as it holds may be behind each message.
func (u *upkeep) begin(info *jetstream.StreamInfo) {
	u.at, u.troubles = map[string]int64{}, map[string]oldTrouble{}
	u.most, u.bytes = info.Config.MaxBytes, int64(info.State.Bytes) // #nosec G115 -- of a disk
}

// passed notes a message of the stream.
func (u *upkeep) passed(bytes int) { u.bytes += int64(bytes) }

// trouble notes one as it is stored. Those of the audit happen once. Of the others the
// last is kept, also of what is good again: the next one's number follows from it.
func (u *upkeep) trouble(t wire.Trouble, subject string, number uint64, data []byte, stored int64) {
	if t.About != wire.AboutAudit {
		u.troubles[subject] = oldTrouble{t, number, data, stored}
	}
}

// wrote notes incidents that are written, and with them how far that is.
func (u *upkeep) wrote(list []wire.Incident) {
	u.placed = u.bytes
	for i := range list {
		u.at[list[i].ID] = u.bytes
	}
}

// due is what of the open incidents, beside some that are written anyhow, is to be
// written once more, and whether it is time to say again how far they are decided.
// Troubles it writes itself.
func (u *upkeep) due(ctx context.Context, open func() []wire.Incident, written []wire.Incident) (list []wire.Incident, position bool, err error) {
	if u.most <= 0 || u.bytes-u.looked < u.most/8 {
		return nil, false, nil
	}
	u.looked = u.bytes
	if s, err := u.js.Stream(ctx, wire.IncidentsStream); err == nil { // it may be another limit by now
		u.most = s.CachedInfo().Config.MaxBytes
	}
	writes := map[string]bool{}
	for i := range written {
		writes[written[i].ID] = true
	}
	size, left, now := int64(0), 0, map[string]int64{}
	for _, i := range open() {
		now[i.ID] = u.at[i.ID]
		if writes[i.ID] || u.bytes-u.at[i.ID] < u.most/2 {
			continue
		}
		if m, err := incidentMessage(&i); err == nil {
			size += int64(len(m.Data)) + messageOver
		}
		if size > u.most/4 { // they would push out one another
			left++
			continue
		}
		list = append(list, i)
	}
	if left > 0 && !u.reported {
		u.log.Error("open incidents take more than a quarter of their stream: some may get lost", "stream", wire.IncidentsStream, "bytes", u.most, "left", left)
	}
	u.reported = left > 0
	u.at = now // those that are over are forgotten
	return list, u.bytes-u.placed >= u.most/2, u.writeTroubles(ctx)
}

// writeTroubles writes old ones once more, each over itself.
func (u *upkeep) writeTroubles(ctx context.Context) error {
	for subject, t := range u.troubles {
		if u.bytes-t.bytes < u.most/2 {
			continue
		}
		try, cancel := context.WithTimeout(ctx, publishWithin)
		_, err := u.js.PublishMsg(try, &nats.Msg{Subject: subject, Data: t.data}, jetstream.WithExpectLastSequencePerSubject(t.number))
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !isOver(err): // it is tried again before it is too late
			u.log.Warn("could not write a trouble again", "subject", subject, "error", err)
			u.looked = 0
		}
	}
	return nil
}

// isOver says that another message is in the place of the one that was to be replaced.
func isOver(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}
