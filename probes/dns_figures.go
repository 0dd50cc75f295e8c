package probes

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// DNSDetails is what a DNS probe learns.
type DNSDetails struct {
	Question     string `json:"question,omitempty" help:"name, class and type asked for"`
	Server       string `json:"server,omitempty" help:"address and port of the server asked"`
	Transport    string `json:"transport,omitempty" help:"transport of the answer: udp, tcp, tls or https"`
	ResolveNS    int64  `json:"resolve_ns,omitempty" help:"lookup of the server's name, ns; absent for an address"`
	ResolveAgeNS *int64 `json:"resolve_age_ns,omitempty" help:"age of the address, ns, when it comes from the cache that all monitors of an agent share; resolve_ns is then absent"`
	UDPRTTNS     int64  `json:"udp_rtt_ns,omitempty" help:"from the query over UDP to its truncated answer, ns; only when truncated"`
	ConnectNS    int64  `json:"connect_ns,omitempty" help:"TCP connect, ns"`
	TLSNS        int64  `json:"tls_ns,omitempty" help:"TLS handshake, ns"`
	RTTNS        int64  `json:"rtt_ns,omitempty" help:"from the query to the whole answer, without connecting, ns; the latency of the result"`
	Clock        string `json:"clock,omitempty" help:"what timed the answer: kernel or user"`
	Sent         int    `json:"sent,omitempty" help:"datagrams sent to this server over UDP"`
	Strays       int    `json:"strays,omitempty" help:"messages from the server's address and port that were no answer to our query, by id, name, type and class"`

	Rcode           string             `json:"rcode,omitempty" help:"response code (RFC 1035 section 4.1.1, IANA names), with the upper bits of EDNS"`
	ExtendedErrors  []DNSExtendedError `json:"extended_errors,omitempty" help:"extended errors (RFC 8914), at most 10"`
	Flags           []string           `json:"flags,omitempty" help:"flags set in the answer: aa tc rd ra ad cd"`
	AnswerCount     *int               `json:"answer_count,omitempty" help:"records in the answer section"`
	AuthorityCount  *int               `json:"authority_count,omitempty" help:"records in the authority section"`
	AdditionalCount *int               `json:"additional_count,omitempty" help:"records in the additional section, without OPT"`
	Answer          []string           `json:"answer,omitempty" help:"records of the answer section, as text; at most 100 of each section, of 1000 bytes each, and 16 KiB in all"`
	Authority       []string           `json:"authority,omitempty" help:"records of the authority section, as text"`
	Additional      []string           `json:"additional,omitempty" help:"records of the additional section, as text, without OPT"`
	MinTTL          *uint32            `json:"min_ttl_s,omitempty" help:"least TTL of a record in the answer section, s"`
	MaxTTL          *uint32            `json:"max_ttl_s,omitempty" help:"greatest TTL of a record in the answer section, s"`
	Serial          *uint32            `json:"serial,omitempty" help:"serial of the zone, of the SOA record in the answer or authority section"`
	RRSIGExpires    *time.Time         `json:"rrsig_expires,omitempty" help:"end of the first signature in the answer and authority sections to expire, UTC (RFC 4034 section 3.1.5)"`
	Size            int                `json:"size,omitempty" help:"answer as it came, bytes"`
	Truncated       bool               `json:"truncated,omitempty" help:"the answer over UDP was truncated; the other figures are then of the answer over TCP, unless retry_tcp is off"`

	EDNSVersion *int   `json:"edns_version,omitempty" help:"EDNS version of the answer; absent without OPT record (RFC 6891)"`
	EDNSUDPSize int    `json:"edns_udp_size,omitempty" help:"largest datagram that the server takes, bytes (RFC 6891 section 6.2.3)"`
	EDNSDO      bool   `json:"edns_do,omitempty" help:"the DO bit of the answer"`
	NSID        string `json:"nsid,omitempty" help:"the server's name for itself (RFC 5001): text, or 0x and hex when it is none"`
	Subnet      string `json:"client_subnet,omitempty" help:"client subnet in the answer (RFC 7871)"`
	SubnetScope *int   `json:"client_subnet_scope,omitempty" help:"prefix length that the answer holds for, of this subnet's address (RFC 7871 section 6)"`

	HTTPStatus  int        `json:"http_status,omitempty" help:"status of the HTTP response"`
	HTTPVersion string     `json:"http_version,omitempty" help:"protocol of the HTTP response, such as HTTP/2.0"`
	TLS         TLSFigures `json:"tls,omitzero"`
}

// DNSExtendedError is why an answer is as it is.
type DNSExtendedError struct {
	Code int    `json:"code" help:"info code (RFC 8914 section 4)"`
	Name string `json:"name,omitempty" help:"IANA name of the code"`
	Text string `json:"text,omitempty" help:"what the server adds"`
}

func (e DNSExtendedError) String() string {
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
func (d *DNSDetails) truncated() {
	d.Truncated = true
	d.UDPRTTNS, d.RTTNS, d.Clock, d.Size = d.RTTNS, 0, "", 0
}

// fill takes the figures out of an answer.
func (d *DNSDetails) fill(m *dns.Msg) {
	d.Rcode = dnsRcodeName(m.Rcode)
	d.Truncated = d.Truncated || m.Truncated && d.Transport == dnsUDP
	set := map[string]bool{"aa": m.Authoritative, "tc": m.Truncated, "rd": m.RecursionDesired, "ra": m.RecursionAvailable, "ad": m.AuthenticatedData, "cd": m.CheckingDisabled}
	for _, f := range dnsFlagNames {
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
	room := dnsMaxText
	d.Answer, d.Authority, d.Additional = records(m.Answer, &room), records(m.Ns, &room), records(additional, &room)
	for i, rr := range m.Answer {
		if ttl := rr.Header().Ttl; i == 0 {
			d.MinTTL, d.MaxTTL = new(ttl), new(ttl)
		} else {
			*d.MinTTL, *d.MaxTTL = min(*d.MinTTL, ttl), max(*d.MaxTTL, ttl)
		}
	}
	for _, section := range [][]dns.RR{m.Answer, m.Ns} {
		for _, rr := range section {
			if soa, ok := rr.(*dns.SOA); ok && d.Serial == nil {
				d.Serial = new(soa.Serial)
			}
		}
	}
	if first, ok := rrsigEnd(m, time.Now()); ok {
		d.RRSIGExpires = &first
	}
}

func (d *DNSDetails) fillEDNS(opt *dns.OPT) {
	d.EDNSVersion, d.EDNSUDPSize, d.EDNSDO = new(int(opt.Version())), int(opt.UDPSize()), opt.Do()
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_EDE:
			if len(d.ExtendedErrors) < 10 {
				d.ExtendedErrors = append(d.ExtendedErrors, DNSExtendedError{int(o.InfoCode), dns.ExtendedErrorCodeToString[o.InfoCode], clip(strings.TrimRight(o.ExtraText, "\x00"))})
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
			return clip("0x" + digits)
		}
	}
	return clip(string(b))
}
