package tcp

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Probe connects to a port, and may then start TLS, read what the target says and
// hold a dialogue with it.
type Probe struct {
	probes.Common
	Security string          `json:"security,omitempty" enum:"none,tls,starttls" help:"none, tls (from the first byte) or starttls (asked for in the target's protocol); default: none, or starttls where starttls names a protocol"`
	StartTLS string          `json:"starttls,omitempty" usual:"smtp,imap,pop3,ftp,xmpp-client,postgres,ldap" help:"protocol in which to ask for TLS: smtp (RFC 3207), imap (RFC 9051), pop3 (RFC 2595), ftp (RFC 4217), xmpp-client (RFC 6120), postgres (SSLRequest) or ldap (RFC 4511 section 4.14); default with security starttls: by the target's port"`
	TLS      tlsconf.Options `json:"tls,omitzero"`
	ALPN     []string        `json:"alpn,omitempty" help:"application protocols to offer (RFC 7301), such as postgresql"`
	Banner   bool            `json:"banner,omitempty" help:"read what the target says first, up to the end of a line or a pause of 100 ms; with starttls the greeting is always read"`
	Steps    []Step          `json:"steps,omitempty" help:"dialogue after connecting, the banner and TLS, at most 20 steps; on a command line as JSON: [{\"send\":\"…\",\"expect\":\"…\"}]"`
	Keep     []string        `json:"keep,omitempty" help:"names of captures that the result may show; the others stay on the agent"`
	Quit     string          `json:"quit,omitempty" help:"text to send at the end, to close politely; default after starttls: the protocol's own, such as QUIT"`
	MaxBytes int             `json:"max_bytes" help:"bytes that are read for the banner and for each answer, 1 to 262144; more is a failure, as are more than 1024 pieces"`
	Expect   Expect          `json:"expect,omitzero"`
}

// Step is one turn of the dialogue: send something, or nothing, and wait
// for the answer, or not.
type Step struct {
	Name       string        `json:"name,omitempty" help:"name in the figures; default: step 1 and so on"`
	Send       string        `json:"send,omitempty" help:"text to send as it is, line ends included; ${env:NAME} and ${file:PATH} stand for secrets, ${capture:NAME} for what an earlier step captured, $${ for ${ itself" secret:"text"`
	SendHex    string        `json:"send_hex,omitempty" help:"bytes to send, in hex; spaces and colons between them are allowed"`
	Expect     string        `json:"expect,omitempty" help:"regular expression (RE2) that the answer matches, at any place; ^ and $ match at every line, before CR LF too; (?P<NAME>…) captures"`
	ExpectText string        `json:"expect_text,omitempty" help:"text that the answer contains"`
	ExpectHex  string        `json:"expect_hex,omitempty" help:"bytes, in hex, that the answer contains"`
	Wait       wire.Duration `json:"wait,omitempty" zero:"no" help:"the longest wait for the answer; default: the rest of the timeout"`
}

// Expect is what the conversation must have come to.
type Expect struct {
	Banner string `json:"banner,omitempty" help:"regular expression (RE2) that the banner matches, as in a step; (?P<NAME>…) captures"`
	tlsconf.Expect
}

const (
	maxSteps = 20
	maxSend  = 65536
	maxRead  = 1 << 18

	none        = "none"
	tcpTLS      = "tls"
	tcpStartTLS = "starttls"
)

func newProbe() Probe { return Probe{MaxBytes: 65536} }

// security is the option with its default.
func (p Probe) security() string {
	switch {
	case p.Security != "":
		return p.Security
	case p.StartTLS != "":
		return tcpStartTLS
	}
	return none
}

// negotiation is how to ask for TLS on this port; false when that is not asked
// for, or nothing is known about the port.
func (p Probe) negotiation(port uint16) (startTLS, bool) {
	if p.security() != tcpStartTLS {
		return startTLS{}, false
	}
	i := slices.IndexFunc(startTLSProtocols, func(s startTLS) bool {
		return s.name == p.StartTLS || p.StartTLS == "" && slices.Contains(s.ports, port)
	})
	if i < 0 {
		return startTLS{}, false
	}
	return startTLSProtocols[i], true
}

