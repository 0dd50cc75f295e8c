package engine

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"
)

// TestLookup_SearchList: names for which the same came are listed once.
func TestLookup_SearchList(t *testing.T) {
	w := NewLookupWatch(&ResolverHealth{}, "host")
	said := func(server, name string, qtype uint16, said string) {
		w.inquiries = append(w.inquiries, &inquiry{server: server, network: "udp", question: dns.Question{Name: name, Qtype: qtype}, answered: true, said: said, rcode: dns.RcodeServerFailure})
	}
	for _, name := range []string{"host.a.example.", "host.b.example.", "host."} {
		said("192.0.2.1:53", name, dns.TypeAAAA, "SERVFAIL")
		said("192.0.2.1:53", name, dns.TypeA, "SERVFAIL")
	}
	said("192.0.2.2:53", "host.", dns.TypeA, "REFUSED")
	said("192.0.2.2:53", "host.", dns.TypeAAAA, "no AAAA record of host, but one of other.test")
	want := "SERVFAIL for A and AAAA of host.a.example, host.b.example, host (asked 192.0.2.1:53); REFUSED for A (asked 192.0.2.2:53); no AAAA record of host, but one of other.test (asked 192.0.2.2:53)"
	if got, denied := w.Summary(); got != want || denied {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i := range 100 {
		w.inquiries = append(w.inquiries, &inquiry{server: "192.0.2.1:53", question: dns.Question{Name: fmt.Sprintf("host.%d.example.", i), Qtype: dns.TypeA}, answered: true, said: []string{"SERVFAIL", fmt.Sprint(i)}[i/50]})
	}
	if got, _ := w.Summary(); len(got) > 600 {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}
