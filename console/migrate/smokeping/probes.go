package smokeping

import (
	"encoding/hex"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// measure makes the monitor measure what a module of SmokePing does.
func (t *target) measure(module string) error {
	switch module {
	case "FPing", "FPing6", "FPingContinuous":
		return t.fping(module)
	case "DNS":
		return t.dig()
	case "AnotherDNS":
		return t.anotherDNS()
	case "EchoPingDNS":
		return t.echoDNS()
	case "Curl", "AnotherCurl":
		return t.curl()
	case "EchoPingHttp", "EchoPingHttps":
		return t.echoHTTP(module == "EchoPingHttps")
	case "EchoPingIcp":
		return t.icp()
	case "SipSak":
		t.options.Set("protocol", "sip")
		return t.udp(5060)
	}
	s, ok := streams()[module]
	if !ok {
		return fmt.Errorf("netmon has no kind for the probe %s%s", module, elsewhere(module))
	}
	return t.stream(module, s)
}

// elsewhere is advice on probes that measure from another device.
func elsewhere(module string) string {
	switch module {
	case "RemoteFPing", "OpenSSHEOSPing", "OpenSSHJunOSPing", "TelnetIOSPing", "TelnetJunOSPing", "IOSPing", "DismanPing",
		"CiscoRTTMonEchoICMP", "CiscoRTTMonDNS", "CiscoRTTMonTcpConnect":
		return ", which measures from another device: run an agent near that"
	}
	return ""
}

func (t *target) fping(module string) error {
	t.Kind, t.Target = "icmp", t.host
	t.Every = wire.Duration(t.step)
	gap, err := t.number("hostinterval", 1, 0.01, 3600)
	if err != nil {
		return err
	}
	wait, err := t.number("timeout", 0, 0.001, 3600)
	if err != nil {
		return err
	}
	if t.pings > 1 {
		t.options.Set("count", t.pings)
	}
	between := time.Duration(gap * float64(time.Second))
	if room := t.step - 2*time.Second; time.Duration(t.pings)*between > room && t.pings > 1 {
		between = max(room/time.Duration(t.pings), time.Millisecond).Truncate(time.Millisecond)
	}
	if t.pings > 1 && between != time.Second {
		t.options.Set("interval", wire.Duration(between).String())
	}
	if wait == 0 { // of fping from 4.0 on, where it counts (-C): the period (-p), and 2 s at most
		wait = min(gap, 2)
	}
	t.options.Set("wait", wire.Duration(wait*float64(time.Second)).String())
	last := max(time.Duration(wait*float64(time.Second)), 2*time.Second)
	t.Timeout = wire.Duration(min(time.Duration(t.pings-1)*between+last+time.Second, t.step))
	if text := t.get("packetsize"); text != "" {
		size, err := t.number("packetsize", 56, 12, 65507)
		if err != nil {
			return err
		}
		if size < 24 {
			t.Note("packetsize %g: netmon's least is 24", size)
		}
		t.options.Set("size", max(int(size), 24))
	}
	if tos := t.get("tos"); tos != "" {
		v, err := strconv.ParseUint(tos, 0, 8)
		if err != nil {
			return fmt.Errorf("tos %q is no byte", tos)
		}
		t.options.Set("dscp", v>>2)
	}
	family := t.get("protocol")
	if module == "FPing6" && family == "" {
		family = "6"
	}
	if family == "4" || family == "6" {
		t.options.Set("family", family)
	}
	for _, name := range []string{"sourceaddress", "interface"} {
		if v := t.get(name); v != "" {
			t.options.Set("source", v)
		}
	}
	if t.get("fwmark") != "" {
		t.Lose("fwmark: netmon marks no packets")
	}
	if t.is("blazemode") {
		t.Lose("blazemode: netmon counts the first reply, too")
	}
	return nil
}

// dnsTarget sets what is asked of whom; any answer is one, unless options say more.
func (t *target) dnsTarget(name, server string, timeout float64) error {
	if name == "" {
		return fmt.Errorf("it names nothing to look up")
	}
	t.Kind, t.Target = "dns", name+"@"+server
	t.oneByOne(time.Duration(timeout * float64(time.Second)))
	return nil
}

func (t *target) anyAnswer() {
	t.options.Set("expect.rcode", []string{})
	t.options.Set("expect.found", false)
}

func (t *target) dig() error {
	lookup, server := t.get("lookup"), t.get("server")
	if lookup == "" {
		lookup = t.host
	}
	if server == "" {
		server = t.host
	}
	t.anyAnswer()
	return t.dnsTarget(lookup, server, 5)
}

func (t *target) anotherDNS() error {
	timeout, err := t.number("timeout", 5, 0.001, 3600)
	if err != nil {
		return err
	}
	server := t.host
	if port := t.get("port"); port != "" && port != "53" {
		server = net.JoinHostPort(server, port)
	}
	if kind := strings.ToUpper(t.get("recordtype")); kind != "" && kind != "A" {
		t.options.Set("type", kind)
	}
	if strings.EqualFold(t.get("protocol"), "tcp") {
		t.options.Set("transport", "tcp")
	}
	family := t.get("ipversion")
	if family == "" && net.ParseIP(t.host) == nil {
		family = "4" // its default
	}
	if family != "" && net.ParseIP(t.host) == nil {
		t.options.Set("family", family)
	}
	if t.is("authoritative") {
		t.options.Set("recursion", false)
		t.options.Set("expect.flags", []string{"aa"})
	}
	answers, err := t.number("require_answers", 0, 0, 1000)
	if err != nil {
		return err
	}
	switch text := t.get("expect_text"); {
	case t.is("require_nxdomain"):
		t.options.Set("expect.rcode", []string{"NXDOMAIN"})
	case text != "":
		t.options.Set("expect.contains", []string{text})
	case answers > 0:
		t.options.Set("expect.answer_count", fmt.Sprintf("%g-", answers))
	case t.is("require_noerror"):
		t.options.Set("expect.found", false)
	default:
		t.anyAnswer()
	}
	return t.dnsTarget(t.get("lookup"), server, timeout)
}

func (t *target) echoDNS() error {
	if kind := strings.ToUpper(t.get("dns_type")); kind != "" && kind != "A" {
		t.options.Set("type", kind)
	}
	if t.is("dns_tcp") {
		t.options.Set("transport", "tcp")
	}
	return t.dnsTarget(t.get("dns_request"), t.host, 5)
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// stream is a dialogue over TCP.
type stream struct {
	port                 int
	banner, send, expect string
	lost                 string
}

func streams() map[string]stream {
	return map[string]stream{
		"TCPPing":         {port: 80},
		"SSH":             {port: 22, banner: "^SSH-", lost: "the server's key: netmon reads its greeting"},
		"AnotherSSH":      {port: 22, banner: "^SSH-"},
		"EchoPing":        {port: 7, send: "netmon\r\n", expect: "netmon"},
		"EchoPingChargen": {port: 19, banner: "."},
		"EchoPingDiscard": {port: 9},
		"EchoPingSmtp":    {port: 25, banner: "^220"},
		"EchoPingWhois":   {port: 43, expect: "."},
	}
}

func (t *target) stream(module string, s stream) error {
	timeout, err := t.number("timeout", 5, 0.001, 3600)
	if err != nil {
		return err
	}
	port, err := t.number("port", float64(s.port), 1, 65535)
	if err != nil {
		return err
	}
	if module == "EchoPing" && t.is("udp") {
		t.options.Set("payload", "netmon")
		t.options.Set("expect.regex", "netmon")
		return t.udp(7)
	}
	t.oneByOne(time.Duration(timeout * float64(time.Second)))
	t.Kind, t.Target = "tcp", net.JoinHostPort(t.host, strconv.Itoa(int(port)))
	if s.banner != "" {
		t.options.Set("expect.banner", s.banner)
	}
	if module == "EchoPingWhois" {
		s.send = strings.ReplaceAll(t.get("whois_request"), "${", "$${") + "\r\n"
	}
	if module == "EchoPingSmtp" {
		t.options.Set("quit", "QUIT\r\n")
	}
	if module == "TCPPing" {
		t.Note("tcpping takes a refusal for an answer, too: netmon wants a connection")
	}
	if s.send != "" {
		t.options.Set("steps", []any{map[string]any{"send": s.send, "expect": s.expect}})
	}
	if s.lost != "" {
		t.Lose("%s", s.lost)
	}
	if family := t.get("ssh_af"); family == "4" || family == "6" {
		t.options.Set("family", family)
	}
	if strings.HasPrefix(module, "EchoPing") {
		t.echoFamily()
	}
	return nil
}

func (t *target) udp(port int) error {
	p, err := t.number("port", float64(port), 1, 65535)
	if err != nil {
		return err
	}
	t.oneByOne(5 * time.Second)
	t.Kind, t.Target = "udp", net.JoinHostPort(t.host, strconv.Itoa(int(p)))
	return nil
}

var printable = regexp.MustCompile(`^[!-~]{1,400}$`)

// icp asks a cache whether it has a URL (RFC 2186 section 2): an ICP_OP_QUERY.
func (t *target) icp() error {
	address := t.get("url")
	if !printable.MatchString(address) {
		return fmt.Errorf("it has no URL to ask the cache for")
	}
	payload := make([]byte, 24, 25+len(address)) // opcode, version, length, 5 words
	payload = append(append(payload, address...), 0)
	payload[0], payload[1] = 1, 2
	payload[2], payload[3] = byte(len(payload)>>8), byte(len(payload)) // #nosec G115 -- under 425
	payload[7] = 1                                                     // request number
	t.options.Set("payload_hex", hex.EncodeToString(payload))
	return t.udp(3130)
}