// Validate implements Probe.
func (p Probe) Validate(target string) error {
	var problems wire.Problems
	_, port, err := probes.SplitTarget(target, "")
	problems.Add("target", err)
	problems.Add("", p.validateTLS(port, err == nil))
	for i, s := range p.Steps {
		problems.Add(fmt.Sprintf("steps[%d]", i), s.validate())
	}
	if n := len(p.Steps); n > maxSteps {
		problems.Addf("steps", "want at most %d, got %d", maxSteps, n)
	}
	if _, err := parse(p.Quit); err != nil {
		problems.Add("quit", err)
	} else if len(p.Quit) > maxSend {
		problems.Addf("quit", "want at most %d bytes, got %d", maxSend, len(p.Quit))
	}
	if p.MaxBytes < 1 || p.MaxBytes > maxRead {
		problems.Addf("max_bytes", "want 1 to %d, got %d", maxRead, p.MaxBytes)
	}
	if p.Expect.Banner != "" {
		if _, err := tcpRegexp(p.Expect.Banner); err != nil {
			problems.Add("expect.banner", err)
		}
	}
	problems.Add("", p.validateCaptures())
	return problems.Err()
}

// validateTLS checks what has to do with TLS.
func (p Probe) validateTLS(port uint16, known bool) error {
	var problems wire.Problems
	security := p.security()
	switch security {
	case none, tcpTLS, tcpStartTLS:
	default:
		problems.Addf("security", "want none, tls or starttls, got %q", p.Security)
	}
	start, found := p.negotiation(port)
	named := slices.ContainsFunc(startTLSProtocols, func(s startTLS) bool { return s.name == p.StartTLS })
	switch {
	case p.StartTLS != "" && !named:
		problems.Addf("starttls", "want one of %s, got %q", startTLSNames(), p.StartTLS)
	case p.StartTLS != "" && security != tcpStartTLS:
		problems.Addf("starttls", "%q has no meaning with security %q", p.StartTLS, security)
	case security == tcpStartTLS && !found && known:
		problems.Addf("starttls", "port %d does not imply a protocol: want one of %s", port, startTLSNames())
	}
	if found && !start.greets {
		if p.Banner {
			problems.Addf("banner", "%s has no greeting", start.name)
		}
		if p.Expect.Banner != "" {
			problems.Addf("expect.banner", "%s has no greeting", start.name)
		}
	}
	problems.Add("tls", p.TLS.Validate())
	if security == none {
		for _, o := range []struct {
			name  string
			given bool
		}{
			{"tls", p.TLS != tlsconf.Options{}}, {"alpn", len(p.ALPN) > 0}, {"expect.days_left", p.Expect.DaysLeft != 0},
			{"expect.version", p.Expect.Version != ""}, {"expect.alpn", p.Expect.ALPN != ""}, {"expect.subject", p.Expect.Subject != ""},
		} {
			if o.given {
				problems.Addf(o.name, "has no meaning without TLS: want security tls or starttls, got %q", none)
			}
		}
	}
	if _, ok := tlsconf.Version(p.Expect.Version); !ok && p.Expect.Version != "" {
		problems.Addf("expect.version", "want 1.0, 1.1, 1.2 or 1.3, got %q", p.Expect.Version)
	}
	for i, a := range p.ALPN {
		if a == "" || len(a) > 255 {
			problems.Addf(fmt.Sprintf("alpn[%d]", i), "want 1 to 255 bytes, got %q", a)
		}
	}
	return problems.Err()
}

// connectsOnly says that there is nothing to do once connected.
func (p Probe) connectsOnly() bool {
	return p.security() == none && !p.Banner && p.Expect.Banner == "" && len(p.Steps) == 0 && p.Quit == ""
}

