package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"netmon/probes/internal/figures"
)

// DNSMaxChain is how many CNAME and DNAME records of one answer are followed.
// Resolvers follow 16 and less.
const DNSMaxChain = 32

// OwnedAnswer is an answer section, sorted by whose the records are: whoever asks for
// a name learns nothing from a record of another one (RFC 2181 section 5.4.1, RFC
// 5452 section 6).
type OwnedAnswer struct {
	Question dns.Question
	Names    []string // the name asked for, and those that it leads to
	end      string   // why the last of them leads no further although it has a CNAME record; "" mostly
	Records  []dns.RR // of these names
	Others   []dns.RR // of names that nothing leads to
	Found    int      // records of the type asked for
}

// OwnedBy follows the CNAME and DNAME records of an answer (RFC 1034 section
// 3.6.2, RFC 6672 section 2.3), in whichever order they are.
func OwnedBy(m *dns.Msg) OwnedAnswer {
	if len(m.Question) == 0 {
		return OwnedAnswer{}
	}
	o := OwnedAnswer{Question: m.Question[0], Names: []string{m.Question[0].Name}, Records: m.Answer}
	o.follow(m.Answer)
	if slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return !o.owns(rr) }) {
		o.Records = nil
		for _, rr := range m.Answer {
			if o.owns(rr) {
				o.Records = append(o.Records, rr)
			} else {
				o.Others = append(o.Others, rr)
			}
		}
	}
	for _, rr := range o.Records {
		if o.Asked(rr) {
			o.Found++
		}
	}
	return o
}

func (o *OwnedAnswer) follow(answer []dns.RR) {
	if t := o.Question.Qtype; t == dns.TypeCNAME || t == dns.TypeANY {
		return // these are answered by the record itself
	}
	for {
		next := o.target(answer)
		switch {
		case next == "":
			return
		case slices.ContainsFunc(o.Names, func(n string) bool { return strings.EqualFold(n, next) }):
			o.end = "a CNAME loop: " + PlainName(o.last()) + " leads back to " + PlainName(next)
			return
		case len(o.Names) > DNSMaxChain:
			o.end = fmt.Sprintf("a chain of more than %d CNAME records", DNSMaxChain)
			return
		}
		o.Names = append(o.Names, next)
	}
}

// target is where the last name leads, "" for nowhere.
func (o *OwnedAnswer) target(answer []dns.RR) (next string) {
	last := o.last()
	for _, rr := range answer {
		switch rr := rr.(type) {
		case *dns.CNAME:
			if o.inClass(rr) && strings.EqualFold(rr.Hdr.Name, last) {
				return rr.Target
			}
		case *dns.DNAME:
			if o.inClass(rr) && isBelow(last, rr.Hdr.Name) {
				next = last
				if rr.Hdr.Name != "." {
					next = last[:len(last)-len(rr.Hdr.Name)]
				}
				next += strings.TrimPrefix(rr.Target, ".")
				if _, ok := dns.IsDomainName(next); !ok {
					next = "" // longer than a name can be: the server says YXDOMAIN
				}
			}
		}
	}
	return next
}

// isBelow says whether a name is one of those below the zone, and not the zone itself.
func isBelow(name, zone string) bool {
	return len(name) > len(zone) && dns.IsSubDomain(zone, name)
}

func (o *OwnedAnswer) last() string { return o.Names[len(o.Names)-1] }

func (o *OwnedAnswer) inClass(rr dns.RR) bool {
	return o.Question.Qclass == dns.ClassANY || rr.Header().Class == o.Question.Qclass
}

// owns says whether a record is one of the names', or the DNAME record that led from one.
func (o *OwnedAnswer) owns(rr dns.RR) bool {
	if !o.inClass(rr) {
		return false
	}
	owner := rr.Header().Name
	sig, _ := rr.(*dns.RRSIG)
	dname := rr.Header().Rrtype == dns.TypeDNAME || sig != nil && sig.TypeCovered == dns.TypeDNAME
	return slices.ContainsFunc(o.Names, func(n string) bool { return strings.EqualFold(n, owner) || dname && isBelow(n, owner) })
}

// Under says whether one of the names is in this zone: so the records of the
// authority section are about it.
func (o *OwnedAnswer) Under(zone string) bool {
	return slices.ContainsFunc(o.Names, func(n string) bool { return dns.IsSubDomain(zone, n) })
}

