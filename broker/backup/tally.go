package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
)

// Tally is what a snapshot has.
type Tally struct {
	Messages uint64    `json:"messages"`
	First    uint64    `json:"first,omitempty"` // sequence
	Last     uint64    `json:"last,omitempty"`
	From     time.Time `json:"from,omitzero"` // of the oldest message
	To       time.Time `json:"to,omitzero"`
	Largest  int64     `json:"largest"` // bytes of a message with its headers
}

// errCut says that a snapshot ends too early.
var errCut = errors.New("the snapshot ends too early")

// count reads a snapshot to its end, in little memory. counted is false for the
// form of nats-server before 2.15, a tar of blocks.
func count(r io.Reader, seen func(messages uint64)) (t Tally, counted bool, err error) {
	plain := s2.NewReader(r)
	head := make([]byte, len(archive.MagicBytes))
	if _, err := io.ReadFull(plain, head); err != nil {
		return t, false, errors.Join(errCut, err)
	}
	whole := io.MultiReader(bytes.NewReader(head), plain)
	if string(head) != archive.MagicBytes {
		return t, false, skim(whole)
	}
	in := archive.NewReader(whole)
	for {
		h, err := in.Next()
		if err != nil { // io.EOF, too: the end is a message of its own
			return t, false, errors.Join(errCut, err)
		}
		switch {
		case h.Sequence == 0 && h.Name == "":
			// What is behind the end, if anything, is the compression's own.
			_, err := io.Copy(io.Discard, plain)
			return t, true, err
		case h.Sequence == 0: // state.json
			continue
		}
		at := time.Unix(0, h.Timestamp).UTC()
		if t.Messages == 0 {
			t.First, t.From = h.Sequence, at
		}
		t.Messages, t.Last, t.To = t.Messages+1, h.Sequence, at
		t.Largest = max(t.Largest, h.HeaderSize+h.PayloadSize)
		seen(t.Messages)
	}
}

// skim reads a snapshot of an older server, which puts its troubles into a file.
func skim(r io.Reader) error {
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(errCut, err)
		}
		if h.Name == "errors.txt" {
			why, _ := io.ReadAll(io.LimitReader(in, 1000))
			return fmt.Errorf("the broker could not read the stream: %s", why)
		}
	}
}
