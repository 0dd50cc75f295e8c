package probes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// DNS asks one server for one name (RFC 1035).
type DNS struct {
	Common
	Server    string    `json:"server,omitempty" help:"HOST[:PORT] to ask; default: the first of the system's resolvers; NAME@SERVER in the target does the same"`
	Type      string    `json:"type,omitempty" help:"record type, such as A, AAAA, MX, TXT, or TYPE65"`
	Transport string    `json:"transport,omitempty" help:"udp or tcp"`
	Expect    DNSExpect `json:"expect,omitzero"`
}

// DNSExpect is what the answer must be like.
type DNSExpect struct {
	Rcode  []string `json:"rcode,omitempty" help:"response codes that are ok"`
	Answer string   `json:"answer,omitempty" help:"RE2 expression that one record of the answer section must match"`
}

// DNSDetails is what a DNS probe learns.
type DNSDetails struct {
	Question  string   `json:"question,omitempty" help:"name, class and type asked for"`
	Server    string   `json:"server,omitempty" help:"address and port of the server asked"`
	Transport string   `json:"transport,omitempty" help:"transport of the answer: udp or tcp"`
	ResolveNS int64    `json:"resolve_ns,omitempty" help:"lookup of the server's name, ns; absent for an address"`
	RTTNS     int64    `json:"rtt_ns,omitempty" help:"from the query to the answer, ns"`
	Rcode     string   `json:"rcode,omitempty" help:"response code (RFC 1035 section 4.1.1, IANA names)"`
	Flags     []string `json:"flags,omitempty" help:"flags set in the answer: aa tc rd ra ad cd"`
	Answer    []string `json:"answer,omitempty" help:"records of the answer section, as text, at most 100"`
	Authority []string `json:"authority,omitempty" help:"records of the authority section, as text, at most 100"`
	Size      int      `json:"size,omitempty" help:"answer, bytes"`
	Truncated bool     `json:"truncated,omitempty" help:"the answer over UDP was truncated and asked for again over TCP"`
}

func newDNS() DNS {
	return DNS{Type: "A", Transport: "udp", Expect: DNSExpect{Rcode: []string{"NOERROR"}}}
}

func (p DNS) qtype() (uint16, bool) {
	if t, ok := dns.StringToType[strings.ToUpper(p.Type)]; ok {
		return t, true
	}
	var n uint16
	_, err := fmt.Sscanf(strings.ToUpper(p.Type), "TYPE%d", &n)
	return n, err == nil
}

// question takes NAME or NAME@SERVER apart.
func (p DNS) question(target string) (name, server string, err error) {
	name, server, _ = strings.Cut(target, "@")
	if server == "" {
		server = p.Server
	}
	if _, ok := dns.IsDomainName(name); !ok || name == "" || strings.ContainsAny(name, " \t\r\n") {
		return "", "", fmt.Errorf("want a domain name or NAME@SERVER, got %q", target)
	}
	if server != "" {
		if server, err = hostPort(server, "53"); err != nil {
			return "", "", err
		}
	}
	return dns.Fqdn(name), server, nil
}

// Validate implements Probe.
func (p DNS) Validate(target string) error {
	var problems wire.Problems
	_, _, err := p.question(target)
	problems.Add("target", err)
	if _, ok := p.qtype(); !ok {
		problems.Addf("type", "unknown record type %q", p.Type)
	}
	if p.Transport != "udp" && p.Transport != "tcp" {
		problems.Addf("transport", "want udp or tcp, got %q", p.Transport)
	}
	for i, r := range p.Expect.Rcode {
		if _, ok := dns.StringToRcode[strings.ToUpper(r)]; !ok {
			problems.Addf(fmt.Sprintf("expect.rcode[%d]", i), "unknown response code %q", r)
		}
	}
	if _, err := regexp.Compile(p.Expect.Answer); err != nil {
		problems.Addf("expect.answer", "%q is no RE2 expression: %w", p.Expect.Answer, err)
	}
	return problems.Err()
}

