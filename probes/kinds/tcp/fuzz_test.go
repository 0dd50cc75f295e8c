package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/probes"
)

// talkWith is a conversation with a target that says all of said and ends.
func talkWith(t *testing.T, said []byte) *talk {
	t.Helper()
	return newTCPTalk(t.Context(), probes.NewRun("", nil, func(probes.Step) {}), &saying{said: said}, 4096, tcpSecrets{"secret"})
}

// saying is a connection that takes everything and gives said, in pieces of
// seven bytes.
type saying struct{ said []byte }

func (c *saying) Read(b []byte) (int, error) {
	if len(c.said) == 0 {
		return 0, io.EOF
	}
	n := copy(b, c.said[:min(7, len(c.said))])
	c.said = c.said[n:]
	return n, nil
}

func (c *saying) Write(b []byte) (int, error) { return len(b), nil }

func (c *saying) Close() error { return nil }

func (c *saying) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv6loopback} }

func (c *saying) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv6loopback} }

func (c *saying) SetDeadline(time.Time) error { return nil }

func (c *saying) SetReadDeadline(time.Time) error { return nil }

func (c *saying) SetWriteDeadline(time.Time) error { return nil }

// FuzzStartTLS gives every negotiation anything: it ends, in bounds, with a
// classified error or the go-ahead.
func FuzzStartTLS(f *testing.F) {
	for i, said := range []string{
		"220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n", "* OK hi\r\n* x\r\na OK go\r\n", "+OK hi\r\n+OK go\r\n", "220-a\r\nb\r\n220 c\r\n234 go\r\n",
		xmppOpen + "<stream:features>" + xmppWant + "</stream:features><proceed/>", "S", ldapLong,
	} {
		f.Add(byte(i), []byte(said))
	}
	f.Add(byte(4), []byte("<a><error><b/></error>"))
	f.Add(byte(6), []byte(ldapNo))
	f.Add(byte(6), []byte(ldapBye))
	f.Fuzz(func(t *testing.T, which byte, said []byte) {
		s := startTLSProtocols[int(which)%len(startTLSProtocols)]
		talk := talkWith(t, said)
		greeting, err := s.ask(talk, "localhost")
		var e *probes.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s: an error without reason: %v", s.name, err)
		}
		if err == nil && s.greets && len(greeting) == 0 {
			t.Errorf("%s: the go-ahead, but no greeting", s.name)
		}
		if talk.wire.read > 4*(4096+1) {
			t.Errorf("%s: %d bytes were read", s.name, talk.wire.read)
		}
	})
}

// FuzzLDAPAnswer finds answers that are taken for the go-ahead and are not.
func FuzzLDAPAnswer(f *testing.F) {
	for _, s := range []string{ldapGood, ldapLong, ldapNo, ldapBye, "\x30\x80\x00\x00"} {
		f.Add([]byte(s))
	}
	success := []string{"\x0a\x01\x00", "\x0a\x81\x01\x00", "\x0a\x82\x00\x01\x00", "\x0a\x83\x00\x00\x01\x00", "\x0a\x84\x00\x00\x00\x01\x00"} // the result code 0, each form of its length
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ldapLength(b)
		if err == nil && (n < 0 || n > maxRead+6) {
			t.Errorf("a message of %d bytes", n)
		}
		if said, err := ldapAnswer(b); err == nil && said == "" && !slices.ContainsFunc(success, func(s string) bool { return bytes.Contains(b, []byte(s)) }) {
			t.Errorf("% x is taken for success", b)
		}
	})
}

// FuzzTemplate: what is sent is the text with its references replaced, no more.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "plain", "a${env:B}c", "${file:/x}${capture:y}", "$${literal}", "$$${env:A}", "${", "${}", "${env:}", "${env:a:b}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := parse(s)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, p := range parts {
			switch p.kind {
			case tcpLiteral:
				if p.text == "" {
					t.Error("an empty part")
				}
				again.WriteString(strings.ReplaceAll(p.text, "${", "$${"))
			case capture:
				again.WriteString("${capture:" + p.text + "}")
			default:
				again.WriteString(p.text)
			}
		}
		if again.String() != s {
			t.Errorf("%q comes back as %q", s, again.String())
		}
	})
}

// FuzzAnswer: an expectation ends within what came, captures and all, and no
// secret shows.
func FuzzAnswer(f *testing.F) {
	f.Add("^250 (?P<a>.*)$", []byte("250-x\r\n250 secret\r\n"))
	f.Add("a", []byte("\r\n\r\na\r\r\n"))
	f.Add("", []byte("\n"))
	f.Add("$", []byte("\r\nsecre"))
	f.Fuzz(func(t *testing.T, pattern string, said []byte) {
		re, err := tcpRegexp(pattern)
		if err != nil || len(pattern) > 100 {
			return
		}
		for _, e := range []*expectation{{option: "e", regex: re}, {option: "e"}, {option: "e", literal: []byte(pattern + "x")}} {
			talk := talkWith(t, said)
			var shown strings.Builder
			talk.run = probes.NewRun("", nil, func(s probes.Step) { shown.WriteString(s.Text + "\n") })
			a, err := talk.answer(e, 0)
			if err == nil && !bytes.HasPrefix(said, a.text) {
				t.Errorf("%q in %q takes %q", pattern, said, a.text)
			}
			if !strings.Contains(strings.ReplaceAll(pattern, "(?m)", ""), "secret") && strings.Contains(shown.String(), "secret") {
				t.Errorf("the secret shows:\n%s", shown.String())
			}
		}
	})
}

// TestTCP_Hide: secrets, one in another, and one that is cut.
func TestTCP_Hide(t *testing.T) {
	s := tcpSecrets{"password123", "password", ""}
	for in, want := range map[string]string{
		"password123 password": "*** ***", "my pass": "my ***", "my pas": "my pas", "": "", "xpassword12": "x***12", "passwordpass": "******",
	} {
		if got := string(s.hide([]byte(in))); got != want {
			t.Errorf("%q shows as %q, want %q", in, got, want)
		}
	}
}
