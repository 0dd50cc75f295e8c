package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"
)

// stream writes results and verdicts to standard output, one JSON object a line.
type stream struct {
	out  io.Writer
	of   *Batch
	rest []byte // of the batch, that is to be written
	busy chan written
}

type written struct {
	n   int
	err error
}

// NDJSONStream is a destination that is a stream, such as standard output.
func NDJSONStream(w io.Writer, name string) Destination {
	return Destination{Name: "NDJSON on " + name, File: fileName("ndjson-stream", "", name), Sink: &stream{out: w}, Most: 2000, Every: 50 * time.Millisecond, Grace: time.Second}
}

// Send writes a batch, or what an earlier try left of it. Who reads may stop doing so, as
// less does: then the writing is left behind when ctx ends.
func (s *stream) Send(ctx context.Context, b *Batch) error {
	if s.of != b {
		s.of, s.rest = b, encodeLines(nil, b)
	}
	for len(s.rest) > 0 {
		if s.busy == nil {
			busy, rest := make(chan written, 1), s.rest
			s.busy = busy
			go func() {
				n, err := s.out.Write(rest)
				busy <- written{n, err}
			}()
		}
		select {
		case w := <-s.busy:
			s.busy, s.rest = nil, s.rest[w.n:]
			if w.err != nil {
				return broken(w.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// broken is a [*Broken] where nobody reads any more.
func broken(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) || errors.Is(err, fs.ErrClosed) {
		return &Broken{fmt.Errorf("nobody reads it any more: %w", err)}
	}
	return err
}
