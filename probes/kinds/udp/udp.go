package udp

import (
	"context"
	"net/netip"
	"regexp"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// Probe sends datagrams to a port and reports the replies. A port from which
// nothing came back is never ok.
type Probe struct {
	probes.Common
	Protocol   string        `json:"protocol,omitempty" usual:"dns,ntp,sip,snmp,stun,quic,source,memcached,openvpn,wireguard,none" help:"named payload, whose reply is checked to belong to it: dns, ntp, sip, snmp, stun, quic, source, memcached, openvpn, wireguard; none sends an empty datagram; default: by the target's port, else none"`
	Payload    string        `json:"payload,omitempty" help:"text to send instead of a named payload"`
	PayloadHex string        `json:"payload_hex,omitempty" help:"bytes to send, in hex, instead of a named payload; spaces and colons between them are allowed"`
	Community  probes.Secret `json:"community,omitempty" help:"SNMP community of the payload snmp, as a reference; default: public (RFC 1901)"`
	Count      int           `json:"count" help:"datagrams to send, 1 to 100, each from a port of its own"`
	Interval   wire.Duration `json:"interval" help:"time between two datagrams, at least 10ms"`
	Wait       wire.Duration `json:"wait,omitempty" zero:"no" help:"time to wait for answers after the last datagram; default: the rest of the timeout"`
	Expect     Expect        `json:"expect,omitzero"`
}

// Expect is what the replies must be like, each of them.
type Expect struct {
	Regex    string   `json:"regex,omitempty" help:"regular expression (RE2) that each reply matches"`
	Hex      string   `json:"hex,omitempty" help:"bytes, in hex, that each reply contains"`
	MinBytes int      `json:"min_bytes,omitempty" help:"the least length of a reply, bytes"`
	MaxBytes int      `json:"max_bytes,omitempty" help:"the greatest length of a reply, bytes; 0 means any"`
	Loss     *float64 `json:"loss,omitempty" help:"the greatest part of the datagrams that may stay without reply, 0 to 1; default: one reply is enough"`
}

func newProbe() Probe { return Probe{Count: 1, Interval: wire.Duration(200 * time.Millisecond)} }

const (
	maxCount   = 100
	maxPayload = 65507 // of IPv4: 65535 less the IP and UDP headers
	replyLimit = 4096  // bytes of a reply that are read
	none       = "none"
)

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	_, _, err := probes.SplitTarget(target, "")
	problems.Add("target", err)
	if _, ok := protocolNamed(p.Protocol); !ok && p.Protocol != "" && p.Protocol != none {
		problems.Addf("protocol", "want one of %s, %s, got %q", protocolNames(), none, p.Protocol)
	}
	if len(p.Payload) > maxPayload {
		problems.Addf("payload", "want at most %d bytes, got %d", maxPayload, len(p.Payload))
	}
	if b, err := figures.Unhex(p.PayloadHex); err != nil {
		problems.Add("payload_hex", err)
	} else if len(b) > maxPayload {
		problems.Addf("payload_hex", "want at most %d bytes, got %d", maxPayload, len(b))
	}
	if n := figures.Trues(p.Protocol != "", p.Payload != "", p.PayloadHex != ""); n > 1 {
		problems.Addf("payload", "want one of protocol, payload and payload_hex, got %d of them", n)
	}
	if p.Count < 1 || p.Count > maxCount {
		problems.Addf("count", "want 1 to %d, got %d", maxCount, p.Count)
	}
	if p.Interval.Std() < 10*time.Millisecond {
		problems.Addf("interval", "want at least 10ms, got %q", p.Interval)
	}
	if p.Wait < 0 {
		problems.Addf("wait", "want a positive duration, got %q", p.Wait)
	}
	problems.Add("expect", p.Expect.validate())
	return problems.Err()
}

