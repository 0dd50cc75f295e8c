package agent

import (
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// publish sends a batch. The connection flushes it by itself.
func (s *sender) publish(nc *nats.Conn, items []*item) error {
	if len(items) == 0 {
		return nil
	}
	s.sent = time.Now()
	b := &batch{begin: s.sent}
	id := []string{""}
	plain := nats.Header{jetstream.MsgIDHeader: id}
	for _, it := range items {
		subject, err := wire.ResultSubject(s.agent, it.Key)
		if err != nil {
			return err
		}
		it.tries++
		id[0] = s.ids.of(it)
		msg := nats.Msg{Subject: subject, Reply: s.acks.reply(it.Seq, it.tries), Header: plain, Data: stamp(it, s.sent)}
		if it.conditional {
			msg.Header = nats.Header{jetstream.MsgIDHeader: id, jetstream.ExpectedLastSubjSeqHeader: {strconv.FormatUint(it.queue.last, 10)}}
		}
		err = nc.PublishMsg(&msg)
		if errors.Is(err, nats.ErrMaxPayload) { // it was not sent
			s.shorten(it, err)
			continue
		}
		if b.open == 0 {
			s.batches = append(s.batches, b)
		}
		it.batch = b
		b.open++
		s.inFlight++
		it.queue.inFlight++
		if err != nil {
			return err
		}
	}
	return nil
}

// stamp adds to a result what is known only when it is sent: how late it is,
// and how many before it are lost. Its JSON object ends with "}".
func stamp(it *item, now time.Time) []byte {
	data := it.Data
	late := it.Waited + now.Sub(it.read)
	if late <= lateAfter && it.Dropped == 0 || len(data) == 0 {
		return data
	}
	out := append(make([]byte, 0, len(data)+64), data[:len(data)-1]...)
	if late > lateAfter {
		out = strconv.AppendInt(append(out, `,"late_ns":`...), int64(late), 10)
	}
	if it.Dropped > 0 {
		out = strconv.AppendUint(append(out, `,"dropped":`...), it.Dropped, 10)
	}
	return append(out, '}')
}
