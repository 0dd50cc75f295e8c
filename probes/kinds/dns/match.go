package dns

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/miekg/dns"

	"netmon/probes/engine"
)

// recordForms are the ways to write a record that an expectation may have in mind:
// as dig does, and a text also with its strings joined, as whoever reads it takes
// it (RFC 7208 section 3.3).
func recordForms(rr dns.RR) []string {
	forms := []string{recordText(rr)}
	if text, ok := dnsText(rr); ok {
		h := rr.Header()
		joined := fmt.Sprintf("%s %d %s %s ", h.Name, h.Ttl, engine.DNSClassName(h.Class), engine.DNSTypeName(h.Rrtype))
		forms = append(forms, joined+unescaped(text), joined+text)
	}
	return forms
}

// unescaped is a text without the escapes of master files (RFC 1035 section 5.1).
func unescaped(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			out = append(out, s[i])
		case i+3 < len(s) && isDigits(s[i+1:i+4]):
			out = append(out, byte(int(s[i+1]-'0')*100+int(s[i+2]-'0')*10+int(s[i+3]-'0')))
			i += 3
		default:
			i++
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// recordContains says whether a record holds a text: its names in either case (RFC
// 4343), all else as it is.
func recordContains(rr dns.RR, want string) bool {
	folded := strings.ToLower(want)
	for _, form := range recordForms(rr) {
		if strings.Contains(form, want) {
			return true
		}
		if !strings.Contains(strings.ToLower(form), folded) {
			continue
		}
		// Where the names in lower and in upper case differ is a letter of a name.
		lower, upper := recordText(namesIn(rr, strings.ToLower)), recordText(namesIn(rr, strings.ToUpper))
		if len(lower) != len(upper) || form != recordText(rr) {
			continue
		}
		for at := 0; at+len(want) <= len(form); at++ {
			if matchesAt(form[at:], lower[at:], upper[at:], want) {
				return true
			}
		}
	}
	return false
}

// matchesAt says whether text begins with want, or with that in another case where
// a letter of a name stands.
func matchesAt(text, lower, upper, want string) bool {
	for i := range len(want) {
		if text[i] != want[i] && (lower[i] == upper[i] || want[i] != lower[i] && want[i] != upper[i]) {
			return false
		}
	}
	return true
}

// namesIn is a copy of a record with its names in one case. The library marks
// the fields that hold a name.
func namesIn(rr dns.RR, in func(string) string) dns.RR {
	rr = dns.Copy(rr)
	rr.Header().Name = in(rr.Header().Name)
	changeNames(reflect.ValueOf(rr).Elem(), in)
	return rr
}

func changeNames(v reflect.Value, in func(string) string) {
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		switch tag := field.Tag.Get("dns"); {
		case field.Anonymous && f.Kind() == reflect.Struct: // HTTPS, which is an SVCB
			changeNames(f, in)
		case tag != "domain-name" && tag != "cdomain-name":
		case f.Kind() == reflect.String:
			f.SetString(in(f.String()))
		case f.Kind() == reflect.Slice:
			for j := range f.Len() {
				f.Index(j).SetString(in(f.Index(j).String()))
			}
		}
	}
}
