package http

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// wantsContent says whether the body must be at hand, not only its length and hash.
func (e Expect) wantsContent() bool {
	return len(e.BodyContains) > 0 || e.BodyRegex != "" || e.BodyNotRegex != "" || len(e.JSON) > 0
}

// expect compares the last response with what is expected. It fails where the
// agent could not hold the body to look at it, and nothing else is unmet.
func (x *httpRun) expect(resp *http.Response, b body) error {
	e, run := x.Expect, x.run
	ranges, err := statusRanges(e.Status)
	if x.HTTPVersion == "2" && resp.ProtoMajor != 2 { // such as through a proxy
		run.Expect(false, "http_version", "2", x.d.Protocol)
	}
	asked := err == nil && slices.ContainsFunc(ranges, func(r [2]int) bool { return resp.StatusCode >= r[0] && resp.StatusCode <= r[1] })
	run.Expect(asked, "expect.status", e.Status, strconv.Itoa(resp.StatusCode))
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		re, values := regexp.MustCompile(e.Headers[name]), resp.Header.Values(name)
		got := "no such header"
		if len(values) > 0 {
			got = x.showHeader(name, values)
		}
		run.Expect(slices.ContainsFunc(values, re.MatchString), "expect.headers."+name, e.Headers[name], got)
	}
	for _, name := range e.NoHeaders {
		got := "none"
		values := resp.Header.Values(name)
		if len(values) > 0 {
			got = x.showHeader(name, values)
		}
		run.Expect(len(values) == 0, "expect.no_headers", "no header "+name, got)
	}
	if e.HeaderSyntax == "strict" {
		got := "nothing unusual"
		if len(x.odd) > 0 {
			got = x.odd[0]
		}
		run.Expect(len(x.odd) == 0, "expect.header_syntax", "a head as RFC 9112 has it", got)
	}
	unchecked := x.expectBody(b)
	x.expectHash(b, asked)
	if e.Expect != (tlsconf.Expect{}) {
		if x.d.TLS.Version == "" {
			run.Expect(false, "expect", "TLS", "an answer that came without TLS")
		} else {
			e.Expect.Check(run, x.d.hops(x.at)...)
		}
	}
	if unchecked != "" && run.Misses() == 0 {
		t := b.text
		return probes.Broken(wire.BrokenLocal, "expect.%s was not checked: there was no room for the body, %s; all runs of this agent may hold %d bytes of bodies, this one held %d and others %d", unchecked, b, t.budget.Most, t.held, t.others)
	}
	return nil
}

// showHeader is a header's values for people, without those of cookies.
func (x *httpRun) showHeader(name string, values []string) string {
	shown := make([]string, len(values))
	for i, v := range values {
		shown[i] = hideCookie(name, v)
	}
	return x.hide(strings.Join(shown, ", "))
}

// expectBody compares the body. It returns the first expectation that could not be
// checked, "" for none.
func (x *httpRun) expectBody(b body) (unchecked string) {
	e, run := x.Expect, x.run
	if e.MinBytes > 0 {
		run.Expect(b.decoded >= e.MinBytes, "expect.min_bytes", fmt.Sprintf("at least %d", e.MinBytes), strconv.FormatInt(b.decoded, 10))
	}
	if e.MaxBytes != nil {
		run.Expect(b.decoded <= *e.MaxBytes, "expect.max_bytes", fmt.Sprintf("at most %d", *e.MaxBytes), strconv.FormatInt(b.decoded, 10))
	}
	if !e.wantsContent() {
		return ""
	}
	if b.opaque {
		run.Expect(false, "expect", "a body that can be read", "content coding "+b.encoding)
		return ""
	}
	text := b.text
	got := x.show(text.kept, text.length)
	for i, s := range e.BodyContains {
		run.Expect(text.contains(i), "expect.body_contains", s, got)
	}
	if text.lost {
		return e.ofWholeText()
	}
	if e.BodyRegex != "" {
		run.Expect(regexp.MustCompile(e.BodyRegex).Match(text.kept), "expect.body_regex", e.BodyRegex, got)
	}
	if e.BodyNotRegex != "" {
		at := regexp.MustCompile(e.BodyNotRegex).FindIndex(text.kept)
		found := "no match"
		if at != nil { // not the match itself, which may be a part of a secret
			found = fmt.Sprintf("a match at byte %d of %s", at[0], got)
		}
		run.Expect(at == nil, "expect.body_not_regex", "no match of "+e.BodyNotRegex, found)
	}
	if len(e.JSON) == 0 {
		return ""
	}
	if err := checkJSON(text.kept); err != nil {
		run.Expect(false, "expect.json", "a body in JSON", fmt.Sprintf("%v: %s", err, got))
		return ""
	}
	for i, j := range e.JSON {
		if !x.expectJSON(fmt.Sprintf("expect.json[%d]", i), j, text) {
			return "json"
		}
	}
	return ""
}

