package tcp

import (
	"bytes"
	"net"
	"strconv"
	"strings"

	"netmon/probes"
	"netmon/wire"
)

// startTLS is how one protocol asks for TLS.
type startTLS struct {
	name   string
	ports  []uint16 // that choose it
	greets bool     // the server speaks first
	quit   string   // takes leave inside TLS; "" where closing does
	// ask talks until the server says that TLS may begin. host is the name to
	// ask for where the protocol wants one.
	ask func(t *talk, host string) (greeting []byte, err error)
}

var startTLSProtocols = []startTLS{
	{"smtp", []uint16{25, 587}, true, "QUIT\r\n", askSMTP},
	{"imap", []uint16{143}, true, "z LOGOUT\r\n", askIMAP},
	{"pop3", []uint16{110}, true, "QUIT\r\n", askPOP3},
	{"ftp", []uint16{21}, true, "QUIT\r\n", askFTP},
	{"xmpp-client", []uint16{5222}, false, "", askXMPP},
	{"postgres", []uint16{5432}, false, "", askPostgres},
	{"ldap", []uint16{389}, false, ldapUnbind, askLDAP},
}

// maxLines bounds a reply of several lines.
const maxLines = 200

// line takes one line that came, without its end.
func (t *talk) line() (string, error) {
	for {
		if i := bytes.IndexByte(t.buf, '\n'); i >= 0 {
			return strings.TrimSuffix(string(t.consume(i + 1)[:i]), "\r"), nil
		}
		if err := t.need(); err != nil {
			return "", err
		}
	}
}

// need waits for more bytes of a message that is not complete.
func (t *talk) need() error {
	err := t.readUntil(noDeadline)
	if err == nil {
		return nil
	}
	so := ""
	if len(t.buf) > 0 {
		so = ", got " + t.quote(t.consume(len(t.buf)))
	}
	return probes.NetFail("wait for the answer"+so, err)
}

// sayLine sends a command.
func (t *talk) sayLine(s string) error {
	t.begin()
	return t.send([]byte(s + "\r\n"))
}

// reply is a reply with a code of three digits (RFC 5321 section 4.2, RFC
// 959 section 4.2).
type reply struct {
	code  int
	lines []string // without their ends
}

// reply takes a whole reply, of one or several lines. In FTP the lines between
// the first and the last may be anything (RFC 959), in SMTP they have the code.
func (t *talk) reply(ftp bool) (r reply, err error) {
	for {
		s, err := t.line()
		if err != nil {
			return r, err
		}
		code, last, ok := replyCode(s)
		first := len(r.lines) == 0
		if first && ok {
			r.code = code
		}
		if !ok && (first || !ftp) || ok && code != r.code && !ftp {
			return r, probes.Fail(wire.FailBadAnswer, "%s is not a line of a reply", t.quote([]byte(s)))
		}
		if r.lines = append(r.lines, s); len(r.lines) > maxLines {
			return r, probes.Fail(wire.FailLimit, "the reply has more than %d lines", maxLines)
		}
		if ok && last && code == r.code {
			return r, nil
		}
	}
}

// replyCode reads the beginning of a line: three digits, then a space or the
// end in the last line, and a hyphen in the others.
func replyCode(s string) (code int, last, ok bool) {
	if len(s) < 3 {
		return 0, false, false
	}
	n, err := strconv.ParseUint(s[:3], 10, 16)
	if err != nil || n < 100 || n > 599 {
		return 0, false, false
	}
	switch {
	case len(s) == 3 || s[3] == ' ':
		return int(n), true, true
	case s[3] == '-':
		return int(n), false, true
	}
	return 0, false, false
}

func (r reply) text() []byte { return []byte(strings.Join(r.lines, "\r\n") + "\r\n") }

// refusedTLS is the error of a server that answers, but not with the go-ahead.
func (t *talk) refusedTLS(what string, said []byte) error {
	return probes.Fail(wire.FailBadAnswer, "%s: the server says %s", what, t.quote(bytes.TrimRight(said, "\r\n")))
}

