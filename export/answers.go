package export

import (
	"compress/gzip"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"netmon/internal/httpserve"
)

// Bounds of answers.
const (
	makingMost  = 4                // answers that are made at a time; more wait
	answersMost = 64               // under way at a time, with those that are still being read
	eachMost    = 16               // of these to one address
	writeWithin = 30 * time.Second // for one answer
)

// answers bounds what is answered at a time, and keeps the room of one answer for the next. Who
// reads an answer slowly holds no place where others are made.
type answers struct {
	making chan struct{} // a place for each answer that is made

	mu  sync.Mutex     // guards what follows
	all int            // under way
	by  map[string]int // these by who asked

	writers, packers sync.Pool
}

func newAnswers() *answers {
	return &answers{making: make(chan struct{}, makingMost), by: map[string]int{}}
}

// bound refuses a request while too many are under way, in all or of who asks.
func (a *answers) bound(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := clientOf(r)
		if !a.enter(who) {
			http.Error(w, "too many answers are under way: ask less at once, and read faster", http.StatusServiceUnavailable)
			return
		}
		defer a.leave(who)
		next(w, r)
	}
}

func (a *answers) enter(who string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all >= answersMost || a.by[who] >= eachMost {
		return false
	}
	a.all++
	a.by[who]++
	return true
}

func (a *answers) leave(who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.all--
	if a.by[who]--; a.by[who] == 0 {
		delete(a.by, who)
	}
}

// clientOf is the address that a request comes from.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// respond answers a scrape with what write writes, in the format that the request asks for.
func (a *answers) respond(w http.ResponseWriter, r *http.Request, write func(*Writer)) {
	ctx, cancel := context.WithTimeout(r.Context(), writeWithin)
	defer cancel()
	free, ok := acquire(ctx, a.making)
	if !ok {
		http.Error(w, "more is scraped than can be answered: scrape less often", http.StatusServiceUnavailable)
		return
	}
	out, _ := a.writers.Get().(*Writer)
	if out == nil {
		out = &Writer{}
	}
	defer a.writers.Put(out)
	data := func() []byte {
		defer free()
		out.Reset(AcceptedFormat(r.Header))
		write(out)
		return out.Bytes()
	}()

	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection has one
	h := w.Header()
	h.Set("Content-Type", out.format.ContentType())
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept, Accept-Encoding")
	if !packs(r) {
		_, _ = w.Write(data) // who asked is gone
		return
	}
	h.Set("Content-Encoding", "gzip")
	packer, _ := a.packers.Get().(*gzip.Writer)
	if packer == nil {
		packer, _ = gzip.NewWriterLevel(w, gzip.BestSpeed)
	} else {
		packer.Reset(w)
	}
	defer a.packers.Put(packer)
	_, _ = packer.Write(data) // who asked is gone
	_ = packer.Close()
}

// packs says whether an answer is packed: where who asks can unpack it, and is not on this host,
// to which packing only costs.
func packs(r *http.Request) bool {
	if !httpserve.TakesGzip(r) {
		return false
	}
	addr, err := netip.ParseAddr(clientOf(r))
	return err != nil || !addr.Unmap().IsLoopback()
}

// acquire takes one of the places for what costs much; false says that ctx ended first.
func acquire(ctx context.Context, places chan struct{}) (free func(), ok bool) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	case <-ctx.Done():
		return nil, false
	}
}
