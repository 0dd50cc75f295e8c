package dns

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Probe asks one server for one name (RFC 1035).
type Probe struct {
	probes.Common
	Server       string          `json:"server,omitempty" help:"HOST[:PORT] to ask; default: the system's resolvers, one after the other until one answers; NAME@SERVER as the target does the same"`
	Transport    string          `json:"transport,omitempty" enum:"udp,tcp,tls,https" help:"udp, tcp, tls (RFC 7858) or https (RFC 8484); the default port is 53, 853 for tls, 443 for https"`
	Type         string          `json:"type,omitempty" usual:"A,AAAA,CAA,CNAME,DS,HTTPS,MX,NS,PTR,SOA,SRV,TXT" help:"record type, such as A, AAAA, MX, TXT, or TYPE65"`
	Class        string          `json:"class,omitempty" usual:"IN,CH,HS,ANY" help:"class: IN, CH, HS, ANY, or CLASS1"`
	Recursion    bool            `json:"recursion" help:"ask for recursion: the RD bit"`
	AD           bool            `json:"ad" help:"ask the resolver to say whether it validated the answer: the AD bit (RFC 6840 section 5.7)"`
	CD           bool            `json:"cd,omitempty" help:"ask the resolver not to validate: the CD bit (RFC 4035 section 3.2.2)"`
	EDNS         bool            `json:"edns" help:"send an OPT record (RFC 6891)"`
	UDPSize      int             `json:"udp_size,omitempty" help:"largest answer over UDP that is asked for with EDNS, bytes, 512 to 65535"`
	DO           bool            `json:"do,omitempty" help:"ask for DNSSEC records: the DO bit (RFC 3225)"`
	NSID         bool            `json:"nsid,omitempty" help:"ask the server for its name (RFC 5001)"`
	ClientSubnet string          `json:"client_subnet,omitempty" help:"network on whose behalf to ask, such as 192.0.2.0/24 (RFC 7871); 0.0.0.0/0 asks the resolver to pass no address on"`
	Unique       bool            `json:"unique,omitempty" help:"put a random label before the name, so that no cache knows the answer; the zone needs a wildcard, or expect NXDOMAIN"`
	RetryTCP     bool            `json:"retry_tcp" help:"ask again over TCP when the answer over UDP is truncated (RFC 7766 section 5)"`
	Attempts     int             `json:"attempts,omitempty" help:"most datagrams to send to a server that stays silent over UDP, 1 to 10, spread over the time available"`
	Path         string          `json:"path,omitempty" help:"path of transport https"`
	TLS          tlsconf.Options `json:"tls,omitzero"`
	Expect       Expect          `json:"expect,omitzero"`
}

// The transports.
const (
	dnsUDP = "udp"
	dnsTCP = "tcp"
	dnsTLS = "tls"
	https  = "https"
)

// ports are the transports and their default ports.
var ports = map[string]uint16{dnsUDP: 53, dnsTCP: 53, dnsTLS: 853, https: 443}

