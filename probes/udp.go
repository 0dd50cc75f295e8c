package probes

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"netmon/wire"
)

// UDP sends datagrams to a port and tells what came of them. A port from which
// nothing came back is never ok.
type UDP struct {
	Common
	Protocol   string        `json:"protocol,omitempty" help:"named payload, whose reply is checked to belong to it: dns, ntp, sip, snmp, stun, quic, source, memcached, openvpn, wireguard; none sends an empty datagram; default: by the target's port, else none"`
	Payload    string        `json:"payload,omitempty" help:"text to send instead of a named payload"`
	PayloadHex string        `json:"payload_hex,omitempty" help:"bytes to send, in hex, instead of a named payload; spaces and colons between them are allowed"`
	Community  Secret        `json:"community,omitempty" help:"SNMP community of the payload snmp, as a reference; default: public (RFC 1901)"`
	Count      int           `json:"count" help:"datagrams to send, 1 to 100, each from a port of its own"`
	Interval   wire.Duration `json:"interval" help:"time between two datagrams, at least 10ms"`
	Wait       wire.Duration `json:"wait,omitempty" zero:"no" help:"time to wait for answers after the last datagram; default: the rest of the timeout"`
	Expect     UDPExpect     `json:"expect,omitzero"`
}

// UDPExpect is what the replies must be like, each of them.
type UDPExpect struct {
	Regex    string   `json:"regex,omitempty" help:"regular expression (RE2) that each reply matches"`
	Hex      string   `json:"hex,omitempty" help:"bytes, in hex, that each reply contains"`
	MinBytes int      `json:"min_bytes,omitempty" help:"the least length of a reply, bytes"`
	MaxBytes int      `json:"max_bytes,omitempty" help:"the greatest length of a reply, bytes; 0 means any"`
	Loss     *float64 `json:"loss,omitempty" help:"the greatest part of the datagrams that may stay without reply, 0 to 1; default: one reply is enough"`
}

func newUDP() UDP { return UDP{Count: 1, Interval: wire.Duration(200 * time.Millisecond)} }

const (
	udpMaxCount   = 100
	udpMaxPayload = 65507 // of IPv4: 65535 less the IP and UDP headers
	udpReplyLimit = 4096  // bytes of a reply that are read
	udpNone       = "none"
)

