package http

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"netmon/probes"
)

// wholeText takes a text as it comes, all of it.
func wholeText() *httpText {
	return &httpText{budget: (*probes.Env)(nil).BodyBudget(), whole: true}
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(text))
	z.Close()
	return b.String()
}

func TestDecodeBody(t *testing.T) {
	for name, c := range map[string]struct {
		in, encoding string
		most         int64
		want         string
		opaque       bool
		err          error
	}{
		"plain":                        {"hello", "", 5, "hello", false, nil},
		"nothing":                      {"", "", 5, "", false, nil},
		"nothing in gzip":              {"", "gzip", 5, "", false, nil},
		"over the limit":               {"hello!", "", 5, "", false, errHTTPOver},
		"identity":                     {"hello", "identity", 5, "hello", false, nil},
		"gzip":                         {gzipped("hello"), "gzip", 100, "hello", false, nil},
		"gzip of two members":          {gzipped("hel") + gzipped("lo"), "x-gzip", 100, "hello", false, nil},
		"gzip twice":                   {gzipped(gzipped("hello")), "gzip, gzip", 100, "hello", false, nil},
		"gzip and garbage after it":    {gzipped("hello") + "xyz", "gzip", 100, "", false, errHTTPCoding},
		"gzip, over the limit decoded": {gzipped(strings.Repeat("x", 1000)), "gzip", 999, "", false, errHTTPOver},
		"gzip, over the limit sent":    {gzipped("hello"), "gzip", 10, "", false, errHTTPOver},
		"no gzip":                      {"hello", "gzip", 100, "", false, errHTTPCoding},
		"half a gzip":                  {gzipped("hello")[:15], "gzip", 100, "", false, errHTTPCoding},
		"no deflate":                   {"\xff\xff\xff", "deflate", 100, "", false, errHTTPCoding},
		"something else":               {"hello", "br", 100, "hello", true, nil},
		"something else after gzip":    {"hello", "gzip, br", 100, "hello", true, nil},
		"too many":                     {"hello", "gzip,gzip,gzip,gzip", 100, "hello", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := wholeText()
			b, err := decodeBody(strings.NewReader(c.in), c.encoding, bodyWant{c.most, c.most + 1, text})
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if b.opaque != c.opaque || err == nil && (string(text.kept) != c.want || b.sent != int64(len(c.in)) || b.decoded != int64(len(c.want))) {
				t.Errorf("%+v, want %q", b, c.want)
			}
		})
	}
}

func FuzzDecodeBody(f *testing.F) {
	f.Add([]byte(gzipped("hello")), "gzip")
	f.Add([]byte(gzipped(gzipped("hello"))), "gzip, gzip")
	f.Add([]byte("\x78\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15"), "deflate")
	f.Add([]byte("hello"), "identity, br")
	f.Fuzz(func(t *testing.T, in []byte, encoding string) {
		const most = 4096
		text := wholeText()
		b, err := decodeBody(bytes.NewReader(in), encoding, bodyWant{most, most + 1, text})
		if b.sent > most || b.decoded > most || int64(len(text.kept)) > most {
			t.Errorf("%d sent, %d decoded", b.sent, b.decoded)
		}
		if err == nil {
			if len(text.kept) < int(b.decoded) { // a byte order mark
				text.kept = append([]byte("\xef\xbb\xbf"), text.kept...)
			}
			sum := sha256.Sum256(text.kept)
			if b.sent != int64(len(in)) || b.decoded != int64(len(text.kept)) || b.sha256 != hex.EncodeToString(sum[:]) {
				t.Errorf("%+v", b)
			}
		}
	})
}

func FuzzHeaderMeter(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nX: y\r\n\r\nbody"), 3)
	f.Add([]byte("HTTP/1.1 100 \n\nHTTP/1.1 204 No\n\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		whole, pieces := meter(in, len(in)), meter(in, step)
		if whole != pieces || whole > int64(len(in)) {
			t.Errorf("%d at once, %d in pieces of %d", whole, pieces, step)
		}
	})
}

// meter counts the headers of a response that comes in pieces.
func meter(in []byte, step int) int64 {
	m := newHeaderMeter(bytesConn{r: bytes.NewReader(in)})
	step = max(1, min(step, 1000))
	for p := make([]byte, step); ; {
		if _, err := m.Read(p); err != nil {
			return m.count()
		}
	}
}

// bytesConn is a connection from which bytes can be read, and nothing else.
type bytesConn struct {
	net.Conn
	r io.Reader
}

func (c bytesConn) Read(p []byte) (int, error) { return c.r.Read(p) }
