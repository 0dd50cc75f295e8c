package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"netmon/wire"
)

// aliveEach is after how long a feed with nothing to say says that it is alive, so that what
// stands between keeps its streams open, and a viewer that is gone is found.
const aliveEach = 15 * time.Second

// gzipHead begins a gzip stream (RFC 1952, section 2.3): deflated chunks follow it, and the
// stream never ends by itself.
var gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}

var alive = mustPack(":\n\n")

func mustPack(text string) chunk {
	c, err := packText(newPacker(), 0, []byte(text))
	if err != nil {
		panic(err) // of memory
	}
	return c
}

// events streams what changes on a page, until its viewer leaves.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	key, name := r.FormValue("page"), r.FormValue("name")
	if name != "" {
		key += " " + name
		if wire.CheckElement(name) != nil {
			s.notFound(w, r)
			return
		}
	}
	if x := sessionOf(r); x != nil && !s.o.Open { // on the host all are one
		if !x.watches(1) {
			s.full(w)
			return
		}
		defer x.watches(-1)
	}
	f, err := s.feed(r.Context(), key)
	if errors.Is(err, errAbsent) {
		w.WriteHeader(http.StatusNoContent) // the browser does not ask again
		return
	}
	var v *viewer
	if err == nil {
		version, _ := strconv.ParseUint(r.FormValue("v"), 10, 64) // none is 0
		v, err = f.watch(r.FormValue("feed"), version)
	}
	switch {
	case errors.Is(err, errFull):
		s.full(w)
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	defer f.unwatch(v)
	out := stream{w: w, c: http.NewResponseController(w), gzip: takesGzip(r)}
	if r.Method == http.MethodHead || !out.begin() {
		return
	}
	var over <-chan struct{} // of a session: who was signed out sees no more
	if x := sessionOf(r); x != nil && !s.o.Open {
		over = x.ctx.Done()
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-over:
			return
		case c := <-v.events:
			if !out.send(c) {
				return
			}
		case <-v.gone:
			return
		}
	}
}

// stream writes chunks to one viewer.
type stream struct {
	w    http.ResponseWriter
	c    *http.ResponseController
	gzip bool
}

func (o *stream) begin() bool {
	h := o.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx passes each event on at once
	_ = o.c.SetReadDeadline(time.Time{})
	if o.gzip {
		h.Set("Content-Encoding", "gzip")
	}
	o.w.WriteHeader(http.StatusOK)
	if !o.gzip {
		return o.write([]byte("retry: 2000\n\n"))
	}
	return o.write(gzipHead) && o.send(hello)
}

var hello = mustPack("retry: 2000\n\n")

func (o *stream) send(c chunk) bool {
	if o.gzip {
		return o.write(c.packed)
	}
	return o.write(c.plain)
}

// write sends at once, and says whether the other side took it in time.
func (o *stream) write(data []byte) bool {
	_ = o.c.SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection has one
	_, err := o.w.Write(data)
	return err == nil && o.c.Flush() == nil
}
