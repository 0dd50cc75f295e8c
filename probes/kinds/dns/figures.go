package dns

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/probes/engine"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
)

// Details is what a DNS probe learns.
type Details struct {
	Question     string `json:"question,omitempty" help:"name, class and type asked for"`
	ReverseOf    string `json:"reverse_of,omitempty" help:"address in the target, whose name was asked for by its name in in-addr.arpa or ip6.arpa"`
	Server       string `json:"server,omitempty" help:"address and port of the server asked"`
	Transport    string `json:"transport,omitempty" help:"transport of the answer: udp, tcp, tls or https"`
	ResolveNS    int64  `json:"resolve_ns,omitempty" phase:"yes" help:"lookup of the server's name, ns; absent for an address"`
	ResolveAgeNS *int64 `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	UDPRTTNS     int64  `json:"udp_rtt_ns,omitempty" phase:"yes" help:"from the query over UDP to its truncated answer, ns; only when truncated"`
	ConnectNS    int64  `json:"connect_ns,omitempty" phase:"yes" help:"TCP connect, ns"`
	TLSNS        int64  `json:"tls_ns,omitempty" phase:"yes" help:"TLS handshake, ns"`
	RTTNS        int64  `json:"rtt_ns,omitempty" phase:"yes" help:"from the query to the whole answer, without connecting, ns; the latency of the result"`
	Clock        string `json:"clock,omitempty" help:"what timed the answer: kernel or user"`
	Sent         int    `json:"sent,omitempty" help:"datagrams sent to this server over UDP"`
	Strays       int    `json:"strays,omitempty" help:"messages from the server's address and port that were no answer to our query, by id, name, type and class"`

	Rcode           string          `json:"rcode,omitempty" help:"response code (RFC 1035 section 4.1.1, IANA names), with the upper bits of EDNS"`
	ExtendedErrors  []ExtendedError `json:"extended_errors,omitempty" help:"extended errors (RFC 8914), at most 10"`
	Flags           []string        `json:"flags,omitempty" help:"flags set in the answer: aa tc rd ra ad cd"`
	AnswerCount     *int            `json:"answer_count,omitempty" help:"records in the answer section"`
	AuthorityCount  *int            `json:"authority_count,omitempty" help:"records in the authority section"`
	AdditionalCount *int            `json:"additional_count,omitempty" help:"records in the additional section, without OPT"`
	FoundCount      *int            `json:"found_count,omitempty" help:"records of the type asked for, of the name or of where its CNAME and DNAME records lead"`
	OtherCount      int             `json:"other_count,omitempty" help:"records in the answer section of names that were neither asked for nor led to; no other figure and no expectation takes them for an answer"`
	Instead         string          `json:"instead,omitempty" help:"what came with NOERROR instead of a record of the type asked for, such as a referral"`
	Answer          []string        `json:"answer,omitempty" help:"records of the answer section, as text; at most 100 of each section, of 1000 bytes each, and 16 KiB in all"`
	Authority       []string        `json:"authority,omitempty" help:"records of the authority section, as text"`
	Additional      []string        `json:"additional,omitempty" help:"records of the additional section, as text, without OPT"`
	MinTTL          *uint32         `json:"min_ttl_s,omitempty" help:"least TTL of a record of the name, or of where it leads, in the answer section, s"`
	MaxTTL          *uint32         `json:"max_ttl_s,omitempty" help:"greatest TTL of such a record, s"`
	Serial          *uint32         `json:"serial,omitempty" help:"serial of the zone that the name is in, of the SOA record in the answer or authority section"`
	RRSIGExpires    *time.Time      `json:"rrsig_expires,omitempty" help:"end of the first signature in the answer and authority sections to expire, UTC (RFC 4034 section 3.1.5)"`
	Size            int             `json:"size,omitempty" help:"answer as it came, bytes"`
	Truncated       bool            `json:"truncated,omitempty" help:"the answer over UDP was truncated; the other figures are then of the answer over TCP, unless retry_tcp is off"`

	EDNSVersion *int   `json:"edns_version,omitempty" help:"EDNS version of the answer; absent without OPT record (RFC 6891)"`
	EDNSUDPSize int    `json:"edns_udp_size,omitempty" help:"largest datagram that the server takes, bytes (RFC 6891 section 6.2.3)"`
	EDNSDO      bool   `json:"edns_do,omitempty" help:"the DO bit of the answer"`
	NSID        string `json:"nsid,omitempty" help:"the server's name for itself (RFC 5001): text, or 0x and hex when it is none"`
	Subnet      string `json:"client_subnet,omitempty" help:"client subnet in the answer (RFC 7871)"`
	SubnetScope *int   `json:"client_subnet_scope,omitempty" help:"prefix length that the answer holds for, of this subnet's address (RFC 7871 section 6)"`

	HTTPStatus  int             `json:"http_status,omitempty" help:"status of the HTTP response"`
	HTTPVersion string          `json:"http_version,omitempty" help:"protocol of the HTTP response, such as HTTP/2.0"`
	TLS         tlsconf.Figures `json:"tls,omitzero"`
}

// ExtendedError is why an answer is as it is.
type ExtendedError struct {
	Code int    `json:"code" help:"info code (RFC 8914 section 4)"`
	Name string `json:"name,omitempty" help:"IANA name of the code"`
	Text string `json:"text,omitempty" help:"what the server adds"`
}

// String is it in one line, for people.
func (e ExtendedError) String() string {
	s := fmt.Sprintf("EDE %d", e.Code)
	if e.Name != "" {
		s += " (" + e.Name + ")"
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// truncated moves the figures of a truncated answer out of the way of the next.
func (d *Details) truncated() {
	d.Truncated = true
	d.UDPRTTNS, d.RTTNS, d.Clock, d.Size = d.RTTNS, 0, "", 0
}

// setAnswer takes the figures out of an answer, whose records o sorts.
func (d *Details) setAnswer(m *dns.Msg, o *engine.OwnedAnswer) {
	d.Rcode = engine.DNSRcodeName(m.Rcode)
	d.Truncated = d.Truncated || m.Truncated && d.Transport == dnsUDP
	set := map[string]bool{"aa": m.Authoritative, "tc": m.Truncated, "rd": m.RecursionDesired, "ra": m.RecursionAvailable, "ad": m.AuthenticatedData, "cd": m.CheckingDisabled}
	for _, f := range flagNames {
		if set[f] {
			d.Flags = append(d.Flags, f)
		}
	}
	var additional []dns.RR
	for _, rr := range m.Extra {
		if opt, ok := rr.(*dns.OPT); ok {
			d.fillEDNS(opt)
			continue
		}
		additional = append(additional, rr)
	}
	d.AnswerCount, d.AuthorityCount, d.AdditionalCount = new(len(m.Answer)), new(len(m.Ns)), new(len(additional))
	d.FoundCount, d.OtherCount, d.Instead = new(o.Found), len(o.Others), o.Instead(m)
	room := maxText
	d.Answer, d.Authority, d.Additional = records(m.Answer, &room), records(m.Ns, &room), records(additional, &room)
	for i, rr := range o.Records {
		if ttl := rr.Header().Ttl; i == 0 {
			d.MinTTL, d.MaxTTL = new(ttl), new(ttl)
		} else {
			*d.MinTTL, *d.MaxTTL = min(*d.MinTTL, ttl), max(*d.MaxTTL, ttl)
		}
	}
	for _, section := range [][]dns.RR{o.Records, m.Ns} {
		for _, rr := range section {
			if soa, ok := rr.(*dns.SOA); ok && d.Serial == nil && o.Under(soa.Hdr.Name) {
				d.Serial = new(soa.Serial)
			}
		}
	}
	if first, ok := rrsigEnd(signaturesIn(m, o), time.Now()); ok {
		d.RRSIGExpires = &first
	}
}

func (d *Details) fillEDNS(opt *dns.OPT) {
	d.EDNSVersion, d.EDNSUDPSize, d.EDNSDO = new(int(opt.Version())), int(opt.UDPSize()), opt.Do()
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_EDE:
			if len(d.ExtendedErrors) < 10 {
				d.ExtendedErrors = append(d.ExtendedErrors, ExtendedError{int(o.InfoCode), dns.ExtendedErrorCodeToString[o.InfoCode], figures.Clip(strings.TrimRight(o.ExtraText, "\x00"))})
			}
		case *dns.EDNS0_NSID:
			d.NSID = nsidText(o.Nsid)
		case *dns.EDNS0_SUBNET:
			d.Subnet, d.SubnetScope = fmt.Sprintf("%s/%d", o.Address, o.SourceNetmask), new(int(o.SourceScope))
		}
	}
}

// nsidText writes the opaque bytes as the text that they mostly are.
func nsidText(digits string) string {
	b, err := hex.DecodeString(digits)
	if err != nil {
		return ""
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return figures.Clip("0x" + digits)
		}
	}
	return figures.Clip(string(b))
}
