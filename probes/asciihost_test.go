package probes

import (
	"strings"
	"testing"
)

func TestAsciiHost(t *testing.T) {
	for in, want := range map[string]string{
		"example.com": "example.com", "Example.COM.": "Example.COM.", "_sip._tcp.bücher.example": "_sip._tcp.xn--bcher-kva.example", "straße.de": "xn--strae-oqa.de",
		"BÜCHER.example": "xn--bcher-kva.example", "bu\u0308cher.example": "xn--bcher-kva.example", "例え。テスト": "xn--r8jz45g.xn--zckzah", "ｅｘａｍｐｌｅ.com": "example.com",
		"１２７.０.０.１": "127.0.0.1", "xn--bcher-kva.example": "xn--bcher-kva.example",
	} {
		if got, err := ASCIIHost(in); got != want || err != nil {
			t.Errorf("asciiHost(%q) = %q, %v, want %q", in, got, err, want)
		}
		if got := bothForms(in); strings.HasPrefix(want, "xn--bcher") && got != "bücher.example (xn--bcher-kva.example)" {
			t.Errorf("bothForms(%q) = %q", in, got)
		}
	}
	for _, in := range []string{"b_ü.example", "ü／x.example", "a\u2100b.example", "\u200bü..", strings.Repeat("ü", 64) + ".example"} {
		if err := CheckHost(in); err == nil {
			t.Errorf("%q is taken for a host", in)
		}
	}
}
