package web

import (
	"bytes"
	"compress/flate"
)

// chunk is an event, once for everybody.
type chunk struct {
	version uint64
	plain   []byte
	packed  []byte // deflated, and complete in itself: it follows any other one in one stream
}

// pack encodes an event once for all.
func (f *feed) pack(e *event) (chunk, error) {
	plain, err := e.encode()
	if err != nil {
		return chunk{}, err
	}
	packers := &f.s.feeds.packers
	w, ok := packers.Get().(*flate.Writer)
	if !ok {
		w = newPacker()
	}
	defer packers.Put(w)
	return packText(w, e.Version, plain)
}

// newPacker is of most of a megabyte: many feeds share few.
func newPacker() *flate.Writer {
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil {
		panic(err) // there is this level
	}
	return w
}

func packText(w *flate.Writer, version uint64, plain []byte) (chunk, error) {
	var b bytes.Buffer
	w.Reset(&b)
	_, err := w.Write(plain)
	if err == nil {
		err = w.Flush() // ends at a byte, with nothing that a later chunk would need
	}
	return chunk{version: version, plain: plain, packed: b.Bytes()}, err
}
