package push

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/url"

	"github.com/klauspost/compress/gzip"
)

// packer compresses bodies by gzip, as fast as it can, but for a receiver on this host: to
// make a body smaller costs more than to make it.
type packer struct {
	out    bytes.Buffer
	gz     *gzip.Writer
	header http.Header
}

func newPacker(contentType string, to *url.URL) packer {
	p := packer{header: http.Header{"Content-Type": {contentType}}}
	if ofThisHost(to) {
		return p
	}
	p.header.Set("Content-Encoding", "gzip")
	p.gz, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is one of those there are
	return p
}

// ofThisHost says that nobody else reads what is sent there.
func ofThisHost(to *url.URL) bool {
	ip := net.ParseIP(to.Hostname())
	return to.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// pack is a body as it is sent, with the headers that say so, valid until the next call.
func (p *packer) pack(body []byte) ([]byte, error) {
	if p.gz == nil {
		return body, nil
	}
	p.out.Reset()
	p.gz.Reset(&p.out)
	_, err := p.gz.Write(body)
	err = errors.Join(err, p.gz.Close())
	return p.out.Bytes(), err
}
