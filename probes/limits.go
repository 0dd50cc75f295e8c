package probes

import (
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"strings"

	"netmon/probes/engine"
	"netmon/wire"
)

// What a monitor may ask of a probe.
const (
	maxList    = 200    // entries of one list or map of options
	maxRegex   = 1000   // bytes of an expression
	maxProgram = 10_000 // steps that it compiles to
	maxReply   = 65507  // bytes of a datagram over IPv4: 65535 less the IP and UDP headers
)

// limits bound the options of monitors of all kinds, and what is read from targets.
var limits = []wire.Limit{
	{What: "a list or a map of options", Most: maxList, Unit: "entries", Beyond: "refused"},
	{What: "a regular expression (RE2)", Most: maxRegex, Unit: "bytes", Beyond: "refused"},
	{What: "what it compiles to: repeats such as `{1000}` count in full", Most: maxProgram, Unit: "steps", Beyond: "refused"},
	{What: "udp, ntp, icmp: a reply", Most: maxReply, Unit: "bytes", Beyond: "UDP and ICMP have none"},
	{What: "addresses of one name that a result lists, and that `addresses: each` measures", Most: mostAddresses, Unit: "addresses", Beyond: "counted"},
	{What: "notes of one result", Most: mostNotes, Unit: "notes", Beyond: "left out"},
	{What: "questions to name servers, of one lookup, that its error lists", Most: engine.MostInquiries, Unit: "questions", Beyond: "asked, not listed"},
	{What: "udp, dns, ntp, icmp: packets that a target sends to a shared socket beyond one reply to each request", Most: engine.NoiseMost, Unit: "packets a second", Beyond: "ignored there; it gets sockets of its own for 10 minutes"},
	{What: "udp, dns, ntp, icmp: addresses that are known to do so, of one IP family", Most: engine.NoisyMost, Unit: "addresses", Beyond: "not noted"},
	{What: "udp, dns, ntp, icmp: addresses that one shared socket ignores", Most: engine.MutedMost, Unit: "addresses", Beyond: "the socket gets no new runs"},
}

// CompileRegex compiles an expression of a monitor.
func CompileRegex(s string) (*regexp.Regexp, error) {
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
// are made: {1000} makes a thousand of what it follows.
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
