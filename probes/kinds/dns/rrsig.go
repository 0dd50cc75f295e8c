package dns

import (
	"fmt"
	"time"

	"github.com/miekg/dns"

	"netmon/probes/engine"
)

// signaturesIn are those in the answer and authority sections that are about the
// names of the answer.
func signaturesIn(m *dns.Msg, o *engine.OwnedAnswer) (out []*dns.RRSIG) {
	for _, rr := range o.Records {
		if s, ok := rr.(*dns.RRSIG); ok {
			out = append(out, s)
		}
	}
	for _, rr := range m.Ns {
		if s, ok := rr.(*dns.RRSIG); ok && o.Under(s.SignerName) {
			out = append(out, s)
		}
	}
	return out
}

// rrsigEnd is when the first signature to expire does.
func rrsigEnd(signatures []*dns.RRSIG, now time.Time) (first time.Time, ok bool) {
	for _, s := range signatures {
		if end := rrsigTime(s.Expiration, now); !ok || end.Before(first) {
			first, ok = end, true
		}
	}
	return first, ok
}

// rrsigTime reads a time of a signature, seconds modulo 2^32, as the one that is
// nearest to now (RFC 4034 section 3.1.5).
func rrsigTime(stamp uint32, now time.Time) time.Time {
	return time.Unix(now.Unix()+int64(int32(stamp-uint32(now.Unix()))), 0).UTC()
}

// dnsSignatures says why there is no valid signature, or how many whole days the
// first to expire has left, negative when it has expired.
func dnsSignatures(signatures []*dns.RRSIG, now time.Time) (problem string, days int) {
	first, ok := rrsigEnd(signatures, now)
	if !ok {
		return "no RRSIG record", 0
	}
	for _, s := range signatures {
		if from := rrsigTime(s.Inception, now); from.After(now) {
			return fmt.Sprintf("the signature of %s %s is not valid before %s", s.Hdr.Name, engine.DNSTypeName(s.TypeCovered), from.Format(time.RFC3339)), 0
		}
	}
	left := first.Sub(now)
	days = int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return "", days
}
