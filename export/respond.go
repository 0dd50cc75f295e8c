package export

import (
	"compress/gzip"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"netmon/internal/httpserve"
)

// Respond answers a scrape with what write writes, in the format that the request asks
// for.
func (s *Series) Respond(w http.ResponseWriter, r *http.Request, write func(*Writer)) {
	out, _ := s.writers.Get().(*Writer)
	if out == nil {
		out = &Writer{}
	}
	defer s.writers.Put(out)
	out.Reset(AcceptedFormat(r.Header))
	write(out)
	data := out.Bytes()

	h := w.Header()
	h.Set("Content-Type", out.format.ContentType())
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept, Accept-Encoding")
	if !packs(r) {
		_, _ = w.Write(data) // who asked is gone
		return
	}
	h.Set("Content-Encoding", "gzip")
	packer, _ := s.packers.Get().(*gzip.Writer)
	if packer == nil {
		packer, _ = gzip.NewWriterLevel(w, gzip.BestSpeed)
	} else {
		packer.Reset(w)
	}
	defer s.packers.Put(packer)
	_, _ = packer.Write(data) // who asked is gone
	_ = packer.Close()
}

// packs says whether an answer is packed: where who asks can unpack it, and is not on this host,
// to which packing only costs.
func packs(r *http.Request) bool {
	if !httpserve.TakesGzip(r) {
		return false
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err != nil || !a.Unmap().IsLoopback()
}

// pools hold what one answer leaves to the next.
type pools struct{ snapshots, writers, packers sync.Pool }