// Asked says whether a record is of the type asked for.
func (o *OwnedAnswer) Asked(rr dns.RR) bool {
	switch t := o.Question.Qtype; t {
	case dns.TypeANY, dns.TypeMAILA, dns.TypeMAILB:
		return true
	default:
		return rr.Header().Rrtype == t
	}
}

// Wanted is what the answer should hold.
func (o *OwnedAnswer) Wanted() string {
	if len(o.Names) == 0 || o.Question.Qtype == dns.TypeANY {
		return "a record of the name"
	}
	return "a record of type " + DNSTypeName(o.Question.Qtype)
}

// Instead says what came instead of a record of the type asked for: "" when there
// is one, or when that is not to be expected, as with another code than NOERROR.
func (o *OwnedAnswer) Instead(m *dns.Msg) string {
	if o.Found > 0 || m.Rcode != dns.RcodeSuccess || m.Truncated || len(o.Names) == 0 {
		return ""
	}
	name, typ := PlainName(o.last()), DNSTypeName(o.Question.Qtype)
	none := "no " + typ + " record"
	if o.Question.Qtype == dns.TypeANY {
		none = "no record"
	}
	aliased := ""
	if len(o.Names) > 1 {
		aliased = "a CNAME to " + name + ", and "
	}
	switch {
	case o.end != "":
		return o.end
	case referral(m) != "":
		return aliased + referral(m) + ": this server does not hold " + name
	case aliased != "":
		return aliased + none + " of it"
	case len(o.Others) > 0:
		return none + " of " + name + ", but " + o.Foreign()
	case len(o.Records) > 0:
		return none + ", but " + figures.Counted(len(o.Records), DNSTypeName(o.Records[0].Header().Rrtype)+" record")
	}
	return none
}

// Denied says of which name it is said that it does not exist, where that is not
// the one that was asked for (RFC 6604 section 3).
func (o *OwnedAnswer) Denied(m *dns.Msg) string {
	if m.Rcode != dns.RcodeNameError || len(o.Names) < 2 {
		return ""
	}
	return " of " + PlainName(o.last()) + ", where a CNAME leads"
}

// Foreign describes the records that are not the names'.
func (o *OwnedAnswer) Foreign() string {
	h := o.Others[0].Header()
	if !o.inClass(o.Others[0]) {
		return figures.Counted(len(o.Others), "record") + " of class " + DNSClassName(h.Class)
	}
	text := "one of " + PlainName(h.Name)
	if n := len(o.Others) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// referral says that an answer leads on to other servers (RFC 2308 section 2.2.1),
// "" when it does not.
func referral(m *dns.Msg) string {
	if m.Authoritative {
		return ""
	}
	first, n := "", 0
	for _, rr := range m.Ns {
		switch rr := rr.(type) {
		case *dns.SOA:
			return ""
		case *dns.NS:
			if n++; n == 1 {
				first = PlainName(rr.Ns)
			}
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return "a referral to " + first
	}
	return fmt.Sprintf("a referral to %s and %d more", first, n-1)
}

// PlainName writes a name as people do, without the dot at its end.
func PlainName(name string) string {
	if name == "." {
		return "the root"
	}
	return figures.Clip(strings.TrimSuffix(name, "."))
}

// EDNSHint says why a server may have refused a query that another server takes:
// one that knows no EDNS answers with FORMERR or NOTIMP, and without OPT record
// (RFC 6891 section 7). "" where that is not the reason.
func EDNSHint(asked bool, m *dns.Msg) string {
	knows := m.IsEdns0() != nil
	switch {
	case !asked:
		return ""
	case m.Rcode == dns.RcodeBadVers, !knows && (m.Rcode == dns.RcodeFormatError || m.Rcode == dns.RcodeNotImplemented):
		return ": the query had EDNS, which this server does not seem to support"
	}
	return ""
}

// DNSTypeName is the name of a record type: A, or TYPE65280 where it has none.
func DNSTypeName(t uint16) string { return dns.Type(t).String() }

// DNSClassName is the name of a class: IN, or CLASS65280 where it has none.
func DNSClassName(c uint16) string { return dns.Class(c).String() }

// DNSRcodeName is the name of a response code: NXDOMAIN, or RCODE3841 where it has none.
func DNSRcodeName(code int) string {
	if code == dns.RcodeBadVers {
		return "BADVERS"
	}
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return fmt.Sprintf("RCODE%d", code)
}
