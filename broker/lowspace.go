package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/wire"
)

const (
	lowSpaceEvery = 5 * time.Second
	// measureEvery is how often the blocks on disk are measured where there is room.
	measureEvery = time.Minute
	// The disk is short of room below a tenth of it, or below this, bytes: others
	// may fill a large one, and results should not go because of that.
	lowSpaceMost = 256 << 20
)

// AdjustLimit decides how many results are kept, until ctx ends: as many as fit into
// l.ResultsBytes on the disk of the store once they are compressed, and fewer where
// the disk is short of room, whoever fills it. On a disk that is full nothing can go
// any more; for that there is a ballast (see [ballast]). connect is the controller's.
// A zero l, and a server of a cluster, only lower the limit. It also reports to the mesh when
// the disk is nearly full.
func (b *Broker) AdjustLimit(ctx context.Context, connect func(...nats.Option) (*nats.Conn, error), l Limits) {
	if b.store == "" {
		return
	}
	tick := time.NewTicker(lowSpaceEvery)
	defer tick.Stop()
	told := ""
	measured := time.Now()
	var watch diskWatch
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.reloaded:
		case <-tick.C:
		}
		measure := time.Since(measured) >= measureEvery
		if measure {
			measured = time.Now()
		}
		err := b.adjustLimit(ctx, connect, l, measure)
		if e := watch.check(ctx, b, connect); err == nil {
			err = e
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			b.log.Error("the disk of the broker", "store", b.store, "error", err)
		}
	}
}

// adjustLimit looks once; where the disk has room, only if measure is true.
func (b *Broker) adjustLimit(ctx context.Context, connect func(...nats.Option) (*nats.Conn, error), l Limits, measure bool) error {
	free, size, known := diskBytes(b.store)
	if !known {
		return nil
	}
	spare := int64(free) - int64(min(size/10, lowSpaceMost))
	if b.ballast.used() { // there has to be room for it again
		spare -= b.ballast.size
	}
	if spare >= 0 {
		if err := b.ballast.make(spare); err != nil || !measure {
			return err
		}
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
	s, err := js.Stream(ctx, wire.ResultsStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c := capacity{limit: s.CachedInfo().Config.MaxBytes, counted: int64(s.CachedInfo().State.Bytes), onDisk: blocksOnDisk(b.store, wire.ResultsStream), spare: spare}
	if l.Watched && !b.clustered() { // of a cluster each server sees its own disk only
		c.asked = l.ResultsBytes
	}
	return b.setLimit(ctx, js, s.CachedInfo().Config, c)
}

// setLimit changes the limit of the results, and what the stream says of its compression.
func (b *Broker) setLimit(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig, c capacity) error {
	next := c.next()
	if c.spare < 0 && next >= c.counted {
		return fmt.Errorf("%s are missing, and results take no more than %s: free some space", sizeText(-c.spare), sizeText(next))
	}
	if next > c.limit && c.limit > 0 {
		for _, r := range b.Space(ctx) {
			next = max(c.limit, min(next, c.limit+r.Left)) // max_file_store of a configuration
		}
	}
	news := !b.clustered() && describe(&config, c)
	if next == c.limit && !news {
		return nil
	}
	config.MaxBytes = next
	if _, err := js.UpdateStream(ctx, config); err != nil {
		return fmt.Errorf("change the limit of the results from %s to %s: %w", sizeText(c.limit), sizeText(next), err)
	}
	switch {
	case c.spare < 0:
		b.log.Warn("the disk of the broker is short of space: deleting the oldest results", "store", b.store, "missing", sizeText(-c.spare),
			"results", sizeText(next), "were", sizeText(c.counted))
	case next != c.limit:
		b.log.Info("the limit of the results follows their compression", "limit", sizeText(next), "was", sizeText(c.limit),
			"results", sizeText(c.counted), "on_disk", sizeText(c.onDisk))
	}
	return nil
}

// describe has the stream say how much compression saves, for consoles, which see no
// disk, and what it should take there, of which an agent's share is a part; it
// returns whether that is news.
func describe(config *jetstream.StreamConfig, c capacity) (news bool) {
	say := func(key, value string) {
		if config.Metadata[key] != value {
			config.Metadata[key], news = value, true
		}
	}
	if config.Metadata == nil {
		config.Metadata = map[string]string{}
	}
	if c.asked > 0 {
		say(wire.SizeKey, strconv.FormatInt(c.asked, 10))
	}
	if c.counted < enoughToMeasure || c.onDisk <= 0 {
		return news
	}
	now := float64(c.counted) / float64(c.onDisk)
	if was, err := strconv.ParseFloat(config.Metadata[wire.CompressionKey], 64); err != nil || now > 1.05*was || now < 0.95*was {
		say(wire.CompressionKey, strconv.FormatFloat(now, 'f', 2, 64))
	}
	return news
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
