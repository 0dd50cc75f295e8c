package probes

import (
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/miekg/dns"

	"netmon/wire"
)

// What a monitor may ask of a probe.
const (
	maxList    = 200       // entries of one list or map of options
	maxRegex   = 1000      // bytes of an expression
	maxProgram = 10_000    // steps that it compiles to
	maxTLSCert = 256 << 10 // bytes of a chain of certificates: crypto/tls, maxHandshakeCertificateMsg
)

// Limits bounds the options of monitors, and what is read from targets.
var Limits = []wire.Limit{
	{What: "a list or a map of options", Most: maxList, Unit: "entries", Beyond: "refused"},
	{What: "a regular expression (RE2)", Most: maxRegex, Unit: "bytes", Beyond: "refused"},
	{What: "what it compiles to: repeats such as `{1000}` count in full", Most: maxProgram, Unit: "steps", Beyond: "refused"},
	{What: "a JSON path", Most: jsonMaxSteps, Unit: "names and indexes", Beyond: "refused"},
	{What: "tcp: `steps`", Most: tcpMaxSteps, Unit: "steps", Beyond: "refused"},
	{What: "tcp: bytes to send in one step", Most: tcpMaxSend, Unit: "bytes", Beyond: "refused"},
	{What: "icmp: `count`", Most: icmpMaxCount, Unit: "packets", Beyond: "refused"},
	{What: "udp: `count`", Most: udpMaxCount, Unit: "packets", Beyond: "refused"},
	{What: "ntp: `samples`", Most: ntpMaxSamples, Unit: "packets", Beyond: "refused"},
	{What: "http: status line and headers of a response, over HTTP/1.1 and 2", Most: httpMaxHeader, Unit: "bytes", Beyond: "`limit`"},
	{What: "http: body, as it comes and decoded (`max_body`, default)", Most: httpMaxBody, Unit: "bytes", Beyond: "`limit`"},
	{What: "http: the greatest `max_body`", Most: httpMostBody, Unit: "bytes", Beyond: "refused"},
	{What: "http: content codings upon one another", Most: httpMaxCodings, Unit: "codings", Beyond: "not decoded"},
	{What: "http: responses with 1xx", Most: httpMaxInterim, Unit: "responses", Beyond: "`limit`"},
	{What: "http: redirects", Most: httpMaxRedirects, Unit: "redirects", Beyond: "refused; `limit`"},
	{What: "http: a proxy's answer to CONNECT", Most: httpMaxHeader, Unit: "bytes", Beyond: "`proxy`"},
	{What: "dns: a message, over any transport", Most: dns.MaxMsgSize, Unit: "bytes", Beyond: "`limit`, over HTTPS; the others carry no more"},
	{What: "dns: records of a section that a result tells", Most: dnsMaxRecords, Unit: "records", Beyond: "counted"},
	{What: "dns: text of all of them", Most: dnsMaxText, Unit: "bytes", Beyond: "counted"},
	{What: "tcp: banner, and each answer (the greatest `max_bytes`)", Most: tcpMaxRead, Unit: "bytes", Beyond: "`limit`"},
	{What: "tcp: pieces that one answer comes in", Most: tcpMaxPieces, Unit: "reads", Beyond: "`limit`"},
	{What: "tcp: lines of one answer in a STARTTLS dialogue", Most: tcpMaxLines, Unit: "lines", Beyond: "`limit`"},
	{What: "udp, ntp, icmp: a reply", Most: udpMaxPayload, Unit: "bytes", Beyond: "UDP and ICMP have none"},
	{What: "TLS: certificates of a handshake (crypto/tls)", Most: maxTLSCert, Unit: "bytes", Beyond: "`tls`"},
	{What: "TLS: certificates that a result tells", Most: maxChain, Unit: "certificates", Beyond: "left out"},
	{What: "TLS: names of one certificate that a result tells", Most: maxSANs, Unit: "names", Beyond: "left out"},
}

// compileRegex compiles an expression of a monitor.
func compileRegex(s string) (*regexp.Regexp, error) {
	if len(s) > maxRegex {
		return nil, fmt.Errorf("it is %d bytes long: want at most %d", len(s), maxRegex)
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	if n := programSize(parsed); n > maxProgram {
		return nil, fmt.Errorf("it compiles to %d steps: want at most %d; repeat less", n, maxProgram)
	}
	return regexp.Compile(s)
}

// programSize is about how many steps re compiles to. It is known before they
// are made: {1000} makes a thousand of what it stands behind.
func programSize(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n += programSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Max, re.Min+1)
	}
	return n
}

// checkLists reports each list and map of options that is too long.
func checkLists(path string, v reflect.Value) error {
	var p wire.Problems
	at := func(name string) string {
		if path == "" || name == "" {
			return path + name
		}
		return path + "." + name
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			p.Add("", checkLists(path, v.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				p.Add("", checkLists(at(name), v.Field(i)))
			}
		}
	case reflect.Map, reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break // a text
		}
		if v.Len() > maxList {
			p.Addf(path, "has %d entries: want at most %d", v.Len(), maxList)
			break
		}
		if v.Kind() == reflect.Slice {
			for i := range v.Len() {
				p.Add("", checkLists(fmt.Sprintf("%s[%d]", path, i), v.Index(i)))
			}
		}
	}
	return p.Err()
}
