package tcp

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// tcpPart is a piece of a text to send.
type tcpPart struct {
	kind string // tcpLiteral, secret or capture
	text string // the literal, the whole reference, or the capture's name
}

const (
	tcpLiteral = "text"
	secret     = "secret"
	capture    = "capture"
)

// parse takes a text with references apart.
func parse(s string) (parts []tcpPart, err error) {
	literal := func(text string) {
		if n := len(parts); n > 0 && parts[n-1].kind == tcpLiteral {
			parts[n-1].text += text
		} else if text != "" {
			parts = append(parts, tcpPart{tcpLiteral, text})
		}
	}
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			literal(s)
			return parts, nil
		}
		if i > 0 && s[i-1] == '$' { // $${
			literal(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		literal(s[:i])
		s = s[i:]
		inner, rest, ok := strings.Cut(s[2:], "}")
		kind, name, named := strings.Cut(inner, ":")
		switch {
		case ok && named && name != "" && kind == capture:
			parts = append(parts, tcpPart{capture, name})
		case ok && named && name != "" && (kind == "env" || kind == "file"):
			parts = append(parts, tcpPart{secret, "${" + inner + "}"})
		default:
			return nil, fmt.Errorf("want ${env:NAME}, ${file:PATH} or ${capture:NAME}, or $${ for the text itself, got %q", figures.Clip(s[:len(s)-len(rest)]))
		}
		s = rest
	}
}

// tcpText is a text to send, secrets in place.
type tcpText []tcpPart

// reveal reads the secrets of a text. They are added to seen.
func reveal(run *probes.Run, text string, seen *tcpSecrets) (tcpText, error) {
	parts, err := parse(text)
	if err != nil {
		return nil, err
	}
	for i, part := range parts {
		if part.kind != secret {
			continue
		}
		v, err := run.Reveal(probes.Secret(part.text))
		if err != nil {
			return nil, err
		}
		*seen = append(*seen, v)
		parts[i] = tcpPart{tcpLiteral, v}
	}
	return parts, nil
}

// expand puts the captures in place.
func (t tcpText) expand(captures map[string]string) ([]byte, error) {
	var b []byte
	for _, part := range t {
		if part.kind == capture {
			b = append(b, captures[part.text]...)
		} else {
			b = append(b, part.text...)
		}
		if len(b) > maxSend {
			return nil, probes.Fail(wire.FailLimit, "what is to be sent is over %d bytes", maxSend)
		}
	}
	return b, nil
}

// expectation is what an answer must be like.
type expectation struct {
	option  string
	want    string         // for people
	regex   *regexp.Regexp // or
	literal []byte         // or, when both are nil, anything
	exact   bool           // the answer ends with the match, not with its line
}

// tcpRegexp compiles a regular expression whose ^ and $ match at every line.
func tcpRegexp(s string) (*regexp.Regexp, error) {
	if _, err := probes.CompileRegex(s); err != nil { // whose message shows it as it was written
		return nil, fmt.Errorf("want a regular expression, got %q: %w", figures.Clip(s), err)
	}
	return regexp.Compile("(?m)" + s)
}

// expectation is what the step wants, nil when it wants nothing. path goes
// before the option's name.
func (s Step) expectation(path string) (*expectation, error) {
	switch {
	case s.Expect != "":
		re, err := tcpRegexp(s.Expect)
		if err != nil {
			return nil, &wire.FieldError{Path: "expect", Err: err}
		}
		return &expectation{option: path + "expect", want: strconv.Quote(s.Expect), regex: re}, nil
	case s.ExpectText != "":
		return &expectation{option: path + "expect_text", want: strconv.Quote(s.ExpectText), literal: []byte(s.ExpectText)}, nil
	case s.ExpectHex != "":
		b, err := figures.Unhex(s.ExpectHex)
		if err == nil && len(b) == 0 {
			err = fmt.Errorf("want pairs of hex digits, got %q", s.ExpectHex)
		}
		if err != nil {
			return nil, &wire.FieldError{Path: "expect_hex", Err: err}
		}
		return &expectation{option: path + "expect_hex", want: hex.EncodeToString(b), literal: b, exact: true}, nil
	}
	return nil, nil
}

// find looks for the expectation in what came: end is where its match ends.
func (e *expectation) find(b []byte) (end int, captures map[string]string, ok bool) {
	if e.regex == nil && e.literal == nil {
		return min(1, len(b)), nil, len(b) > 0
	}
	if e.regex == nil {
		i := bytes.Index(b, e.literal)
		return i + len(e.literal), nil, i >= 0
	}
	text, at := b, e.regex.FindSubmatchIndex(b)
	if at == nil { // $ does not see a line's end before CR
		text = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		if at = e.regex.FindSubmatchIndex(text); at == nil {
			return 0, nil, false
		}
	}
	captures = map[string]string{}
	for i, name := range e.regex.SubexpNames() {
		if name != "" && at[2*i] >= 0 {
			captures[name] = string(text[at[2*i]:at[2*i+1]])
		}
	}
	end = at[1]
	if len(text) != len(b) {
		end = withCR(b, end)
	}
	return end, captures, true
}

