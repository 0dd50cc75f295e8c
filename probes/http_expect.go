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

	"netmon/wire"
)

// HTTPExpect is what the last response must be like. The body is the decoded one.
type HTTPExpect struct {
	Status        string            `json:"status,omitempty" help:"status codes that are ok, such as 200, 200-299 or 200,301"`
	Headers       map[string]string `json:"headers,omitempty" help:"headers that must be there, and the RE2 expression that a value of each matches"`
	NoHeaders     []string          `json:"no_headers,omitempty" help:"headers that must not be there"`
	BodyContains  []string          `json:"body_contains,omitempty" help:"texts that the body contains, all of them"`
	BodyRegex     string            `json:"body_regex,omitempty" help:"RE2 expression that the body matches"`
	BodyNotRegex  string            `json:"body_not_regex,omitempty" help:"RE2 expression that the body does not match"`
	JSON          []HTTPExpectJSON  `json:"json,omitempty" help:"what the body holds as JSON"`
	MinBytes      int64             `json:"min_bytes,omitempty" help:"the least length of the body, bytes"`
	MaxBytes      *int64            `json:"max_bytes,omitempty" help:"the greatest length of the body, bytes"`
	BodySHA256    string            `json:"body_sha256,omitempty" help:"SHA-256 of the body, in hex"`
	BodyUnchanged bool              `json:"body_unchanged,omitempty" help:"the body is the same as in the run before that came with an expected status; the first run after a start has nothing to compare with"`
	TLSExpect
}

// HTTPExpectJSON is what stands at one place of a JSON body. With a path alone
// something must stand there.
type HTTPExpectJSON struct {
	Path   string     `json:"path" help:"where: names and indexes of RFC 9535, such as $.jobs[0][\"last run\"].ok; negative indexes count from the end"`
	Equals *JSONValue `json:"equals,omitempty" help:"JSON value that stands there; 1 and 1.0 are equal, 1 and \"1\" are not"`
	Regex  string     `json:"regex,omitempty" help:"RE2 expression that the text there matches; of what is no text, its JSON"`
	Min    *float64   `json:"min,omitempty" help:"the least number that is ok there"`
	Max    *float64   `json:"max,omitempty" help:"the greatest number that is ok there"`
	Exists *bool      `json:"exists,omitempty" help:"whether anything stands there, null included"`
}

func (e HTTPExpect) validate() error {
	var problems wire.Problems
	_, err := statusRanges(e.Status)
	problems.Add("status", err)
	isRegex := func(path, s string) {
		if _, err := regexp.Compile(s); err != nil {
			problems.Addf(path, "%q is no RE2 expression: %w", s, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if !httpHeaderName(name) {
			problems.Addf("headers."+name, "%q is no header name", name)
		}
		isRegex("headers."+name, e.Headers[name])
	}
	for i, name := range e.NoHeaders {
		if !httpHeaderName(name) {
			problems.Addf(fmt.Sprintf("no_headers[%d]", i), "%q is no header name", name)
		}
	}
	for i, s := range e.BodyContains {
		if s == "" {
			problems.Addf(fmt.Sprintf("body_contains[%d]", i), "the text is empty")
		}
	}
	isRegex("body_regex", e.BodyRegex)
	isRegex("body_not_regex", e.BodyNotRegex)
	for i, j := range e.JSON {
		problems.Add(fmt.Sprintf("json[%d]", i), j.validate())
	}
	if e.MinBytes < 0 || e.MinBytes > httpMostBody {
		problems.Addf("min_bytes", "want 0 to %d, got %d", httpMostBody, e.MinBytes)
	}
	if e.MaxBytes != nil && (*e.MaxBytes < e.MinBytes || *e.MaxBytes > httpMostBody) {
		problems.Addf("max_bytes", "want min_bytes to %d, got %d", httpMostBody, *e.MaxBytes)
	}
	if s := e.BodySHA256; s != "" && !regexp.MustCompile(`^[0-9a-fA-F]{64}$`).MatchString(s) {
		problems.Addf("body_sha256", "want 64 hex digits, got %q", s)
	}
	if _, ok := tlsVersion(e.Version); !ok && e.Version != "" {
		problems.Addf("version", "want 1.0, 1.1, 1.2 or 1.3, got %q", e.Version)
	}
	return problems.Err()
}

func (j HTTPExpectJSON) validate() error {
	var problems wire.Problems
	_, err := parseJSONPath(j.Path)
	problems.Add("path", err)
	if _, err := regexp.Compile(j.Regex); err != nil {
		problems.Addf("regex", "%q is no RE2 expression: %w", j.Regex, err)
	}
	if j.Min != nil && j.Max != nil && *j.Min > *j.Max {
		problems.Addf("max", "want at least min, got %v", *j.Max)
	}
	if j.Exists != nil && !*j.Exists && (j.Equals != nil || j.Regex != "" || j.Min != nil || j.Max != nil) {
		problems.Addf("exists", "false goes with no other expectation")
	}
	return problems.Err()
}

// statusRanges reads "200-299,301" as pairs of bounds.
func statusRanges(s string) ([][2]int, error) {
	var out [][2]int
	for part := range strings.SplitSeq(s, ",") {
		lo, hi, ok := strings.Cut(strings.TrimSpace(part), "-")
		if !ok {
			hi = lo
		}
		a, errA := strconv.Atoi(lo)
		b, errB := strconv.Atoi(hi)
		if errA != nil || errB != nil || a < 100 || b > 599 || a > b {
			return nil, fmt.Errorf("want codes and ranges such as 200-299,301, got %q", s)
		}
		out = append(out, [2]int{a, b})
	}
	return out, nil
}

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
		x.run.Stepf("expect expect.body_unchanged: the first run has nothing to compare with")
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
