package http

import (
	"bufio"
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

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// body is a body that was read.
type body struct {
	sent     int64  // bytes as they came, before content decoding
	decoded  int64  // bytes after it
	encoding string // the content codings, as sent; "" for none
	opaque   bool   // an encoding that we cannot decode: what is decoded is what came
	asIs     bool   // the encoding is a word for none: it was read as it came
	cut      bool   // the rest was not read: option read_body
	sha256   string // of what is decoded; "" when it was not read to its end
	text     *httpText
}

// String says what came, for people.
func (b body) String() string {
	switch {
	case b.encoding == "" || b.cut && b.sent == 0:
		return sizeText(b.sent, b.cut)
	case b.asIs:
		return sizeText(b.sent, b.cut) + ", " + b.encoding
	case b.opaque:
		return sizeText(b.sent, b.cut) + ", " + b.encoding + ", not decoded"
	}
	return fmt.Sprintf("%s, %s, %d decoded", sizeText(b.sent, b.cut), b.encoding, b.decoded)
}

// sizeText is how much of a body came, all of it or, cut, its beginning.
func sizeText(n int64, cut bool) string {
	switch {
	case cut && n == 0:
		return "the headers alone"
	case cut && n == 1:
		return "the first byte"
	case cut:
		return fmt.Sprintf("the first %d bytes", n)
	}
	return figures.Counted(n, "byte")
}

// maxCodings bounds content codings upon one another.
const maxCodings = 3

// errHTTPOver is a body that is larger than is wanted.
var errHTTPOver = errors.New("over the limit")

// readBody reads the body to its end, within the limits of max_body.
func (x *httpRun) readBody(ctx context.Context, resp *http.Response) (body, error) {
	if resp.StatusCode == http.StatusSwitchingProtocols { // what follows is not a body
		return body{text: x.newText(resp)}, nil
	}
	encoding := strings.ToLower(strings.Join(resp.Header.Values("Content-Encoding"), ", "))
	want := bodyWant{most: x.MaxBody, enough: x.MaxBody + 1, text: x.newText(resp)}
	if x.ReadBody != nil && resp.ContentLength != 0 && x.m.method != http.MethodHead {
		want.enough = *x.ReadBody
	}
	if noCoding[encoding] {
		x.note("Content-Encoding %q is not a content coding: the body is read as it came", encoding)
	}
	b, err := decodeBody(resp.Body, encoding, want)
	b.encoding = figures.Clip(x.hide(b.encoding))
	switch {
	case err == nil:
		return b, nil
	case errors.Is(err, errHTTPOver):
		return b, probes.Fail(wire.FailLimit, "the body is over %d bytes (max_body): %s so far; read_body reads only its beginning", x.MaxBody, b)
	case errors.Is(err, errHTTPCoding) && errors.Is(err, io.ErrUnexpectedEOF):
		return b, probes.Fail(wire.FailBadAnswer, "the body breaks off within its content coding: %s", b)
	case errors.Is(err, errHTTPCoding):
		return b, probes.Fail(wire.FailBadAnswer, "the body is not %s: %s", b.encoding, figures.Clip(x.hide(err.Error())))
	}
	return b, x.failed(ctx, "read the body, after "+figures.Counted(b.sent, "byte"), "the rest of it", err)
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

// bodyWant is what is wanted of a body.
type bodyWant struct {
	most   int64     // neither what comes nor what it decodes to may be longer, bytes
	enough int64     // no more than that is read of what it decodes to, bytes; over most: all
	text   *httpText // what takes the text; nil when nobody wants it
}

// noCoding are words that are in Content-Encoding for none: clients read the
// body as it is.
var noCoding = map[string]bool{"none": true, "binary": true, "8bit": true, "7bit": true, "utf-8": true, "utf8": true}

// decodeBody reads r to its end, or as far as is enough, and takes the content
// codings off (RFC 9110 section 8.4.1). What was read until an error comes with it.
func decodeBody(r io.Reader, encoding string, want bodyWant) (body, error) {
	b := body{encoding: encoding, text: want.text}
	raw := &limitedReader{r: r, left: want.most}
	content, opaque := contentReader(raw, encoding)
	b.opaque = opaque
	if opaque {
		content = raw
	}
	b.asIs = !opaque && content == io.Reader(raw)
	out := &limitedReader{r: content, left: want.most}
	read := io.Reader(out)
	var part *partReader
	if want.enough <= want.most {
		part = &partReader{r: out, left: want.enough}
		read = part
	}
	var sum hash.Hash = sha256.New()
	sink := io.Writer(sum)
	if want.text != nil {
		sink = io.MultiWriter(sum, want.text)
	}
	err := pour(sink, read)
	b.cut = part != nil && part.cut
	if want.text != nil {
		want.text.end()
	}
	if err == nil && !b.cut { // what is after the end of a coding is part of what came
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
	if !b.cut {
		b.sha256 = hex.EncodeToString(sum.Sum(nil))
	}
	return b, nil
}

// contentReader decodes what r gives; opaque when it cannot.
func contentReader(r io.Reader, encoding string) (content io.Reader, opaque bool) {
	content = r
	codings := strings.Split(encoding, ",")
	if len(codings) > maxCodings {
		return nil, true
	}
	for i := len(codings) - 1; i >= 0; i-- { // listed in the order in which they were applied
		coding := strings.TrimSpace(codings[i])
		switch {
		case coding == "", coding == "identity", noCoding[coding]:
		case coding == "gzip", coding == "x-gzip":
			content = &lazyReader{r: content, open: openGzip}
		case coding == "deflate":
			content = &lazyReader{r: content, open: openDeflate}
		default:
			return nil, true
		}
	}
	return content, false
}

// openGzip opens what begins as gzip does (RFC 1952): what is too short to say is
// separated from what is something else.
func openGzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, _ := b.Peek(2); !strings.HasPrefix("\x1f\x8b", string(head)) {
		return nil, gzip.ErrHeader
	}
	return gzip.NewReader(b)
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

// partReader ends after so many bytes; cut says that there was more to come.
type partReader struct {
	r    io.Reader
	left int64
	cut  bool
}

func (p *partReader) Read(b []byte) (int, error) {
	if p.left == 0 {
		p.cut = true
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
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
