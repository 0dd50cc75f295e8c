package probes

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wantsContent says whether the body must be at hand, not only its length and hash.
func (e HTTPExpect) wantsContent() bool {
	return len(e.BodyContains) > 0 || e.BodyRegex != "" || e.BodyNotRegex != "" || len(e.JSON) > 0
}

// expect compares the last response with what is expected.
func (x *httpRun) expect(resp *http.Response, b httpBody) {
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
			got = x.hide(strings.Join(values, ", "))
		}
		run.Expect(slices.ContainsFunc(values, re.MatchString), "expect.headers."+name, e.Headers[name], got)
	}
	for _, name := range e.NoHeaders {
		got := "none"
		values := resp.Header.Values(name)
		if len(values) > 0 {
			got = x.hide(strings.Join(values, ", "))
		}
		run.Expect(len(values) == 0, "expect.no_headers", "no header "+name, got)
	}
	x.expectBody(b)
	x.expectHash(b, asked)
	if e.TLSExpect != (TLSExpect{}) {
		if x.d.TLS.Version == "" {
			run.Expect(false, "expect", "TLS", "an answer that came without TLS")
		} else {
			e.TLSExpect.check(run, x.d.TLS)
		}
	}
}

func (x *httpRun) expectBody(b httpBody) {
	e, run := x.Expect, x.run
	if e.MinBytes > 0 {
		run.Expect(b.decoded >= e.MinBytes, "expect.min_bytes", fmt.Sprintf("at least %d", e.MinBytes), strconv.FormatInt(b.decoded, 10))
	}
	if e.MaxBytes != nil {
		run.Expect(b.decoded <= *e.MaxBytes, "expect.max_bytes", fmt.Sprintf("at most %d", *e.MaxBytes), strconv.FormatInt(b.decoded, 10))
	}
	if !e.wantsContent() {
		return
	}
	if b.opaque {
		run.Expect(false, "expect", "a body that can be read", "content coding "+b.encoding)
		return
	}
	got := x.show(b.content)
	for _, s := range e.BodyContains {
		run.Expect(bytes.Contains(b.content, []byte(s)), "expect.body_contains", s, got)
	}
	if e.BodyRegex != "" {
		run.Expect(regexp.MustCompile(e.BodyRegex).Match(b.content), "expect.body_regex", e.BodyRegex, got)
	}
	if e.BodyNotRegex != "" {
		at := regexp.MustCompile(e.BodyNotRegex).FindIndex(b.content)
		found := "no match"
		if at != nil { // not the match itself, which may be a part of a secret
			found = fmt.Sprintf("a match at byte %d of %s", at[0], got)
		}
		run.Expect(at == nil, "expect.body_not_regex", "no match of "+e.BodyNotRegex, found)
	}
	if len(e.JSON) == 0 {
		return
	}
	if err := checkJSON(b.content); err != nil {
		run.Expect(false, "expect.json", "a body in JSON", fmt.Sprintf("%v: %s", err, got))
		return
	}
	for i, j := range e.JSON {
		x.expectJSON(fmt.Sprintf("expect.json[%d]", i), j, b.content)
	}
}

// expectJSON notes one unmet expectation, or that all of them are met.
func (x *httpRun) expectJSON(option string, j HTTPExpectJSON, doc []byte) {
	path, err := parseJSONPath(j.Path)
	if err != nil {
		x.run.Expect(false, option, "a JSON path", err.Error())
		return
	}
	value, found := path.find(doc)
	got := "nothing"
	if found {
		got = x.show(value)
	}
	note := func(ok bool, want string) { x.run.Expect(ok, option, j.Path+" "+want, got) }
	number, isNumber := JSONValue(value).number()
	if j.Exists != nil && !*j.Exists {
		note(!found, "absent")
		return
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
}

// expectHash compares the body with a known one and with that of the run before.
func (x *httpRun) expectHash(b httpBody, asked bool) {
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

// show writes the beginning of what a server said, for people.
func (x *httpRun) show(b []byte) string {
	const most = 200
	enough := min(len(b), 64<<10)
	for enough < len(b) && enough > 0 && !utf8.RuneStart(b[enough]) {
		enough--
	}
	text := x.hide(string(b[:enough]))
	if !utf8.ValidString(text) {
		return fmt.Sprintf("%d bytes that are no text: %x", len(b), b[:min(len(b), 32)])
	}
	rest := ""
	if len(text) > most {
		text, rest = strings.ToValidUTF8(text[:most], ""), fmt.Sprintf("... (%d bytes)", len(b))
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		text = strconv.Quote(text)
	}
	return text + rest
}
