package targets

import (
	"bytes"
	"io"
	"net"

	"golang.org/x/net/http2"
)

// ServeH2 is a server of HTTP/2 without TLS that leaves what it says to the first
// request of a connection, on its stream, to answer. The connection is then closed.
func ServeH2(addr string, answer func(f *http2.Framer, c net.Conn, stream uint32)) (*HTTP, error) {
	return serveRaw(addr, func(_ *HTTP, c net.Conn) {
		if f, stream := BeginH2(c); stream > 0 {
			answer(f, c, stream)
		}
	})
}

// BeginH2 is a server's beginning of HTTP/2 over a connection, until the first
// request comes: its stream, 0 when none does.
func BeginH2(c net.Conn) (f *http2.Framer, stream uint32) {
	io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
	f = http2.NewFramer(c, c)
	f.AllowIllegalWrites = true
	f.WriteSettings()
	f.WriteSettingsAck()
	return f, H2Request(f)
}

// H2Request reads until a request comes; 0 when none does.
func H2Request(f *http2.Framer) (stream uint32) {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return 0
		}
		if h, ok := frame.(*http2.HeadersFrame); ok {
			return h.StreamID
		}
	}
}

// H2OK are the headers of a response with status 200 and nothing else; end says
// that it has no body.
func H2OK(stream uint32, end bool) http2.HeadersFrameParam {
	const status200 = 0x88 // RFC 7541 appendix A
	return http2.HeadersFrameParam{StreamID: stream, BlockFragment: []byte{status200}, EndHeaders: true, EndStream: end}
}

// H2Floods are frames of which a server can send any number, by a name.
func H2Floods() map[string]func(f *http2.Framer) {
	return map[string]func(f *http2.Framer){
		"PING":                 func(f *http2.Framer) { f.WritePing(false, [8]byte{}) },
		"PING that answers":    func(f *http2.Framer) { f.WritePing(true, [8]byte{}) },
		"SETTINGS":             func(f *http2.Framer) { f.WriteSettings() },
		"SETTINGS that answer": func(f *http2.Framer) { f.WriteSettingsAck() },
		"WINDOW_UPDATE":        func(f *http2.Framer) { f.WriteWindowUpdate(0, 1) },
		"RST_STREAM of others": func(f *http2.Framer) { f.WriteRSTStream(3, http2.ErrCodeCancel) },
		"frames of no type":    func(f *http2.Framer) { f.WriteRawFrame(0xee, 0, 0, make([]byte, 100)) },
	}
}

// FloodH2 sends what once writes again and again, until the client has enough.
func FloodH2(c net.Conn, once func(f *http2.Framer)) {
	go io.Copy(io.Discard, c)
	var b bytes.Buffer
	f := http2.NewFramer(&b, nil)
	f.AllowIllegalWrites = true
	for b.Len() < 32<<10 {
		once(f)
	}
	for {
		if _, err := c.Write(b.Bytes()); err != nil {
			return
		}
	}
}
