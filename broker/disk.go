package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

// nearlyFull is when people are notified of the disk, bytes that are free: less than a tenth
// of it, or than this of a large one. It is good again with a quarter more: results that
// go at a tenth, or at lowSpaceMost, do not make it so.
const nearlyFull = 4 * lowSpaceMost

// diskWatch reports to the mesh when the disk of the store is nearly full, and when it is not
// any more.
type diskWatch struct {
	known bool         // what is stored was read
	last  wire.Trouble // as it is stored
}

// judgeDisk says whether a disk is nearly full that was, or was not.
func judgeDisk(free, size uint64, was bool) bool {
	most := min(size/10, nearlyFull)
	if was {
		most += most / 4
	}
	return free < most
}

// check reports a change. A disk on which nothing can be stored any more is reported once
// there is room again.
func (w *diskWatch) check(ctx context.Context, b *Broker, connect func(...nats.Option) (*nats.Conn, error)) error {
	free, size, ok := diskBytes(b.store)
	srv := b.server()
	if !ok || srv == nil {
		return nil
	}
	if w.known && judgeDisk(free, size, w.last.Wrong) == w.last.Wrong {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lowSpaceEvery)
	defer cancel()
	nc, err := connect(nats.Name("netmon broker: space on its disk"))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	name := wire.MakeToken(srv.Name())
	subject, err := wire.TroubleSubject(wire.AboutDisk, name)
	if err != nil {
		return err
	}
	last, over, err := lastTrouble(ctx, js, subject)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // there is no controller yet, or no longer
	}
	if err != nil {
		return fmt.Errorf("read its last report: %w", err)
	}
	w.known, w.last = true, last
	if judgeDisk(free, size, last.Wrong) == last.Wrong {
		return nil
	}
	next := nextDisk(last, name, free, size, time.Now().UTC())
	data, err := json.Marshal(next)
	if err == nil {
		_, err = js.Publish(ctx, subject, data, jetstream.WithExpectLastSequencePerSubject(over))
	}
	if err != nil {
		return fmt.Errorf("report it: %w", err)
	}
	w.last = next
	if next.Wrong {
		b.log.Warn("the disk of the broker is nearly full", "store", b.store, "free", sizeText(int64(free)), "of", sizeText(int64(size))) // #nosec G115 -- of a disk
	} else {
		b.log.Info("the disk of the broker has space again", "store", b.store, "free", sizeText(int64(free))) // #nosec G115 -- of a disk
	}
	return nil
}

// nextDisk is the report after the last one.
func nextDisk(last wire.Trouble, name string, free, size uint64, now time.Time) wire.Trouble {
	t := wire.Trouble{About: wire.AboutDisk, Name: name, Wrong: !last.Wrong, Since: now, At: now, N: last.N + 1, Incident: last.Incident, Severity: wire.SeverityDisk}
	if t.Wrong {
		h := fnv.New64a()
		fmt.Fprintf(h, "%s %d", name, now.UnixNano())
		t.Incident = fmt.Sprintf("%.40s-%016x", name, h.Sum64())
		t.Why = fmt.Sprintf("the disk of the broker is nearly full: %s of %s are free, and the oldest results will be deleted soon", sizeText(int64(free)), sizeText(int64(size))) // #nosec G115 -- of a disk
		return t
	}
	t.Why = fmt.Sprintf("the disk of the broker has space again: %s are free", sizeText(int64(free))) // #nosec G115 -- of a disk
	return t
}

// lastTrouble is the last one of a subject, and its number; both zero where there is none.
func lastTrouble(ctx context.Context, js jetstream.JetStream, subject string) (t wire.Trouble, number uint64, err error) {
	s, err := js.Stream(ctx, wire.IncidentsStream)
	if err != nil {
		return t, 0, err
	}
	m, err := s.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return t, 0, nil
	}
	if err != nil {
		return t, 0, err
	}
	t, err = wire.DecodeTrouble(subject, m.Data)
	if err != nil { // the next one is written over it
		return wire.Trouble{}, m.Sequence, nil
	}
	return t, m.Sequence, nil
}