// Validate implements Probe.
func (p UDP) Validate(target string) error {
	var problems wire.Problems
	_, _, err := splitTarget(target, "")
	problems.Add("target", err)
	if _, ok := udpProtocolNamed(p.Protocol); !ok && p.Protocol != "" && p.Protocol != udpNone {
		problems.Addf("protocol", "want one of %s, %s, got %q", udpProtocolNames(), udpNone, p.Protocol)
	}
	if len(p.Payload) > udpMaxPayload {
		problems.Addf("payload", "want at most %d bytes, got %d", udpMaxPayload, len(p.Payload))
	}
	if b, err := unhex(p.PayloadHex); err != nil {
		problems.Add("payload_hex", err)
	} else if len(b) > udpMaxPayload {
		problems.Addf("payload_hex", "want at most %d bytes, got %d", udpMaxPayload, len(b))
	}
	if n := trues(p.Protocol != "", p.Payload != "", p.PayloadHex != ""); n > 1 {
		problems.Addf("payload", "want one of protocol, payload and payload_hex, got %d of them", n)
	}
	if p.Count < 1 || p.Count > udpMaxCount {
		problems.Addf("count", "want 1 to %d, got %d", udpMaxCount, p.Count)
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

func (e UDPExpect) validate() error {
	var problems wire.Problems
	if _, err := compileRegex(e.Regex); err != nil {
		problems.Addf("regex", "want a regular expression, got %q: %w", clip(e.Regex), err)
	}
	_, err := unhex(e.Hex)
	problems.Add("hex", err)
	if e.MinBytes < 0 || e.MinBytes > udpMaxPayload {
		problems.Addf("min_bytes", "want 0 to %d, got %d", udpMaxPayload, e.MinBytes)
	}
	if e.MaxBytes < 0 || e.MaxBytes > udpMaxPayload || e.MaxBytes != 0 && e.MaxBytes < e.MinBytes {
		problems.Addf("max_bytes", "want min_bytes to %d, got %d", udpMaxPayload, e.MaxBytes)
	}
	if e.Loss != nil && (*e.Loss < 0 || *e.Loss >= 1) {
		problems.Addf("loss", "want 0 to less than 1, got %v", *e.Loss)
	}
	return problems.Err()
}

func trues(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// unhex reads bytes written as hex digits, with spaces or colons between them.
func unhex(s string) ([]byte, error) {
	if s == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", ":", "", "\n", "", "\t", "").Replace(s))
	if err != nil {
		return nil, fmt.Errorf("want pairs of hex digits, got %q: %w", clip(s), err)
	}
	return b, nil
}

// Measure implements Probe.
func (p UDP) Measure(ctx context.Context, run *Run) (UDPDetails, error) {
	var d UDPDetails
	host, port, err := splitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	plan, err := p.plan(run, host, port)
	if err != nil {
		return d, err
	}
	d.Protocol = plan.protocol
	addrs, took, err := p.resolve(ctx, run, "udp", host, port)
	d.ResolveNS, d.ResolveAgeNS = int64(took), run.resolveAge()
	if err != nil {
		return d, err
	}
	return p.exchange(ctx, run, plan, addrs, port, d)
}

// exchange measures one address after the other until one answers. known is what
// is known before.
func (p UDP) exchange(ctx context.Context, run *Run, plan udpPlan, addrs []netip.Addr, port uint16, known UDPDetails) (d UDPDetails, err error) {
	d = known
	err = firstThatAnswers(ctx, run, addrs, func(attempt context.Context, a netip.Addr) error {
		s := udpSeries{UDP: p, plan: plan, run: run, last: a == addrs[len(addrs)-1]}
		err := s.exchange(ctx, attempt, a, port)
		d = s.figures()
		d.ResolveNS, d.ResolveAgeNS = known.ResolveNS, known.ResolveAgeNS
		if err == nil {
			err = s.judge(&d)
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
	token    bool   // see udpProtocol
	request  func(udpPeers) udpRequest
	host     string
	regex    *regexp.Regexp
	hex      []byte
}

// plan chooses the payload. Most services stay silent when a datagram means
// nothing to them, so that by default the port chooses a named payload.
func (p UDP) plan(run *Run, host string, port uint16) (udpPlan, error) {
	plan := udpPlan{host: host}
	var err error
	if p.Expect.Regex != "" {
		if plan.regex, err = compileRegex(p.Expect.Regex); err != nil {
			return plan, err
		}
	}
	if plan.hex, err = unhex(p.Expect.Hex); err != nil {
		return plan, err
	}
	own := []byte(p.Payload)
	if p.PayloadHex != "" {
		if own, err = unhex(p.PayloadHex); err != nil {
			return plan, err
		}
	}
	plan.protocol = p.Protocol
	if plan.protocol == "" && len(own) == 0 {
		plan.protocol = udpNone
		for _, u := range udpProtocols {
			if u.port == port {
				plan.protocol = u.name
			}
		}
	}
	named, ok := udpProtocolNamed(plan.protocol)
	if !ok {
		plan.request = func(udpPeers) udpRequest { return udpRequest{payload: own} }
		return plan, nil
	}
	plan.token = named.token
	community := "public"
	if p.Community != "" && named.name == "snmp" {
		if community, err = run.reveal(p.Community); err != nil {
			return plan, err
		}
	}
	plan.request = func(peers udpPeers) udpRequest {
		peers.host, peers.community = host, community
		return named.make(peers)
	}
	return plan, nil
}
