package http

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"netmon/probes/internal/figures"
)

// mender stands between a connection and net/http, which takes the head of a
// response as RFC 9112 has it or not at all. Other clients do not: a line that
// net/http would refuse is mended or left out here, and noted. What it refuses for
// good reason, such as two lengths that differ, is handed on. Bodies, and heads in
// order, pass as they come, without a copy.
type mender struct {
	r io.Reader

	mu     sync.Mutex // guards all: net/http reads in a goroutine of its own
	body   bool       // the head is over
	lines  int        // of this head so far
	gone   bool       // the line before was left out: what continues it goes, too
	held   []byte     // the beginning of a line whose end has not come
	ready  []byte     // mended, to be handed out
	err    error      // that ended r, to be handed out after it
	status int        // of the last status line that could be read
	odd    []string   // what was mended, a sentence for each
}

// maxOdd bounds the sentences of one response that a result lists.
const maxOdd = 10

// reset begins the next response of the connection.
func (m *mender) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.body, m.lines, m.gone, m.status, m.odd = false, 0, false, 0, nil
}

// found returns the status of the response, 0 when none came, and what was mended.
func (m *mender) found() (status int, odd []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.odd
}

// Read implements io.Reader.
func (m *mender) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.ready) == 0 {
		if m.err != nil {
			return 0, m.err
		}
		m.mu.Unlock() // it may take long, and the next response may begin meanwhile
		n, err := m.r.Read(p)
		m.mu.Lock()
		if m.body || n == 0 && err == nil {
			return n, err
		}
		clean := m.mend(p[:n])
		if m.err = err; err != nil {
			m.ready, m.held = append(m.ready, m.held...), nil
		}
		if clean > 0 {
			return clean, nil
		}
	}
	n := copy(p, m.ready)
	m.ready = m.ready[n:]
	return n, nil
}

// mend looks at what came next. It returns how much of it can be handed out as it
// is; what follows that is in ready and held.
func (m *mender) mend(in []byte) (clean int) {
	rest, copied := in, false // copied: something before was not handed out as it is
	for len(rest) > 0 && !m.body {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			m.hold(rest)
			return clean
		}
		line, whole := rest[:end], len(m.held) == 0
		rest = rest[end:]
		if !whole {
			line = append(m.held, line...)
			m.held = nil
		}
		text := bytes.TrimSuffix(line[:len(line)-1], []byte{'\r'})
		mended, ok := m.line(text)
		switch {
		case ok && whole && !copied:
			clean += end
			continue
		case ok:
			m.ready = append(m.ready, line...)
		case mended != nil:
			m.ready = append(append(m.ready, mended...), "\r\n"...)
		}
		copied = true
	}
	if !copied {
		return clean + len(rest)
	}
	m.ready = append(m.ready, rest...)
	return clean
}

// hold keeps a line whose end has not come. What is no HTTP at all, or has no end,
// is for net/http to refuse.
func (m *mender) hold(b []byte) {
	m.held = append(m.held, b...)
	if m.lines == 0 && !mayBeStatusLine(m.held) || len(m.held) > maxHeader {
		m.ready, m.held, m.body = append(m.ready, m.held...), nil, true
	}
}

// mayBeStatusLine says whether a status line can begin so.
func mayBeStatusLine(b []byte) bool {
	for _, begin := range []string{"HTTP/", "ICY "} {
		if n := min(len(b), len(begin)); strings.EqualFold(string(b[:n]), begin[:n]) {
			return true
		}
	}
	return false
}

// line looks at one line, without its end: ok when it is as it should be, else what
// to read instead, nil for nothing.
func (m *mender) line(text []byte) (mended []byte, ok bool) {
	m.lines++
	if m.lines == 1 {
		return m.statusLine(text)
	}
	if len(text) == 0 { // the end of the head; another follows an interim one
		m.body = m.status >= 200 || m.status == 101 || m.status == 0
		m.lines, m.gone = 0, false
		return nil, true
	}
	mended, why := mendHeader(text, m.lines == 2, m.gone)
	m.gone = mended == nil
	if why != "" {
		m.note("header line %d %s", m.lines-1, why)
	}
	return mended, len(mended) == len(text) && why == ""
}

func (m *mender) note(format string, args ...any) {
	if len(m.odd) == maxOdd {
		m.odd = append(m.odd, "there are more of these")
	}
	if len(m.odd) < maxOdd {
		m.odd = append(m.odd, fmt.Sprintf(format, args...))
	}
}

