package probes

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"netmon/wire"
)

// httpBody is a body that was read.
type httpBody struct {
	sent     int64  // bytes as they came, before content decoding
	decoded  int64  // bytes after it
	encoding string // the content codings, as sent; "" for none
	opaque   bool   // an encoding that we cannot decode: what is decoded is what came
	sha256   string // of what is decoded; "" when it was not read to its end
	content  []byte // what is decoded, when it is wanted
}

// String says what came, for people.
func (b httpBody) String() string {
	switch {
	case b.encoding == "":
		return fmt.Sprintf("%d bytes", b.sent)
	case b.opaque:
		return fmt.Sprintf("%d bytes, %s, not decoded", b.sent, b.encoding)
	}
	return fmt.Sprintf("%d bytes, %s, %d decoded", b.sent, b.encoding, b.decoded)
}

// httpMaxCodings bounds content codings upon one another.
const httpMaxCodings = 3

// errHTTPOver is a body that is larger than is wanted.
var errHTTPOver = errors.New("over the limit")

// readBody reads the body to its end, within the limits of max_body.
func (x *httpRun) readBody(ctx context.Context, resp *http.Response) (httpBody, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols { // what follows is no body
		return httpBody{}, nil
	}
	encoding := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ", "))
	b, err := decodeBody(resp.Body, encoding, x.MaxBody, x.Expect.wantsContent())
	b.encoding = clip(x.hide(b.encoding))
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, errHTTPOver):
		return b, fail(wire.FailLimit, "the body is over %d bytes (max_body): %s so far", x.MaxBody, b)
	case errors.Is(err, errHTTPCoding):
		return b, fail(wire.FailBadAnswer, "the body is not %s: %s", b.encoding, clip(x.hide(err.Error())))
	}
	return b, x.failed(ctx, fmt.Sprintf("read the body, after %d bytes", b.sent), err)
}

// pour is io.Copy, whose buffer of 32 KiB is more than all else that a probe of a
// short page allocates: it begins with a small one.
func pour(w io.Writer, r io.Reader) error {
	const small, large = 2 << 10, 32 << 10
	buf := make([]byte, small)
	for {
		n, err := r.Read(buf)
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case n == small:
			buf = make([]byte, large)
		}
	}
}

// errHTTPCoding is a body that is not what its Content-Encoding says.
var errHTTPCoding = errors.New("bad content coding")

// decodeBody reads r to its end and takes the content codings off (RFC 9110
// section 8.4.1). Neither what comes nor what it decodes to may be over most
// bytes; the content is kept only if it is wanted. What was read until an error
// comes with it.
func decodeBody(r io.Reader, encoding string, most int64, keep bool) (httpBody, error) {
	b := httpBody{encoding: encoding}
	raw := &limitedReader{r: r, left: most}
	content, opaque := contentReader(raw, encoding)
	b.opaque = opaque
	if opaque || encoding == "identity" {
		content = raw
	}
	out := &limitedReader{r: content, left: most}
	var sum hash.Hash = sha256.New()
	var kept bytes.Buffer
	sink := io.Writer(sum)
	if keep {
		sink = io.MultiWriter(sum, &kept)
	}
	err := pour(sink, out)
	if err == nil { // what stands after the end of a coding is part of what came
		_, err = io.Copy(io.Discard, raw)
	}
	b.sent, b.decoded = raw.n, out.n
	if b.sent == 0 { // such as the answer to HEAD
		b.encoding = ""
	}
	switch {
	case errors.Is(err, errHTTPOver), raw.err != nil:
		if raw.err != nil {
			err = raw.err
		}
		return b, err
	case err != nil:
		return b, fmt.Errorf("%w: %w", errHTTPCoding, err)
	}
	b.sha256 = hex.EncodeToString(sum.Sum(nil))
	b.content = kept.Bytes()
	return b, nil
}

// contentReader decodes what r gives; opaque when it cannot.
func contentReader(r io.Reader, encoding string) (content io.Reader, opaque bool) {
	content = r
	codings := strings.Split(encoding, ",")
	if len(codings) > httpMaxCodings {
		return nil, true
	}
	for i := len(codings) - 1; i >= 0; i-- { // listed in the order in which they were applied
		switch strings.TrimSpace(codings[i]) {
		case "", "identity":
		case "gzip", "x-gzip":
			content = &lazyReader{r: content, open: func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }}
		case "deflate":
			content = &lazyReader{r: content, open: openDeflate}
		default:
			return nil, true
		}
	}
	return content, false
}

// openDeflate opens the zlib format (RFC 1950), which "deflate" means, or the
// bare one (RFC 1951), which some servers send.
func openDeflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// lazyReader opens a decoder at the first byte: an empty body has no coding.
type lazyReader struct {
	r       io.Reader
	open    func(io.Reader) (io.Reader, error)
	decoder io.Reader
}

func (l *lazyReader) Read(p []byte) (int, error) {
	if l.decoder == nil {
		b := bufio.NewReader(l.r)
		if _, err := b.Peek(1); err != nil {
			return 0, err
		}
		d, err := l.open(b)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		l.decoder = d
	}
	return l.decoder.Read(p)
}

// limitedReader counts what it reads and fails beyond a limit.
type limitedReader struct {
	r    io.Reader
	left int64
	n    int64
	err  error // that ended it, unless it was the end
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		n, err = int(l.left), errHTTPOver
	}
	l.left -= int64(n)
	l.n += int64(n)
	if err != nil && err != io.EOF {
		l.err = err
	}
	return n, err
}