// askSMTP follows RFC 3207.
func askSMTP(t *talk, _ string) (greeting []byte, err error) {
	t.begin()
	r, err := t.reply(false)
	greeting = r.text()
	if err != nil {
		return nil, err
	}
	if r.code != 220 {
		return greeting, t.refusedTLS("greeting", greeting)
	}
	if err := t.sayLine("EHLO " + addressLiteral(t.wire.LocalAddr())); err != nil {
		return greeting, err
	}
	if r, err = t.reply(false); err != nil {
		return greeting, err
	}
	if r.code != 250 {
		return greeting, t.refusedTLS("EHLO", r.text())
	}
	offered := false
	for _, s := range r.lines[1:] {
		offered = offered || strings.EqualFold(strings.TrimSpace(s[min(4, len(s)):]), "STARTTLS")
	}
	if !offered {
		return greeting, probes.Fail(wire.FailBadAnswer, "the server does not offer STARTTLS")
	}
	if err := t.sayLine("STARTTLS"); err != nil {
		return greeting, err
	}
	if r, err = t.reply(false); err != nil {
		return greeting, err
	}
	if r.code != 220 {
		return greeting, t.refusedTLS("STARTTLS", r.text())
	}
	return greeting, nil
}

// addressLiteral names this host to an SMTP server (RFC 5321 section 4.1.3).
func addressLiteral(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	host, _, _ = strings.Cut(host, "%") // an IPv6 zone is ours alone
	if strings.Contains(host, ":") {
		return "[IPv6:" + host + "]"
	}
	return "[" + host + "]"
}

// askFTP follows RFC 4217 section 4.
func askFTP(t *talk, _ string) (greeting []byte, err error) {
	t.begin()
	r, err := t.reply(true)
	if err == nil && r.code == 120 { // ready in some minutes
		r, err = t.reply(true)
	}
	greeting = r.text()
	if err != nil {
		return nil, err
	}
	if r.code != 220 {
		return greeting, t.refusedTLS("greeting", greeting)
	}
	if err := t.sayLine("AUTH TLS"); err != nil {
		return greeting, err
	}
	if r, err = t.reply(true); err != nil {
		return greeting, err
	}
	if r.code != 234 {
		return greeting, t.refusedTLS("AUTH TLS", r.text())
	}
	return greeting, nil
}

// askIMAP follows RFC 9051 section 6.2.1.
func askIMAP(t *talk, _ string) (greeting []byte, err error) {
	t.begin()
	s, err := t.line()
	if err != nil {
		return nil, err
	}
	greeting = []byte(s + "\r\n")
	if !startsWithWord(s, "* OK") {
		if startsWithWord(s, "* PREAUTH") {
			return greeting, probes.Fail(wire.FailBadAnswer, "the server greets with PREAUTH, after which TLS cannot begin")
		}
		return greeting, t.refusedTLS("greeting", greeting)
	}
	const tag = "a"
	if err := t.sayLine(tag + " STARTTLS"); err != nil {
		return greeting, err
	}
	for range maxLines {
		s, err := t.line()
		switch {
		case err != nil:
			return greeting, err
		case startsWithWord(s, tag+" OK"):
			return greeting, nil
		case !strings.HasPrefix(s, "* "):
			return greeting, t.refusedTLS("STARTTLS", []byte(s))
		}
	}
	return greeting, probes.Fail(wire.FailLimit, "STARTTLS: more than %d lines without an answer", maxLines)
}

// askPOP3 follows RFC 2595 section 4.
func askPOP3(t *talk, _ string) (greeting []byte, err error) {
	t.begin()
	s, err := t.line()
	if err != nil {
		return nil, err
	}
	greeting = []byte(s + "\r\n")
	if !startsWithWord(s, "+OK") {
		return greeting, t.refusedTLS("greeting", greeting)
	}
	if err := t.sayLine("STLS"); err != nil {
		return greeting, err
	}
	if s, err = t.line(); err != nil {
		return greeting, err
	}
	if !startsWithWord(s, "+OK") {
		return greeting, t.refusedTLS("STLS", []byte(s))
	}
	return greeting, nil
}

// startsWithWord says whether s begins with these words, in either case.
func startsWithWord(s, words string) bool {
	return len(s) >= len(words) && strings.EqualFold(s[:len(words)], words) && (len(s) == len(words) || s[len(words)] == ' ')
}
