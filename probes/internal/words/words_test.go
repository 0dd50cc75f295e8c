package words

import (
	"testing"

	"github.com/miekg/dns"
)

// TestGoWords_HTTP: a server that talks before it is asked, and may be seen to do so.
func TestGoWords_HTTP(t *testing.T) {
	for text, want := range map[string]string{
		"readLoopPeekFailLocked: %!w(<nil>)":                        "something came before the request was sent",
		"readLoopPeekFailLocked: read tcp 127.0.0.1:1: odd failure": "odd failure",
	} {
		if got := GoWords(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestGoWords_DNS: nothing of the DNS library's own words is left.
func TestGoWords_DNS(t *testing.T) {
	for text, want := range map[string]string{
		"dns: overflow unpacking a":                             "a field goes past its end",
		"dns: overflow unpacking uint64 as uint48":              "a field goes past its end",
		dns.ErrBuf.Error():                                      "a field goes past its end",
		"bad question name: " + dns.ErrBuf.Error():              "bad question name: a field goes past its end",
		"dns: too many compression pointers":                    "a name refers to itself",
		dns.ErrRdata.Error():                                    "bad rdata",
		"read the answer: dns: overflow unpacking domain names": "read the answer: a field goes past its end",
	} {
		if got := GoWords(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