func (s Step) validate() error {
	var problems wire.Problems
	if len(s.Name) > 64 {
		problems.Addf("name", "want at most 64 bytes, got %d", len(s.Name))
	}
	if _, err := parse(s.Send); err != nil {
		problems.Add("send", err)
	}
	if b, err := figures.Unhex(s.SendHex); err != nil {
		problems.Add("send_hex", err)
	} else if len(b) > maxSend {
		problems.Addf("send_hex", "want at most %d bytes, got %d", maxSend, len(b))
	}
	if len(s.Send) > maxSend {
		problems.Addf("send", "want at most %d bytes, got %d", maxSend, len(s.Send))
	}
	if s.Send != "" && s.SendHex != "" {
		problems.Addf("send", "want send or send_hex, got both")
	}
	_, err := s.expectation("")
	problems.Add("", err)
	switch n := figures.Trues(s.Expect != "", s.ExpectText != "", s.ExpectHex != ""); {
	case n > 1:
		problems.Addf("expect", "want one of expect, expect_text and expect_hex, got %d of them", n)
	case n == 0 && s.Send == "" && s.SendHex == "":
		problems.Addf("send", "the step does nothing: want something to send or to expect")
	case n == 0 && s.Wait != 0:
		problems.Addf("wait", "has no meaning in a step that expects nothing")
	}
	if s.Wait < 0 {
		problems.Addf("wait", "want a positive duration, got %q", s.Wait)
	}
	return problems.Err()
}

// validateCaptures checks that each capture is there before it is used.
func (p Probe) validateCaptures() error {
	var problems wire.Problems
	var have []string
	add := func(pattern string) {
		if re, err := probes.CompileRegex(pattern); err == nil {
			have = append(have, re.SubexpNames()...)
		}
	}
	check := func(option, name, when string) {
		if name == "" || !slices.Contains(have, name) {
			problems.Addf(option, "no %s captures %q", when, name)
		}
	}
	sends := func(option, text string) {
		parts, _ := parse(text)
		for _, part := range parts {
			if part.kind == capture {
				check(option, part.text, "earlier step")
			}
		}
	}
	add(p.Expect.Banner)
	for i, s := range p.Steps {
		sends(fmt.Sprintf("steps[%d].send", i), s.Send)
		add(s.Expect)
	}
	sends("quit", p.Quit)
	for i, name := range p.Keep {
		check(fmt.Sprintf("keep[%d]", i), name, "step")
	}
	return problems.Err()
}

func startTLSNames() string {
	names := make([]string, len(startTLSProtocols))
	for i, s := range startTLSProtocols {
		names[i] = s.name
	}
	return strings.Join(names, ", ")
}

// Footprint implements Probe.
func (p Probe) Footprint(target string) probes.Footprint {
	return probes.TargetFootprint("tcp", target, "")
}

// modules are what blackbox_exporter's own configuration calls measurements of TCP.
var modules = []probes.Module{
	{Name: "tcp_connect"},
	{Name: "pop3s_banner", Options: `{"security":"tls","expect":{"banner":"^\\+OK"}}`, Hostname: []string{"tls.server_name"}},
	{Name: "ssh_banner", Options: `{"expect":{"banner":"^SSH-2.0-"},"steps":[{"send":"SSH-2.0-blackbox-ssh-check\n"}]}`},
	{Name: "irc_banner", Options: `{"steps":[{"send":"NICK prober\nUSER prober prober prober :prober\n","expect":"PING :(?P<ping>[^ \\r\\n]+)"},{"send":"PONG ${capture:ping}\n","expect":"^:[^ ]+ 001"}]}`},
}

// Kinds returns the kind tcp.
func Kinds() probes.List {
	return probes.List{
		probes.NewKind(probes.Kind{
			Name: "tcp", Target: "HOST:PORT", Example: "example.com:22", Doc: "connects, and can hold a dialogue", Propose: net.JoinHostPort,
			Main:    []string{"expect.banner", "starttls", "within", "invert"},
			Limits:  limits,
			Metrics: metrics(),
			Modules: modules,
		}, newProbe),
	}
}