// withCR turns a place in b without the CRs of its line ends into one in b.
func withCR(b []byte, end int) int {
	i := 0
	for ; i < len(b) && end > 0; i++ {
		if b[i] != '\r' || i+1 == len(b) || b[i+1] != '\n' {
			end--
		}
	}
	return i
}

// answer is what met an expectation.
type answer struct {
	text     []byte // up to the end of its line, or all that came and did not meet it
	captures map[string]string
	at       time.Time // when the bytes came that met it; zero when none did
}

// answer waits for what e wants, for at most wait when that is not 0. An answer
// that is there but not the one expected is noted as unmet, and err is errTCPUnmet.
func (t *talk) answer(e *expectation, wait time.Duration) (a answer, err error) {
	t.begin()
	begin, until := time.Now(), time.Time{}
	if wait > 0 {
		until = begin.Add(wait)
	}
	for {
		if end, captures, ok := e.find(t.buf); ok && len(t.buf) > 0 {
			a = answer{captures: captures, at: t.arrived}
			if end, err = t.awaitEnd(e, end, &a); err != nil {
				return a, err
			}
			a.text = t.consume(end)
			t.run.Expect(true, e.option, e.want, t.quote(a.text))
			return a, nil
		}
		switch err := t.readUntil(until); {
		case err == nil:
			continue
		case len(t.buf) > 0 && t.answered(err, begin):
			a.text = t.consume(len(t.buf))
			t.run.Expect(false, e.option, e.want, t.quote(a.text))
			return a, errTCPUnmet
		default:
			return a, t.unanswered(e, err)
		}
	}
}

// errTCPUnmet ends a conversation in which an expectation was not met, which is
// noted with the run.
var errTCPUnmet = errors.New("an expectation was not met")

// answered says whether what came is a whole answer, although nothing more came
// for the reason err: the target ended it, or has been silent for a while.
func (t *talk) answered(err error, begin time.Time) bool {
	var e *probes.Error
	if errors.As(err, &e) && e.Failure == wire.FailClosed {
		return true
	}
	if errors.As(err, &e) && e.Failure != wire.FailTimeout || errors.Is(err, context.Canceled) {
		return false
	}
	now := time.Now()
	return now.Sub(t.arrived) > min(now.Sub(begin)/4, 500*time.Millisecond)
}

// unanswered says what came instead of the answer, and why no more did.
func (t *talk) unanswered(e *expectation, err error) error {
	if errors.Is(err, errTCPWaited) {
		err = probes.Fail(wire.FailTimeout, "the wait is over")
	}
	got := "nothing"
	if len(t.buf) > 0 {
		got = t.quote(t.consume(len(t.buf)))
	}
	return probes.NetFail(fmt.Sprintf("want %s, got %s", e.want, got), err)
}

// awaitEnd waits for the end of the line in which a match ends, for as long as
// its bytes keep coming: a match at the end of what came could become longer.
// The place it returns is after that line's end.
func (t *talk) awaitEnd(e *expectation, end int, a *answer) (int, error) {
	if e.exact {
		return end, nil
	}
	limit := time.Now().Add(settle)
	for !bytes.Contains(t.buf[max(end-1, 0):], []byte("\n")) {
		until := time.Now().Add(pause)
		if until.After(limit) {
			until = limit
		}
		if err := t.readUntil(until); err != nil {
			var failed *probes.Error
			if errors.As(err, &failed) && failed.Failure == wire.FailLimit {
				return end, err
			}
			return len(t.buf), nil
		}
		longer, captures, ok := e.find(t.buf)
		if ok && longer != end {
			end, a.captures, a.at = longer, captures, t.arrived
		}
	}
	if end == 0 || t.buf[end-1] != '\n' {
		end += bytes.IndexByte(t.buf[end:], '\n') + 1
	}
	return end, nil
}

// tcpTurn is a step, ready to use.
type tcpTurn struct {
	name   string
	send   tcpText
	raw    []byte
	expect *expectation
	wait   time.Duration
}

// turn goes through one step. What it captures is added to captures.
func (t *talk) turn(s tcpTurn, captures map[string]string) (f StepFigures, a answer, err error) {
	f.Name = s.name
	b := s.raw
	if len(s.send) > 0 {
		if b, err = s.send.expand(captures); err != nil {
			return f, a, err
		}
	}
	begin := time.Now()
	if len(b) > 0 {
		if err := t.send(b); err != nil {
			return f, a, err
		}
		f.SentBytes = len(b)
	}
	if s.expect == nil {
		return f, a, nil
	}
	if a, err = t.answer(s.expect, s.wait); err != nil {
		f.ReceivedBytes = t.came
		return f, a, err
	}
	f.ReceivedBytes = len(a.text)
	ns := int64(max(a.at.Sub(begin), 0))
	f.NS = &ns
	addCaptures(captures, a.captures)
	return f, a, nil
}
