package dns

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"netmon/internal/probetest"
	"netmon/wire"
)

// floods is a server over TCP that answers a query with one message for ever, and
// counts what it could send.
func floods(t *testing.T, message func(query []byte) []byte) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var n [2]byte
				if _, err := io.ReadFull(c, n[:]); err != nil {
					return
				}
				q := make([]byte, binary.BigEndian.Uint16(n[:]))
				if _, err := io.ReadFull(c, q); err != nil {
					return
				}
				m := message(q)
				frame := append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
				for {
					if _, err := c.Write(frame); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestDNS_StreamOfStrays: over a connection nobody but the server can send what is
// no answer, so a few of it end the run, long before its time is over.
func TestDNS_StreamOfStrays(t *testing.T) {
	for name, c := range map[string]struct {
		message func(q []byte) []byte
		text    string
	}{
		"answers to another query": {func(q []byte) []byte { q[0]++; q[2] |= 0x80; return q }, "its id is "},
		"our query, sent back":     {func(q []byte) []byte { return q }, "its QR bit makes it a query"},
		"nothing":                  {func([]byte) []byte { return nil }, "its length is 0 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "dns", "www.example@"+floods(t, c.message), `{"transport":"tcp"}`)
			probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
			if d := probetest.DetailsOf[Details](t, r); d.Strays != maxStrays || !strings.HasPrefix(r.Error, "the server sent 16 messages over one connection, the last one no answer to our query: "+c.text) {
				t.Errorf("%d strays, %s", d.Strays, r.Error)
			}
		})
	}
}
