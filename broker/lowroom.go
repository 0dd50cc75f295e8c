package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

const (
	lowRoomEvery = 5 * time.Second
	// The disk is short of room below a tenth of it, or below this, bytes: others
	// may fill a large one, and results should not go because of that.
	lowRoomMost = 256 << 20
	// leastResults is what results may always take, bytes.
	leastResults = 16 << 20
)

// KeepRoom looks after the disk of the store until ctx ends: where it is short of
// room, the oldest results go, whoever fills it. On a disk that is full nothing
// can go any more. The limit of the stream of results becomes lower for that; the
// next start asks for the one of before again. connect is the controller's.
func (b *Broker) KeepRoom(ctx context.Context, connect func(...nats.Option) (*nats.Conn, error)) {
	if b.store == "" {
		return
	}
	tick := time.NewTicker(lowRoomEvery)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := b.keepRoom(ctx, connect)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			b.log.Error("the disk of the broker is short of room", "store", b.store, "error", err)
		}
	}
}

// keepRoom looks once.
func (b *Broker) keepRoom(ctx context.Context, connect func(...nats.Option) (*nats.Conn, error)) error {
	free, size, ok := diskBytes(b.store)
	want := min(size/10, lowRoomMost)
	if !ok || free >= want {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lowRoomEvery)
	defer cancel()
	nc, err := connect(nats.Name("netmon broker: room on its disk"))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	s, err := js.Stream(ctx, wire.ResultsStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	next := lessResults(int64(info.State.Bytes), blocksOnDisk(b.store, wire.ResultsStream), int64(want-free))
	if next >= int64(info.State.Bytes) {
		return fmt.Errorf("%s are free of %s, and results take no more than %s: make room", sizeText(int64(free)), sizeText(int64(size)), sizeText(next))
	}
	config := info.Config
	config.MaxBytes = next
	if _, err := js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("lower the limit of the results to %d bytes: %w", next, err)
	}
	b.log.Warn("the disk of the broker is short of room: the oldest results go", "store", b.store, "free", sizeText(int64(free)), "want", sizeText(int64(want)),
		"results", sizeText(next), "were", sizeText(int64(info.State.Bytes)))
	return nil
}

// lessResults is the limit with which so many bytes become free of those that
// results take on disk; the stream counts those before compression. At least a
// twentieth goes, as disk becomes free by whole blocks, and at most half at once.
func lessResults(counted, onDisk, missing int64) int64 {
	part := 0.5
	if onDisk > 0 {
		part = min(part, max(0.05, float64(missing)/float64(onDisk)))
	}
	return max(leastResults, counted-int64(part*float64(counted)))
}

// blocksOnDisk is what the messages of a stream, or of all (*), take in all
// accounts of a store.
func blocksOnDisk(store, stream string) (bytes int64) {
	files, _ := filepath.Glob(filepath.Join(store, jetStreamFolder, "*", streamsFolder, stream, "msgs", "*.blk"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil { // else it went meanwhile
			bytes += info.Size()
		}
	}
	return bytes
}
