package probes

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"netmon/wire"
)

// DNS asks one server for one name (RFC 1035).
type DNS struct {
	Common
	Server       string     `json:"server,omitempty" help:"HOST[:PORT] to ask; default: the system's resolvers, one after the other until one answers; NAME@SERVER in the target does the same"`
	Transport    string     `json:"transport,omitempty" help:"udp, tcp, tls (RFC 7858) or https (RFC 8484); the default port is 53, 853 for tls, 443 for https"`
	Type         string     `json:"type,omitempty" help:"record type, such as A, AAAA, MX, TXT, or TYPE65"`
	Class        string     `json:"class,omitempty" help:"class: IN, CH, HS, ANY, or CLASS1"`
	Recursion    bool       `json:"recursion" help:"ask for recursion: the RD bit"`
	AD           bool       `json:"ad" help:"ask the resolver to say whether it validated the answer: the AD bit (RFC 6840 section 5.7)"`
	CD           bool       `json:"cd,omitempty" help:"ask the resolver not to validate: the CD bit (RFC 4035 section 3.2.2)"`
	EDNS         bool       `json:"edns" help:"send an OPT record (RFC 6891)"`
	UDPSize      int        `json:"udp_size,omitempty" help:"largest answer over UDP that is asked for with EDNS, bytes, 512 to 65535"`
	DO           bool       `json:"do,omitempty" help:"ask for DNSSEC records: the DO bit (RFC 3225)"`
	NSID         bool       `json:"nsid,omitempty" help:"ask the server for its name (RFC 5001)"`
	ClientSubnet string     `json:"client_subnet,omitempty" help:"network on whose behalf to ask, such as 192.0.2.0/24 (RFC 7871); 0.0.0.0/0 asks the resolver to pass no address on"`
	Unique       bool       `json:"unique,omitempty" help:"put a random label before the name, so that no cache knows the answer; the zone needs a wildcard, or expect NXDOMAIN"`
	RetryTCP     bool       `json:"retry_tcp" help:"ask again over TCP when the answer over UDP is truncated (RFC 7766 section 5)"`
	Attempts     int        `json:"attempts,omitempty" help:"most datagrams to send to a server that stays silent over UDP, 1 to 10, spread over the time there is"`
	Path         string     `json:"path,omitempty" help:"path of transport https"`
	TLS          TLSOptions `json:"tls,omitzero"`
	Expect       DNSExpect  `json:"expect,omitzero"`
}

// The transports.
const (
	dnsUDP   = "udp"
	dnsTCP   = "tcp"
	dnsTLS   = "tls"
	dnsHTTPS = "https"
)

// dnsPorts are the transports and their default ports.
var dnsPorts = map[string]uint16{dnsUDP: 53, dnsTCP: 53, dnsTLS: 853, dnsHTTPS: 443}

func newDNS() DNS {
	return DNS{
		Transport: dnsUDP, Type: "A", Class: "IN", Recursion: true, AD: true, EDNS: true, RetryTCP: true,
		// What fits into a packet on every path (DNS flag day 2020).
		UDPSize: 1232,
		// One: a monitor counts a lost datagram rather than hides it.
		Attempts: 1,
		Path:     "/dns-query",
		Expect:   DNSExpect{Rcode: []string{"NOERROR"}},
	}
}

// Validate implements Probe.
func (p DNS) Validate(target string) error {
	var problems wire.Problems
	name, server, _ := strings.Cut(target, "@")
	if _, err := dnsName(name); err != nil {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: %w", target, err)
	} else if _, err := p.name(name); err != nil {
		problems.Addf("unique", "%w", err)
	}
	if server != "" {
		_, _, err := splitTarget(server, "53")
		problems.Add("target", err)
	} else if strings.Contains(target, "@") {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: the server is missing", target)
	}
	if p.Server != "" {
		_, _, err := splitTarget(p.Server, "53")
		problems.Add("server", err)
	}
	if server != "" && p.Server != "" && server != p.Server {
		problems.Addf("server", "the target names %q, and this option %q: give one", server, p.Server)
	}
	_, ok := dnsPorts[p.Transport]
	if !ok {
		problems.Addf("transport", "want udp, tcp, tls or https, got %q", p.Transport)
	}
	qtype, err := dnsType(p.Type)
	problems.Add("type", err)
	class, classErr := dnsClass(p.Class)
	problems.Add("class", classErr)
	problems.Add("", p.validateEDNS())
	if p.Attempts < 1 || p.Attempts > 10 {
		problems.Addf("attempts", "want 1 to 10, got %d", p.Attempts)
	} else if ok && p.Attempts > 1 && p.Transport != dnsUDP {
		problems.Addf("attempts", "is for transport udp, which loses datagrams; got %d with %q", p.Attempts, p.Transport)
	}
	if !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, " ?#{}\t\r\n") {
		problems.Addf("path", "want a path such as /dns-query, got %q", p.Path)
	}
	problems.Add("tls", p.TLS.validate())
	if ok && p.TLS != (TLSOptions{}) && p.Transport != dnsTLS && p.Transport != dnsHTTPS {
		problems.Addf("tls", "is for the transports tls and https, got %q", p.Transport)
	}
	if err == nil && classErr == nil {
		problems.Add("expect", p.Expect.validate(qtype, class))
	}
	if p.Expect.RRSIGDaysLeft != 0 && !p.DO {
		problems.Addf("expect.rrsig_days_left", "needs do, which asks for the signatures")
	}
	return problems.Err()
}

