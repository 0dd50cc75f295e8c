package broker

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
)

// spaceNeeded must be there before the server is started again after a full
// disk: one block of messages.
const spaceNeeded = 8 << 20

// hasDiskSpace tries whether the folder takes data again. It asks the file system
// first, so as not to fill a full disk's last bytes, and then writes, because
// the file system does not report quotas.
func hasDiskSpace(dir string) (err error) {
	if free, _, ok := diskBytes(dir); ok && free < 2*spaceNeeded {
		return fmt.Errorf("%d bytes are free on the disk of %s, want %d", free, dir, 2*spaceNeeded)
	}
	path := filepath.Join(dir, "netmon.room")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	piece := make([]byte, 1<<20)
	for range spaceNeeded / len(piece) {
		if _, err = f.Write(piece); err != nil {
			break
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// promised is what the streams of a store may hold by their own limits, bytes. A
// server that may store less than that refuses results once it holds as much.
func promised(store string) (bytes int64) {
	files, _ := filepath.Glob(filepath.Join(store, jetStreamFolder, "*", streamsFolder, "*", "meta.inf")) // nats-server's names
	for _, f := range files {
		data, err := os.ReadFile(f)
		var config struct {
			MaxBytes int64 `json:"max_bytes"`
		}
		if err == nil && json.Unmarshal(data, &config) == nil { // else the server says what is wrong with it
			bytes += max(0, config.MaxBytes)
		}
	}
	return bytes
}

// DefaultLimits is [DefaultLimits] made to fit this broker: results take at
// most half of what the store may use, and half of what its disk can give. A
// stream that may outgrow its disk fills it and then stands still. Where AdjustLimit
// lets the limit follow their compression, that is bytes on disk.
func (b *Broker) DefaultLimits() Limits {
	l := DefaultLimits()
	if !b.options().JetStream {
		return l
	}
	l.Watched = !b.clustered()
	part := int64(2)
	if l.Watched { // half of the disk, of which counted made the server's figure
		part = 1 + mostSaved
	}
	l.ResultsBytes = min(l.ResultsBytes, b.options().JetStreamMaxStore/part)
	if free, _, ok := diskBytes(b.store); ok {
		used := blocksOnDisk(b.store, "*") // the server counts them before compression
		if b.ballast.there() {
			used += b.ballast.size
		}
		l.ResultsBytes = min(l.ResultsBytes, (int64(free)+used)/2)
	}
	// Rounded down to a power of two, it is the same again at most starts.
	l.ResultsBytes = max(int64(1)<<(bits.Len64(uint64(max(l.ResultsBytes, 1)))-1), 1<<20)
	return l
}