// ofWholeText is the first expectation for which the whole text must be held.
func (e Expect) ofWholeText() string {
	switch {
	case e.BodyRegex != "":
		return "body_regex"
	case e.BodyNotRegex != "":
		return "body_not_regex"
	}
	return "json"
}

// expectJSON notes one unmet expectation, or that all of them are met; false when
// there was no room to look.
func (x *httpRun) expectJSON(option string, j ExpectJSON, text *httpText) bool {
	path, err := parseJSONPath(j.Path)
	if err != nil {
		x.run.Expect(false, option, "a JSON path", err.Error())
		return true
	}
	value, found := path.find(text.kept)
	if j.Regex != "" && !text.work(2*int64(len(value))) { // unquoted, it is a copy
		return false
	}
	got := "nothing"
	if found {
		got = x.show(value, int64(len(value)))
	}
	note := func(ok bool, want string) { x.run.Expect(ok, option, j.Path+" "+want, got) }
	number, isNumber := JSONValue(value).number()
	if j.Exists != nil && !*j.Exists {
		note(!found, "absent")
		return true
	}
	if j.Equals != nil {
		note(found && j.Equals.equal(JSONValue(value)), "= "+string(*j.Equals))
	}
	if j.Regex != "" {
		note(found && regexp.MustCompile(j.Regex).MatchString(JSONValue(value).text()), "matching "+j.Regex)
	}
	if j.Min != nil {
		note(isNumber && number >= *j.Min, fmt.Sprintf("at least %v", *j.Min))
	}
	if j.Max != nil {
		note(isNumber && number <= *j.Max, fmt.Sprintf("at most %v", *j.Max))
	}
	if j.Exists != nil || j.Equals == nil && j.Regex == "" && j.Min == nil && j.Max == nil {
		note(found, "present")
	}
	return true
}

// expectHash compares the body with a known one and with that of the run before.
func (x *httpRun) expectHash(b body, asked bool) {
	if want := strings.ToLower(x.Expect.BodySHA256); want != "" {
		x.run.Expect(b.sha256 == want, "expect.body_sha256", want, b.sha256)
	}
	if !x.Expect.BodyUnchanged || !asked {
		return
	}
	switch before := x.kept.sha256; before {
	case "":
		x.run.Stepf("expect.body_unchanged: the first run has nothing to compare with")
	default:
		x.run.Expect(b.sha256 == before, "expect.body_unchanged", before, b.sha256)
	}
	x.kept.sha256 = b.sha256
}

// show writes the beginning of what a server said, for people. all is its length
// in bytes, of which b may be a part.
func (x *httpRun) show(b []byte, all int64) string {
	const most = 200
	enough := min(len(b), 64<<10)
	for enough < len(b) && enough > 0 && !utf8.RuneStart(b[enough]) {
		enough--
	}
	text := x.hide(string(b[:enough]))
	if !utf8.ValidString(text) {
		return fmt.Sprintf("%s that are not text: %x", figures.Counted(all, "byte"), b[:min(len(b), 32)])
	}
	rest := ""
	if len(text) > most {
		text, rest = strings.ToValidUTF8(text[:most], ""), fmt.Sprintf("... (%d bytes)", all)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		text = strconv.Quote(text)
	}
	return text + rest
}