func newProbe() Probe {
	return Probe{
		Transport: dnsUDP, Type: "A", Class: "IN", Recursion: true, AD: true, EDNS: true, RetryTCP: true,
		// What fits into a packet on every path (DNS flag day 2020).
		UDPSize: 1232,
		// One: a monitor counts a lost datagram rather than hides it.
		Attempts: 1,
		Path:     "/dns-query",
		Expect:   Expect{Rcode: []string{"NOERROR"}, Found: true},
	}
}

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	name, server, _ := strings.Cut(target, "@")
	if to, err := netip.ParseAddrPort(name); err == nil {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: it is a server: write NAME@%s", target, to)
	} else if err := probes.NameHint(name); err != nil {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: %w", target, err)
	} else if _, err := dnsName(name); err != nil {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: %w", target, err)
	} else if err := p.validateAddress(name); err != nil {
		problems.Add("target", err)
	} else if _, err := p.name(name); err != nil {
		problems.Addf("unique", "%w", err)
	}
	if server != "" {
		_, _, err := probes.SplitTarget(server, "53")
		problems.Add("target", err)
	} else if strings.Contains(target, "@") {
		problems.Addf("target", "want a domain name or NAME@SERVER, got %q: the server is missing", target)
	}
	if p.Server != "" {
		_, _, err := probes.SplitTarget(p.Server, "53")
		problems.Add("server", err)
	}
	if server != "" && p.Server != "" && server != p.Server {
		problems.Addf("server", "the target names %q, and this option %q: give one", server, p.Server)
	}
	_, ok := ports[p.Transport]
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
	problems.Add("tls", p.TLS.Validate())
	if ok && p.TLS != (tlsconf.Options{}) && p.Transport != dnsTLS && p.Transport != https {
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

func (p Probe) validateEDNS() error {
	var problems wire.Problems
	if p.UDPSize < 512 || p.UDPSize > dns.MaxMsgSize {
		problems.Addf("udp_size", "want 512 to 65535, got %d", p.UDPSize)
	}
	if p.ClientSubnet != "" {
		_, err := subnet(p.ClientSubnet)
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
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	d := Details{Transport: p.Transport}
	target, server, _ := strings.Cut(run.Target, "@")
	if server == "" {
		server = p.Server
	}
	name, err := p.name(target)
	if err != nil {
		return d, err
	}
	x := exchange{Probe: p, run: run}
	if x.query, err = p.message(name); err != nil {
		return d, err
	}
	d.Question, d.ReverseOf = questionText(x.query.Question[0]), p.reverseOf(target)
	if d.ReverseOf != "" {
		run.Stepf("the name of %s is found under %s", d.ReverseOf, name)
	}
	addrs, port, err := x.servers(ctx, server, &d)
	if err != nil {
		return d, err
	}
	return x.exchange(ctx, addrs, port, d)
}

// exchange asks, and checks what is expected of the answer.
func (x *exchange) exchange(ctx context.Context, addrs []netip.Addr, port uint16, known Details) (Details, error) {
	d, err := x.ask(ctx, addrs, port, known)
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	if err == nil {
		x.Expect.check(x.run, x.answer, &x.owned, d, x.EDNS)
	}
	return d, err
}

// servers are the addresses to ask, in the order to try, and their port. It
// notes the name that TLS verifies.
func (x *exchange) servers(ctx context.Context, server string, d *Details) ([]netip.Addr, uint16, error) {
	defaultPort := ports[x.Transport]
	if server == "" {
		addrs, err := systemDNS(resolvConf, x.MatchesFamily)
		if err != nil {
			return nil, 0, err
		}
		x.run.Stepf("the system's resolvers are %v", addrs)
		addrs, err = x.run.Allowed(x.systemNetwork(), "the system's resolver", addrs, defaultPort)
		return addrs, defaultPort, err
	}
	host, port, err := probes.SplitTarget(server, strconv.Itoa(int(defaultPort)))
	if err != nil {
		return nil, 0, err
	}
	x.host = host
	addrs, took, err := x.Resolve(ctx, x.run, x.network(), host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), x.run.ResolveAge()
	return addrs, port, err
}

// network is what a query goes over first; a truncated answer is asked for
// again over TCP, of the same address and port.
func (p Probe) network() string {
	if p.Transport == dnsUDP {
		return "udp"
	}
	return "tcp"
}

// systemNetwork is network for the system's resolvers: those are asked for names
// in either case, over plain DNS.
func (p Probe) systemNetwork() string {
	if ports[p.Transport] == 53 {
		return "resolver"
	}
	return p.network()
}

const resolvConf = "/etc/resolv.conf"

// systemDNS lists the name servers of resolv.conf(5).
func systemDNS(file string, allowed func(netip.Addr) bool) ([]netip.Addr, error) {
	conf, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, probes.Broken(wire.BrokenLocal, "find the system's resolver: %w: name one with server", err)
	}
	var out []netip.Addr
	for _, s := range conf.Servers {
		if a, err := netip.ParseAddr(s); err == nil && allowed(a.Unmap()) {
			out = append(out, a.Unmap())
		}
	}
	if len(out) == 0 {
		return nil, probes.Broken(wire.BrokenLocal, "find the system's resolver: no nameserver in %s of the family asked for: name one with server", file)
	}
	return out, nil
}

// message is the query. Each datagram gets an id of its own.
func (p Probe) message(name string) (*dns.Msg, error) {
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
		net, err := subnet(p.ClientSubnet)
		if err != nil {
			return nil, err
		}
		opt.Option = append(opt.Option, subnetOption(net))
	}
	return q, nil
}

// questionText writes a question as dig does: name, class, type.
func questionText(q dns.Question) string {
	return fmt.Sprintf("%s %s %s", q.Name, engine.DNSClassName(q.Qclass), engine.DNSTypeName(q.Qtype))
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	_, server, _ := strings.Cut(target, "@")
	option := "target"
	if server == "" && p.Server != "" {
		server, option = p.Server, "options.server"
	}
	place := probes.Place{Option: option, Network: p.network(), Port: ports[p.Transport]}
	if server != "" {
		host, port, _ := probes.SplitTarget(server, strconv.Itoa(int(place.Port)))
		place.Host, place.Port = probes.CanonicalHost(host), port
	}
	return probes.Footprint{Probes: p.Attempts, Places: []probes.Place{place}}
}

// Kinds returns the kind dns.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "dns", Target: "NAME[@SERVER]", Example: "example.com@192.0.2.53", Doc: "asks one server for one name",
			Main:    []string{"type", "transport", "expect.rcode", "expect.contains", "within"},
			Limits:  limits,
			Metrics: metrics(),
			Modules: []probes.Module{
				{Name: "dns_udp", Options: `{"transport":"udp"}`},
				{Name: "dns_tcp", Options: `{"transport":"tcp"}`},
				{Name: "dns_soa", Options: `{"type":"SOA"}`},
			},
		}, newProbe),
	}
}
