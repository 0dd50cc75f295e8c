package http

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/probes/tlsconf"
	"netmon/wire"
)

// Expect is what the last response must be like. The body is the decoded one.
type Expect struct {
	Status        string            `json:"status,omitempty" also:"numbers" help:"status codes that are ok, such as 200, 200-299 or 200,301; in a file a list, too: [200, 301]"`
	Headers       map[string]string `json:"headers,omitempty" help:"headers that must be present, and the RE2 expression that a value of each matches"`
	HeaderSyntax  string            `json:"header_syntax" enum:"lenient,strict" help:"lenient or strict; lenient repairs header lines and status lines that break RFC 9112, or leaves them out, as browsers and curl do, and notes it; strict fails on them"`
	NoHeaders     []string          `json:"no_headers,omitempty" help:"headers that must not be present"`
	BodyContains  []string          `json:"body_contains,omitempty" help:"texts that the body contains, all of them"`
	BodyRegex     string            `json:"body_regex,omitempty" help:"RE2 expression that the body matches"`
	BodyNotRegex  string            `json:"body_not_regex,omitempty" help:"RE2 expression that the body does not match"`
	JSON          []ExpectJSON      `json:"json,omitempty" help:"what the body holds as JSON"`
	MinBytes      int64             `json:"min_bytes,omitempty" help:"the least length of the body, bytes"`
	MaxBytes      *int64            `json:"max_bytes,omitempty" help:"the greatest length of the body, bytes"`
	BodySHA256    string            `json:"body_sha256,omitempty" help:"SHA-256 of the body, in hex"`
	BodyUnchanged bool              `json:"body_unchanged,omitempty" help:"the body is the same as in the run before that came with an expected status; the first run after a start has nothing to compare with"`
	tlsconf.Expect
}

// ExpectJSON is what is at one place of a JSON body. With a path alone
// something must be there.
type ExpectJSON struct {
	Path   string     `json:"path" help:"where: names and indexes of RFC 9535, such as $.jobs[0][\"last run\"].ok; negative indexes count from the end"`
	Equals *JSONValue `json:"equals,omitempty" help:"JSON value that is there; 1 and 1.0 are equal, 1 and \"1\" are not"`
	Regex  string     `json:"regex,omitempty" help:"RE2 expression that the text there matches; a value that is not text is matched as JSON"`
	Min    *float64   `json:"min,omitempty" help:"the least number that is ok there"`
	Max    *float64   `json:"max,omitempty" help:"the greatest number that is ok there"`
	Exists *bool      `json:"exists,omitempty" help:"whether anything is there, null included"`
}

func (e Expect) validate() error {
	var problems wire.Problems
	_, err := statusRanges(e.Status)
	problems.Add("status", err)
	isRegex := func(path, s string) {
		if _, err := probes.CompileRegex(s); err != nil {
			problems.Addf(path, "%q is not an RE2 expression: %w", figures.Clip(s), err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		if !headerName(name) {
			problems.Addf("headers."+name, "%q is not a header name", name)
		}
		isRegex("headers."+name, e.Headers[name])
	}
	for i, name := range e.NoHeaders {
		if !headerName(name) {
			problems.Addf(fmt.Sprintf("no_headers[%d]", i), "%q is not a header name", name)
		}
	}
	if e.HeaderSyntax != "lenient" && e.HeaderSyntax != "strict" {
		problems.Addf("header_syntax", "want lenient or strict, got %q", e.HeaderSyntax)
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
	if e.MinBytes < 0 || e.MinBytes > mostBody {
		problems.Addf("min_bytes", "want 0 to %d, got %d", mostBody, e.MinBytes)
	}
	if e.MaxBytes != nil && (*e.MaxBytes < e.MinBytes || *e.MaxBytes > mostBody) {
		problems.Addf("max_bytes", "want min_bytes to %d, got %d", mostBody, *e.MaxBytes)
	}
	if s := e.BodySHA256; s != "" && !regexp.MustCompile(`^[0-9a-fA-F]{64}$`).MatchString(s) {
		problems.Addf("body_sha256", "want 64 hex digits, got %q", s)
	}
	if _, ok := tlsconf.Version(e.Version); !ok && e.Version != "" {
		problems.Addf("version", "want 1.0, 1.1, 1.2 or 1.3, got %q", e.Version)
	}
	return problems.Err()
}

func (j ExpectJSON) validate() error {
	var problems wire.Problems
	_, err := parseJSONPath(j.Path)
	problems.Add("path", err)
	if _, err := probes.CompileRegex(j.Regex); err != nil {
		problems.Addf("regex", "%q is not an RE2 expression: %w", figures.Clip(j.Regex), err)
	}
	if j.Min != nil && j.Max != nil && *j.Min > *j.Max {
		problems.Addf("max", "want at least min, got %v", *j.Max)
	}
	if j.Exists != nil && !*j.Exists && (j.Equals != nil || j.Regex != "" || j.Min != nil || j.Max != nil) {
		problems.Addf("exists", "false cannot be combined with another expectation")
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