// Measure implements Probe.
func (p DNS) Measure(ctx context.Context, run *Run) (DNSDetails, error) {
	var d DNSDetails
	name, server, err := p.question(run.Target)
	if err != nil {
		return d, err
	}
	if server == "" {
		conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
		if err != nil || len(conf.Servers) == 0 {
			return d, broken(wire.BrokenLocal, "find the system's resolver: no nameserver in /etc/resolv.conf: name one with server")
		}
		server = net.JoinHostPort(conf.Servers[0], conf.Port)
	}
	host, port, err := splitTarget(server, "53")
	if err != nil {
		return d, err
	}
	addrs, took, err := p.resolve(ctx, run, host)
	d.ResolveNS = int64(took)
	if err != nil {
		return d, err
	}
	to := netip.AddrPortFrom(addrs[0], port)
	qtype, _ := p.qtype()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	q.SetEdns0(1232, false)
	d.Question, d.Server, d.Transport = fmt.Sprintf("%s IN %s", name, dns.TypeToString[qtype]), to.String(), p.Transport
	run.Reached(to.Addr().String())
	a, err := p.exchange(ctx, run, q, p.Transport, to, &d)
	if err == nil && a.Truncated && p.Transport == "udp" {
		run.Stepf("truncated: asking again over TCP")
		d.Truncated, d.Transport = true, "tcp"
		a, err = p.exchange(ctx, run, q, "tcp", to, &d)
	}
	if err != nil {
		return d, err
	}
	d.fill(a)
	run.Stepf("%s with %d records from %s in %v", d.Rcode, len(a.Answer), to, time.Duration(d.RTTNS))
	run.Expect(slices.ContainsFunc(p.Expect.Rcode, func(r string) bool { return strings.EqualFold(r, d.Rcode) }),
		"expect.rcode", strings.Join(p.Expect.Rcode, " or "), d.Rcode)
	if p.Expect.Answer != "" {
		re := regexp.MustCompile(p.Expect.Answer)
		run.Expect(slices.ContainsFunc(d.Answer, re.MatchString), "expect.answer", p.Expect.Answer, strings.Join(d.Answer, "; "))
	}
	return d, nil
}

// exchange asks once and checks that the answer is for our question.
func (p DNS) exchange(ctx context.Context, run *Run, q *dns.Msg, transport string, to netip.AddrPort, d *DNSDetails) (*dns.Msg, error) {
	conn, _, err := p.dial(ctx, run, transport, []netip.Addr{to.Addr()}, to.Port())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	c := &dns.Client{Net: transport, Timeout: time.Until(deadline), UDPSize: 1232}
	a, rtt, err := c.ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn, UDPSize: 1232})
	if err != nil {
		if f, _ := reason(err); transport == "udp" && f == wire.FailTimeout || errors.Is(err, dns.ErrId) {
			return nil, fail(wire.FailNoAnswer, "no answer from %s", to)
		}
		return nil, netFail("ask "+to.String(), plain(err))
	}
	if len(a.Question) != 1 || !strings.EqualFold(a.Question[0].Name, q.Question[0].Name) || a.Question[0].Qtype != q.Question[0].Qtype {
		return nil, fail(wire.FailBadAnswer, "the answer is for another question")
	}
	d.RTTNS, d.Size = int64(rtt), a.Len()
	return a, nil
}

func (d *DNSDetails) fill(a *dns.Msg) {
	d.Rcode = dns.RcodeToString[a.Rcode]
	if d.Rcode == "" {
		d.Rcode = fmt.Sprintf("RCODE%d", a.Rcode)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"aa", a.Authoritative}, {"tc", a.Truncated}, {"rd", a.RecursionDesired}, {"ra", a.RecursionAvailable}, {"ad", a.AuthenticatedData}, {"cd", a.CheckingDisabled}} {
		if f.set {
			d.Flags = append(d.Flags, f.name)
		}
	}
	d.Answer, d.Authority = records(a.Answer), records(a.Ns)
}

func records(rrs []dns.RR) []string {
	var out []string
	for _, rr := range rrs[:min(len(rrs), 100)] {
		out = append(out, clip(strings.ReplaceAll(rr.String(), "\t", " ")))
	}
	return out
}

// Headline implements Details.
func (d DNSDetails) Headline() Headline {
	h := Headline{Latency: time.Duration(d.RTTNS)}
	if d.Rcode != "" {
		h.Clock, h.Summary = ClockUser, fmt.Sprintf("%s, %d records", d.Rcode, len(d.Answer))
	}
	return h
}

// Report implements Details, in the manner of dig.
func (d DNSDetails) Report(w io.Writer) {
	if d.Rcode != "" {
		fmt.Fprintf(w, ";; status: %s, flags: %s; ANSWER: %d, AUTHORITY: %d\n", d.Rcode, strings.Join(d.Flags, " "), len(d.Answer), len(d.Authority))
	}
	fmt.Fprintf(w, ";; QUESTION\n;%s\n", d.Question)
	for _, s := range []struct {
		name    string
		records []string
	}{{"ANSWER", d.Answer}, {"AUTHORITY", d.Authority}} {
		if len(s.records) > 0 {
			fmt.Fprintf(w, ";; %s\n%s\n", s.name, strings.Join(s.records, "\n"))
		}
	}
	fmt.Fprintf(w, ";; SERVER: %s (%s)\n", d.Server, d.Transport)
	if d.RTTNS > 0 {
		fmt.Fprintf(w, ";; Query time: %v\n;; MSG SIZE rcvd: %d\n", time.Duration(d.RTTNS), d.Size)
	}
}
