package probes

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"netmon/wire"
)

// possible says which expectations no response can meet, so that a monitor would
// fail for ever, whatever its target does.
func (p HTTP) possible() error {
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
	if e.MaxBytes != nil && *e.MaxBytes < most {
		most, limit = *e.MaxBytes, "expect.max_bytes"
	}
	if e.MinBytes > most {
		problems.Addf("min_bytes", "%d is over %s, which is %d", e.MinBytes, limit, most)
	}
	not, err := compileRegex(e.BodyNotRegex)
	for i, s := range e.BodyContains {
		path := fmt.Sprintf("body_contains[%d]", i)
		if int64(len(s)) > most {
			problems.Addf(path, "is %d bytes long, and %s is %d", len(s), limit, most)
		}
		if err == nil && e.BodyNotRegex != "" && inEveryText(s, not.MatchString) {
			problems.Addf(path, "%q matches body_not_regex, %q", clip(s), clip(e.BodyNotRegex))
		}
	}
	if e.BodyRegex != "" && e.BodyRegex == e.BodyNotRegex {
		problems.Addf("body_not_regex", "is the same as body_regex, %q", clip(e.BodyRegex))
	}
	for i, name := range e.NoHeaders {
		for given := range e.Headers {
			if strings.EqualFold(name, given) {
				problems.Addf(fmt.Sprintf("no_headers[%d]", i), "headers wants %s to be there", given)
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

// ofBody is the first expectation of the body that is given, "" for none.
func (e HTTPExpect) ofBody() string {
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
func (j HTTPExpectJSON) contradicts(o HTTPExpectJSON) bool {
	absent := func(x HTTPExpectJSON) bool { return x.Exists != nil && !*x.Exists }
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
