package probes

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

func rrsigs(m *dns.Msg) (out []*dns.RRSIG) {
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if s, ok := rr.(*dns.RRSIG); ok {
				out = append(out, s)
			}
		}
	}
	return out
}

// rrsigEnd is when the first signature to expire does.
func rrsigEnd(m *dns.Msg, now time.Time) (first time.Time, ok bool) {
	for _, s := range rrsigs(m) {
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
func dnsSignatures(m *dns.Msg, now time.Time) (problem string, days int) {
	first, ok := rrsigEnd(m, now)
	if !ok {
		return "no RRSIG record", 0
	}
	for _, s := range rrsigs(m) {
		if from := rrsigTime(s.Inception, now); from.After(now) {
			return fmt.Sprintf("the signature of %s %s is not valid before %s", s.Hdr.Name, dnsTypeName(s.TypeCovered), from.Format(time.RFC3339)), 0
		}
	}
	left := first.Sub(now)
	days = int(left / (24 * time.Hour))
	if left < 0 {
		days--
	}
	return "", days
}