// statusLine looks at the first line (RFC 9112 section 4). On a connection of
// HTTP/1 the answer is one of HTTP/1, whatever version a server or a gateway in
// front of it writes; ICY is what SHOUTcast servers say for HTTP/1.0.
func (m *mender) statusLine(text []byte) (mended []byte, ok bool) {
	if code := plainStatus(text); code > 0 {
		m.status = code
		return nil, true
	}
	version, rest, _ := strings.Cut(string(text), " ")
	rest = strings.TrimLeft(rest, " ")
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 {
		m.body = true // which net/http refuses, with its reason
		return nil, true
	}
	m.status = int(n) // #nosec G115 -- three digits
	if strings.HasPrefix(version, "HTTP/1.") && len(version) == len("HTTP/1.1") {
		return nil, true
	}
	as := "HTTP/1.1 "
	switch name, number, _ := strings.Cut(version, "/"); {
	case strings.EqualFold(version, "ICY"):
		as = "HTTP/1.0 "
	case !strings.EqualFold(name, "HTTP") || strings.Trim(number, "0123456789.") != "" || number == "" || strings.HasPrefix(number, "0"):
		m.body = true
		return nil, true
	}
	m.note("the status line says %q, over a connection of HTTP/1.1", text)
	return []byte(as + rest), false
}

// plainStatus is the code of a status line in order, 0 for any other.
func plainStatus(text []byte) (code int) {
	const begin = "HTTP/1.1 "
	if len(text) < len(begin)+3 || string(text[:7]) != begin[:7] || text[7] != '0' && text[7] != '1' || text[8] != ' ' || len(text) > len(begin)+3 && text[12] != ' ' {
		return 0
	}
	for _, c := range text[9:12] {
		if c < '0' || c > '9' {
			return 0
		}
		code = code*10 + int(c-'0')
	}
	return code
}

// mendHeader looks at one header line: what to read instead, nil for nothing, and
// why, "" when it is as it should be. first says that it follows the status line,
// gone that the line before was left out.
func mendHeader(text []byte, first, gone bool) (mended []byte, why string) {
	if text[0] == ' ' || text[0] == '\t' { // it continues the previous one (RFC 9112 section 5.2)
		switch {
		case gone:
			return nil, ""
		case first:
			return nil, fmt.Sprintf("continues a line, but there is none before it; it is left out: %s", shownName(text))
		}
		return mendValue(text)
	}
	colon := bytes.IndexByte(text, ':')
	if colon < 0 {
		return nil, fmt.Sprintf("has no colon and is left out: %s", shownName(text))
	}
	name := bytes.TrimRight(text[:colon], " \t")
	if !headerName(name) {
		return nil, fmt.Sprintf("has no header's name before the colon and is left out: %s", shownName(text))
	}
	if len(name) < colon {
		mended = append(append([]byte{}, name...), text[colon:]...)
		why = fmt.Sprintf("has a space before the colon: %q", shownLine(text))
		text, colon = mended, len(name)
	}
	value := bytes.Trim(text[colon+1:], " \t")
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")) && bytes.IndexByte(value, ',') >= 0:
		if one := sameLength(string(value)); one != "" {
			return []byte("Content-Length: " + one), fmt.Sprintf("gives the length %d times, and it is read once (RFC 9110 section 8.6): %q", bytes.Count(value, []byte{','})+1, text)
		}
	case bytes.EqualFold(name, []byte("Transfer-Encoding")) && bytes.EqualFold(value, []byte("identity")):
		return nil, fmt.Sprintf("is of RFC 2616, means nothing and is left out: %q", text)
	}
	mended, spoiled := mendValue(text)
	if why == "" {
		why = spoiled
	}
	return mended, why
}

// shownLine is a header line for people, without the value of a cookie.
func shownLine(text []byte) string {
	name, value, _ := strings.Cut(string(text), ":")
	return name + ":" + hideCookie(strings.TrimSpace(name), value)
}

// shownName is a line that is not a header for people: the name that it begins with, or
// its length, as the rest may be a cookie's.
func shownName(text []byte) string {
	end := bytes.IndexFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ':' || r == '=' })
	if end < 1 {
		return figures.Counted(len(text), "byte")
	}
	return strconv.Quote(string(text[:end]))
}

// mendValue puts a space where a control character is (RFC 9110 section 5.5).
func mendValue(text []byte) (mended []byte, why string) {
	mended = text
	for i, c := range text {
		if c >= ' ' && c != 0x7f || c == '\t' {
			continue
		}
		if why == "" {
			mended = bytes.Clone(text)
			shown := shownName(text) // of a line that continues another, which may be a cookie's
			if text[0] != ' ' && text[0] != '\t' {
				shown = strconv.Quote(shownLine(text))
			}
			why = fmt.Sprintf("holds a control character, which is read as a space: %s", shown)
		}
		mended[i] = ' '
	}
	return mended, why
}

// sameLength is the number that a list such as "5, 5" repeats, "" when it is none.
func sameLength(list string) string {
	one, rest, _ := strings.Cut(list, ",")
	one = strings.TrimSpace(one)
	if one == "" || strings.Trim(one, "0123456789") != "" {
		return ""
	}
	for other := range strings.SplitSeq(rest, ",") {
		if strings.TrimSpace(other) != one {
			return ""
		}
	}
	return one
}

// mended is a connection whose responses are read through its mender.
type mended struct {
	net.Conn
	mender *mender
}

func (c mended) Read(p []byte) (int, error) { return c.mender.Read(p) }
