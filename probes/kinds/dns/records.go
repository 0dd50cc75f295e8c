package dns

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"netmon/probes/engine"
)

const (
	maxRecords = 100      // of a section that a result lists
	maxRecord  = 1000     // bytes of one of them
	maxText    = 16 << 10 // bytes of all of them
)

// records writes the records of a section, as far as there is room.
func records(rrs []dns.RR, room *int) []string {
	var out []string
	for _, rr := range rrs[:min(len(rrs), maxRecords)] {
		s := recordText(rr)
		if len(s) > maxRecord {
			s = fmt.Sprintf("%s... (%d bytes)", s[:maxRecord], len(s))
		}
		if *room -= len(s); *room < 0 {
			break
		}
		out = append(out, s)
	}
	return out
}

// recordText writes a record as name, TTL, class, type, data.
func recordText(rr dns.RR) string {
	h := rr.Header()
	return fmt.Sprintf("%s %d %s %s %s", h.Name, h.Ttl, engine.DNSClassName(h.Class), engine.DNSTypeName(h.Rrtype), dataText(rr))
}

// dataText is the data of a record as text, as dig writes it.
func dataText(rr dns.RR) string {
	if u, ok := rr.(*dns.RFC3597); ok { // of a type that the library does not know
		return fmt.Sprintf(`\# %d %s`, len(u.Rdata)/2, strings.ToUpper(u.Rdata))
	}
	return strings.ReplaceAll(strings.TrimPrefix(rr.String(), rr.Header().String()), "\t", " ")
}

// data reads the data of a record of this type as people write it. A text
// without quotes is one string.
func data(qtype, class uint16, s string) (dns.RR, error) {
	data := s
	if isText(qtype) && !strings.HasPrefix(strings.TrimSpace(s), `"`) {
		data = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		if len(s) > 255 { // the strings of a text are joined when it is compared
			data = ""
			for rest := s; rest != ""; {
				n := min(len(rest), 255)
				data += ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(rest[:n]) + `"`
				rest = rest[n:]
			}
		}
	}
	if strings.ContainsAny(data, "\n\r") || strings.TrimSpace(data) == "" {
		return nil, fmt.Errorf("want one line, the data of a record of type %s, got %q", engine.DNSTypeName(qtype), s)
	}
	if class == dns.ClassANY {
		class = dns.ClassINET
	}
	rr, err := dns.NewRR(fmt.Sprintf(". 0 %s %s %s", engine.DNSClassName(class), engine.DNSTypeName(qtype), data))
	if err != nil {
		text, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "dns: "), " at line: ")
		return nil, fmt.Errorf("want the data of a record of type %s, got %q: %s", engine.DNSTypeName(qtype), s, text)
	}
	return rr, nil
}

func isText(qtype uint16) bool { return qtype == dns.TypeTXT || qtype == dns.TypeSPF }

// sameData says whether two records of one type hold the same (RFC 2181 section
// 5): names in either case, texts however they are cut into strings.
func sameData(a, b dns.RR) bool {
	if a.Header().Rrtype != b.Header().Rrtype {
		return false
	}
	if text, ok := dnsText(a); ok {
		other, _ := dnsText(b)
		return text == other
	}
	if _, ok := a.(*dns.RFC3597); ok {
		return dataText(a) == dataText(b)
	}
	b = dns.Copy(b)
	b.Header().Name, b.Header().Class = a.Header().Name, a.Header().Class
	return dns.IsDuplicate(a, b)
}

// dnsText is the text of a record that holds one, its strings joined (RFC 7208 section 3.3).
func dnsText(rr dns.RR) (string, bool) {
	switch t := rr.(type) {
	case *dns.TXT:
		return strings.Join(t.Txt, ""), true
	case *dns.SPF:
		return strings.Join(t.Txt, ""), true
	}
	return "", false
}
