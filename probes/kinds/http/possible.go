package http

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// possible says which expectations no response can meet, so that a monitor would
// fail for ever, whatever its target does.
func (p Probe) possible() error {
	e := p.Expect
	var problems wire.Problems
	if body := e.ofBody(); body != "" {
		switch codes, err := statusRanges(e.Status); {
		case p.Method == http.MethodHead:
			problems.Addf(body, "the answer to HEAD has no body (RFC 9110 section 9.3.2): ask with GET, or leave it out")
		case err == nil && !slices.ContainsFunc(codes, mayHaveBody):
			problems.Addf(body, "an answer with status %s has no body (RFC 9110 section 6.4.1)", e.Status)
		}
	}
	most, limit := p.MaxBody, "max_body"
	if p.ReadBody != nil && *p.ReadBody >= 0 {
		if whole := e.ofWholeBody(*p.ReadBody); whole != "" {
			problems.Addf(whole, "needs the whole body, and read_body is %d: leave one of them out", *p.ReadBody)
		}
		most, limit = min(most, *p.ReadBody), "read_body"
	}
	if e.MaxBytes != nil && *e.MaxBytes < most {
		most, limit = *e.MaxBytes, "expect.max_bytes"
	}
	if e.MinBytes > most {
		problems.Addf("min_bytes", "%d is over %s, which is %d", e.MinBytes, limit, most)
	}
	not, err := probes.CompileRegex(e.BodyNotRegex)
	for i, s := range e.BodyContains {
		path := fmt.Sprintf("body_contains[%d]", i)
		if n := utf8.RuneCountInString(s); int64(n) > most { // in some charset each may be one byte
			problems.Addf(path, "is %d characters long, and %s is %d", n, limit, most)
		}
		if err == nil && e.BodyNotRegex != "" && inEveryText(s, not.MatchString) {
			problems.Addf(path, "%q matches body_not_regex, %q", figures.Clip(s), figures.Clip(e.BodyNotRegex))
		}
	}
	if e.BodyRegex != "" && e.BodyRegex == e.BodyNotRegex {
		problems.Addf("body_not_regex", "is the same as body_regex, %q", figures.Clip(e.BodyRegex))
	}
	for i, name := range e.NoHeaders {
		for given := range e.Headers {
			if strings.EqualFold(name, given) {
				problems.Addf(fmt.Sprintf("no_headers[%d]", i), "headers wants %s to be present", given)
			}
		}
	}
	for i, j := range e.JSON {
		for k, other := range e.JSON[:i] {
			if j.Path == other.Path && j.contradicts(other) {
				problems.Addf(fmt.Sprintf("json[%d]", i), "json[%d] wants something else at %s", k, j.Path)
			}
		}
	}
	return problems.Err()
}

// ofWholeBody is the first expectation, "" for none, that the first so many bytes
// of a body do not decide.
func (e Expect) ofWholeBody(first int64) string {
	switch {
	case len(e.JSON) > 0:
		return "json"
	case e.BodySHA256 != "":
		return "body_sha256"
	case e.BodyUnchanged:
		return "body_unchanged"
	case e.MaxBytes != nil && *e.MaxBytes >= first:
		return "max_bytes"
	case first == 0 && e.BodyRegex != "":
		return "body_regex"
	case first == 0 && e.BodyNotRegex != "":
		return "body_not_regex"
	}
	return ""
}

// ofBody is the first expectation of the body that is given, "" for none.
func (e Expect) ofBody() string {
	for _, x := range []struct {
		name  string
		given bool
	}{
		{"body_contains", len(e.BodyContains) > 0}, {"body_regex", e.BodyRegex != ""}, {"body_not_regex", e.BodyNotRegex != ""}, {"json", len(e.JSON) > 0},
		{"min_bytes", e.MinBytes > 0}, {"body_sha256", e.BodySHA256 != ""}, {"body_unchanged", e.BodyUnchanged},
	} {
		if x.given {
			return x.name
		}
	}
	return ""
}

// mayHaveBody says whether one of these status codes comes with a body.
func mayHaveBody(codes [2]int) bool {
	for code := max(codes[0], 200); code <= codes[1]; code++ {
		if code != http.StatusNoContent && code != http.StatusNotModified {
			return true
		}
	}
	return false
}

// inEveryText says whether a text is found by its own characters, wherever it
// stands, and not by what is before and after it.
func inEveryText(s string, found func(string) bool) bool {
	for _, around := range []string{"", "a", "Z", "0", " ", "\n", "\x00", "<", "\""} {
		if !found(around + s + around) {
			return false
		}
	}
	return true
}

// contradicts says whether no value meets both.
func (j ExpectJSON) contradicts(o ExpectJSON) bool {
	absent := func(x ExpectJSON) bool { return x.Exists != nil && !*x.Exists }
	switch {
	case absent(j) != absent(o):
		return true
	case j.Equals != nil && o.Equals != nil && !j.Equals.equal(*o.Equals):
		return true
	case j.Min != nil && o.Max != nil && *j.Min > *o.Max, j.Max != nil && o.Min != nil && *j.Max < *o.Min:
		return true
	}
	return false
}
