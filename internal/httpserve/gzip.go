package httpserve

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// Packer packs texts by gzip, one after the other.
type Packer struct{ w *gzip.Writer }

// Pack is a text by gzip.
func (p *Packer) Pack(text []byte) []byte {
	b := bytes.NewBuffer(make([]byte, 0, len(text)/3+64))
	if p.w == nil {
		p.w, _ = gzip.NewWriterLevel(b, 5)
	} else {
		p.w.Reset(b)
	}
	_, _ = p.w.Write(text) // to memory
	_ = p.w.Close()
	return b.Bytes()
}

// TakesGzip says whether who asks can unpack it.
func TakesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}