func (e Expect) validate() error {
	var problems wire.Problems
	if _, err := probes.CompileRegex(e.Regex); err != nil {
		problems.Addf("regex", "want a regular expression, got %q: %w", figures.Clip(e.Regex), err)
	}
	_, err := figures.Unhex(e.Hex)
	problems.Add("hex", err)
	if e.MinBytes < 0 || e.MinBytes > maxPayload {
		problems.Addf("min_bytes", "want 0 to %d, got %d", maxPayload, e.MinBytes)
	}
	if e.MaxBytes < 0 || e.MaxBytes > maxPayload || e.MaxBytes != 0 && e.MaxBytes < e.MinBytes {
		problems.Addf("max_bytes", "want min_bytes to %d, got %d", maxPayload, e.MaxBytes)
	}
	if e.Loss != nil && (*e.Loss < 0 || *e.Loss >= 1) {
		problems.Addf("loss", "want 0 to less than 1, got %v", *e.Loss)
	}
	return problems.Err()
}

// Measure implements Probe.
func (p Probe) Measure(ctx context.Context, run *probes.Run) (Details, error) {
	var d Details
	host, port, err := probes.SplitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	plan, err := p.plan(run, host, port)
	if err != nil {
		return d, err
	}
	d.Protocol = plan.protocol
	addrs, took, err := p.Resolve(ctx, run, "udp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.ResolveAge()
	if err != nil {
		return d, err
	}
	return p.exchange(ctx, run, plan, addrs, port, d)
}

// exchange measures one address after the other until one answers. known is what
// is known before.
func (p Probe) exchange(ctx context.Context, run *probes.Run, plan udpPlan, addrs []netip.Addr, port uint16, known Details) (d Details, err error) {
	d = known
	err = probes.FirstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		s := series{Probe: p, plan: plan, run: run, last: a == addrs[len(addrs)-1]}
		err := s.exchange(ctx, attempt, a, port)
		d = s.figures()
		d.ResolveNS, d.ResolveAgeNS = known.ResolveNS, known.ResolveAgeNS
		if err == nil {
			err = s.checkExpectations(&d)
		}
		return err
	})
	if ctx.Err() == context.Canceled {
		return d, ctx.Err()
	}
	return d, err
}

// udpPlan is what to send and what to want, ready to use.
type udpPlan struct {
	protocol string // "" for a payload of the user's own
	token    bool   // see protocol
	request  func(udpPeers) request
	host     string
	regex    *regexp.Regexp
	hex      []byte
}

// plan chooses the payload. Most services stay silent when a datagram means
// nothing to them, so that by default the port chooses a named payload.
func (p Probe) plan(run *probes.Run, host string, port uint16) (udpPlan, error) {
	plan := udpPlan{host: host}
	var err error
	if p.Expect.Regex != "" {
		if plan.regex, err = probes.CompileRegex(p.Expect.Regex); err != nil {
			return plan, err
		}
	}
	if plan.hex, err = figures.Unhex(p.Expect.Hex); err != nil {
		return plan, err
	}
	own := []byte(p.Payload)
	if p.PayloadHex != "" {
		if own, err = figures.Unhex(p.PayloadHex); err != nil {
			return plan, err
		}
	}
	plan.protocol = p.Protocol
	if plan.protocol == "" && len(own) == 0 {
		plan.protocol = none
		for _, u := range protocols {
			if u.port == port {
				plan.protocol = u.name
			}
		}
	}
	named, ok := protocolNamed(plan.protocol)
	if !ok {
		plan.request = func(udpPeers) request { return request{payload: own} }
		return plan, nil
	}
	plan.token = named.token
	community := "public"
	if p.Community != "" && named.name == "snmp" {
		if community, err = run.Reveal(p.Community); err != nil {
			return plan, err
		}
	}
	plan.request = func(peers udpPeers) request {
		peers.host, peers.community = host, community
		return named.make(peers)
	}
	return plan, nil
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	f := probes.TargetFootprint("udp", target, "")
	f.Probes, f.Gap, f.Number = p.Count, p.Interval.Std(), "count"
	return f
}

// Kinds returns the kind udp.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "udp", Target: "HOST:PORT", Example: "example.com:53", Doc: "sends datagrams and reports the replies",
			Main:    []string{"protocol", "payload", "expect.regex", "count", "within"},
			Limits:  limits,
			Metrics: metrics(),
		}, newProbe),
	}
}
