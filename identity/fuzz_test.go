package identity

import (
	"strings"
	"testing"
)

// TestParseLine_PinBeginsWithDash: one fingerprint of 64 does.
func TestParseLine_PinBeginsWithDash(t *testing.T) {
	pin := "-" + strings.Repeat("A", 42)
	if l, err := ParseLine("tls://h:4222/join/token/" + pin); err != nil || l.Pin != pin {
		t.Errorf("%+v, %v", l, err)
	}
}

// FuzzParseLine has what is read of a line be the same when it is written and
// read again.
func FuzzParseLine(f *testing.F) {
	pin := strings.Repeat("A", 43)
	for _, seed := range []string{
		"tls://127.0.0.1:4222/join/token/" + pin,
		" tls://[::1]:4222/join/token/" + pin + "\n",
		"tls://[fe80::1%25eth0]:4222/join/token/" + pin,
		"tls://host:4222/join/to%2Fken/" + pin,
		"tls://host:4222/join/a%20b/" + pin,
		"tls://host:4222/join/a%3Fb/" + pin + "?x#y",
		"tls://me:secret@host:4222/join/token/" + pin,
		"nats://host:4222/join/token/" + pin,
		"tls://host/join/token/" + pin,
		"tls://host:4222/join/token/short", "tls://", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseLine(text)
		if err != nil {
			return
		}
		again, err := ParseLine(l.String())
		if err != nil || again != l {
			t.Errorf("%q is %+v, and written again %+v (%v)", text, l, again, err)
		}
	})
}