func (p DNS) validateEDNS() error {
	var problems wire.Problems
	if p.UDPSize < 512 || p.UDPSize > dns.MaxMsgSize {
		problems.Addf("udp_size", "want 512 to 65535, got %d", p.UDPSize)
	}
	if p.ClientSubnet != "" {
		_, err := dnsSubnet(p.ClientSubnet)
		problems.Add("client_subnet", err)
	}
	for _, o := range []struct {
		name  string
		wants bool
	}{{"do", p.DO}, {"nsid", p.NSID}, {"client_subnet", p.ClientSubnet != ""}} {
		if o.wants && !p.EDNS {
			problems.Addf(o.name, "needs edns")
		}
	}
	return problems.Err()
}

// Measure implements Probe.
func (p DNS) Measure(ctx context.Context, run *Run) (DNSDetails, error) {
	d := DNSDetails{Transport: p.Transport}
	target, server, _ := strings.Cut(run.Target, "@")
	if server == "" {
		server = p.Server
	}
	name, err := p.name(target)
	if err != nil {
		return d, err
	}
	x := dnsExchange{DNS: p, run: run}
	if x.query, err = p.message(name); err != nil {
		return d, err
	}
	d.Question = dnsQuestionText(x.query.Question[0])
	addrs, port, err := x.servers(ctx, server, &d)
	if err != nil {
		return d, err
	}
	return x.exchange(ctx, addrs, port, d)
}

// exchange asks, and checks what is expected of the answer.
func (x *dnsExchange) exchange(ctx context.Context, addrs []netip.Addr, port uint16, known DNSDetails) (DNSDetails, error) {
	d, err := x.ask(ctx, addrs, port, known)
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	if err == nil {
		x.Expect.check(x.run, x.answer, d)
	}
	return d, err
}

// servers are the addresses to ask, in the order to try, and their port. It
// notes the name that TLS verifies.
func (x *dnsExchange) servers(ctx context.Context, server string, d *DNSDetails) ([]netip.Addr, uint16, error) {
	defaultPort := dnsPorts[x.Transport]
	if server == "" {
		addrs, err := systemDNS(resolvConf, x.allows)
		if err != nil {
			return nil, 0, err
		}
		x.run.Stepf("the system's resolvers are %v", addrs)
		addrs, err = x.run.allowed(x.systemNetwork(), "the system's resolver", addrs, defaultPort)
		return addrs, defaultPort, err
	}
	host, port, err := splitTarget(server, strconv.Itoa(int(defaultPort)))
	if err != nil {
		return nil, 0, err
	}
	x.host = host
	addrs, took, err := x.resolve(ctx, x.run, x.network(), host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), x.run.resolveAge()
	return addrs, port, err
}

// network is what a query goes over first; a truncated answer is asked for
// again over TCP, of the same address and port.
func (p DNS) network() string {
	if p.Transport == dnsUDP {
		return "udp"
	}
	return "tcp"
}

// systemNetwork is network for the system's resolvers: those are asked for names
// in any case, over plain DNS.
func (p DNS) systemNetwork() string {
	if dnsPorts[p.Transport] == 53 {
		return "resolver"
	}
	return p.network()
}

const resolvConf = "/etc/resolv.conf"

// systemDNS lists the name servers of resolv.conf(5).
func systemDNS(file string, allowed func(netip.Addr) bool) ([]netip.Addr, error) {
	conf, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, broken(wire.BrokenLocal, "find the system's resolver: %w: name one with server", err)
	}
	var out []netip.Addr
	for _, s := range conf.Servers {
		if a, err := netip.ParseAddr(s); err == nil && allowed(a.Unmap()) {
			out = append(out, a.Unmap())
		}
	}
	if len(out) == 0 {
		return nil, broken(wire.BrokenLocal, "find the system's resolver: no nameserver in %s of the family asked for: name one with server", file)
	}
	return out, nil
}

// message is the query. Each datagram gets an id of its own.
func (p DNS) message(name string) (*dns.Msg, error) {
	qtype, err := dnsType(p.Type)
	if err != nil {
		return nil, err
	}
	class, err := dnsClass(p.Class)
	if err != nil {
		return nil, err
	}
	q := &dns.Msg{Question: []dns.Question{{Name: name, Qtype: qtype, Qclass: class}}}
	q.Id = dns.Id()
	q.RecursionDesired, q.AuthenticatedData, q.CheckingDisabled = p.Recursion, p.AD, p.CD
	if !p.EDNS {
		return q, nil
	}
	q.SetEdns0(uint16(p.UDPSize), p.DO)
	opt := q.IsEdns0()
	if p.NSID {
		opt.Option = append(opt.Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	}
	if p.ClientSubnet != "" {
		net, err := dnsSubnet(p.ClientSubnet)
		if err != nil {
			return nil, err
		}
		opt.Option = append(opt.Option, dnsSubnetOption(net))
	}
	return q, nil
}

// dnsQuestionText writes a question as dig does: name, class, type.
func dnsQuestionText(q dns.Question) string {
	return fmt.Sprintf("%s %s %s", q.Name, dnsClassName(q.Qclass), dnsTypeName(q.Qtype))
}
