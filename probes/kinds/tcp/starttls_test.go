package tcp

import (
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/wire"
)

const (
	xmppOpen = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='localhost' version='1.0'>`
	xmppWant = `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`
	ldapGood = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
	ldapLong = "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00" // as Active Directory writes it
	ldapNo   = "\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x02\x04\x00\x04\x03nix"
	ldapBye  = "\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x34\x04\x00\x04\x00" // unavailable
	pgAsk    = "\x04\xd2\x16\x2f"
)

// TestTCP_StartTLS goes through each protocol: what leads to TLS, and what does not.
func TestTCP_StartTLS(t *testing.T) {
	good, _, _, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	tls := targets.TCPTurn{TLS: good, Hear: "\n", Say: "inside\r\n"}
	for name, c := range map[string]struct {
		protocol string
		serve    probetest.Turns
		heard    string // what the server must have been asked
		failure  wire.Failure
		says     string // in the error
	}{
		"smtp":                        {"smtp", probetest.Turns{{Say: "220-mx\r\n220 ESMTP\r\n"}, {Hear: "\r\n", Say: "250-mx\r\n250-starttls\r\n250 SIZE\r\n"}, {Hear: "STARTTLS\r\n", Say: "220 go\r\n"}, tls}, "EHLO [127.0.0.1]\r\nSTARTTLS\r\n", "", ""},
		"smtp, a bare greeting":       {"smtp", probetest.Turns{{Say: "220\r\n"}, {Hear: "\r\n", Say: "250-mx\r\n250 STARTTLS\r\n"}, {Hear: "STARTTLS\r\n", Say: "220 go\n"}, tls}, "EHLO [127.0.0.1]\r\nSTARTTLS\r\n", "", ""},
		"smtp, not welcome":           {"smtp", probetest.Turns{{Say: "554 no\r\n"}, {Hold: true}}, "QUIT", wire.FailBadAnswer, `greeting: the server says "554 no"`},
		"smtp, no EHLO":               {"smtp", probetest.Turns{{Say: "220 mx\r\n"}, {Hear: "\r\n", Say: "502 what\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, `EHLO: the server says "502 what"`},
		"smtp, not offered":           {"smtp", probetest.Turns{{Say: "220 mx\r\n"}, {Hear: "\r\n", Say: "250-mx STARTTLS\r\n250 SIZE\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "does not offer STARTTLS"},
		"smtp, codes differ":          {"smtp", probetest.Turns{{Say: "220-mx\r\n250 mx\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "is not a line of a reply"},
		"smtp, no code":               {"smtp", probetest.Turns{{Say: "SSH-2.0-x\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "is not a line of a reply"},
		"smtp, plaintext after go":    {"smtp", probetest.Turns{{Say: "220 mx\r\n"}, {Hear: "\r\n", Say: "250-mx\r\n250 STARTTLS\r\n"}, {Hear: "STARTTLS\r\n", Say: "220 go\r\n250 mx\r\n"}, tls}, "", wire.FailBadAnswer, "8 bytes came with the go-ahead, before TLS"},
		"imap":                        {"imap", probetest.Turns{{Say: "* OK ready\r\n"}, {Hear: "a STARTTLS\r\n", Say: "* NOTE x\r\na OK go\r\n"}, tls}, "a STARTTLS\r\n", "", ""},
		"imap, refused":               {"imap", probetest.Turns{{Say: "* OK ready\r\n"}, {Hear: "a STARTTLS\r\n", Say: "a BAD what\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, `STARTTLS: the server says "a BAD what"`},
		"imap, logged in already":     {"imap", probetest.Turns{{Say: "* PREAUTH hi\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "PREAUTH"},
		"imap, goodbye":               {"imap", probetest.Turns{{Say: "* BYE\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, `greeting: the server says "* BYE"`},
		"imap, plaintext after go":    {"imap", probetest.Turns{{Say: "* OK ready\r\n"}, {Hear: "a STARTTLS\r\n", Say: "a OK go\r\n* OK trust me\r\n"}, tls}, "", wire.FailBadAnswer, "15 bytes came with the go-ahead"},
		"imap, without end":           {"imap", probetest.Turns{{Say: "* OK ready\r\n"}, {Hear: "a STARTTLS\r\n", Say: "* OK\r\n", Again: true}}, "", wire.FailLimit, "more than 200 lines"},
		"pop3":                        {"pop3", probetest.Turns{{Say: "+OK ready\r\n"}, {Hear: "STLS\r\n", Say: "+OK go\r\n"}, tls}, "STLS\r\n", "", ""},
		"pop3, refused":               {"pop3", probetest.Turns{{Say: "+OK ready\r\n"}, {Hear: "STLS\r\n", Say: "-ERR no\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, `STLS: the server says "-ERR no"`},
		"pop3, not welcome":           {"pop3", probetest.Turns{{Say: "+OKAY\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "greeting"},
		"ftp":                         {"ftp", probetest.Turns{{Say: "220-hello\r\nanything\r\n 220 indented\r\n220 ready\r\n"}, {Hear: "AUTH TLS\r\n", Say: "234 go\r\n"}, tls}, "AUTH TLS\r\n", "", ""},
		"ftp, ready soon":             {"ftp", probetest.Turns{{Say: "120 in a minute\r\n220 ready\r\n"}, {Hear: "AUTH TLS\r\n", Say: "234 go\r\n"}, tls}, "AUTH TLS\r\n", "", ""},
		"ftp, refused":                {"ftp", probetest.Turns{{Say: "220 ready\r\n"}, {Hear: "AUTH TLS\r\n", Say: "530 log in\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, `AUTH TLS: the server says "530 log in"`},
		"ftp, not welcome":            {"ftp", probetest.Turns{{Say: "421 full\r\n"}, {Hold: true}}, "", wire.FailBadAnswer, "greeting"},
		"ftp, without end":            {"ftp", probetest.Turns{{Say: "220-hello\r\n"}, {Say: "x\n", Again: true}}, "", wire.FailLimit, "more than 200 lines"},
		"xmpp":                        {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features>` + xmppWant + `</stream:features>`}, {Hear: xmppWant, Say: `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`}, tls}, " to='localhost' ", "", ""},
		"xmpp, required":              {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><x/></stream:features>`}, {Hear: xmppWant, Say: `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>`}, tls}, "", "", ""},
		"xmpp, not offered":           {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features><x/></stream:features>`}, {Hold: true}}, "", wire.FailBadAnswer, "does not offer starttls"},
		"xmpp, unknown host":          {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:error><host-unknown/></stream:error></stream:stream>`}}, "", wire.FailBadAnswer, `"error host-unknown"`},
		"xmpp, refused":               {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features>` + xmppWant + `</stream:features>`}, {Hear: xmppWant, Say: `<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`}}, "", wire.FailBadAnswer, "failure"},
		"xmpp, something else":        {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features>` + xmppWant + `</stream:features>`}, {Hear: xmppWant, Say: `<message/>`}}, "", wire.FailBadAnswer, "message"},
		"xmpp, plaintext after go":    {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: xmppOpen + `<stream:features>` + xmppWant + `</stream:features>`}, {Hear: xmppWant, Say: `<proceed/><stream:features/>`}, tls}, "", wire.FailBadAnswer, "came with the go-ahead"},
		"xmpp, no XML":                {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: "HTTP/1.1 400 <<\r\n"}}, "", wire.FailBadAnswer, "XML syntax error"},
		"xmpp, a document type":       {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x "y">]><stream:stream>`}}, "", wire.FailBadAnswer, "document type"},
		"xmpp, an endless attribute":  {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: `<stream:stream a='`}, {Say: strings.Repeat("x", 4096), Again: true}}, "", wire.FailLimit, "over 65536 bytes"},
		"xmpp, closed":                {"xmpp-client", probetest.Turns{{Hear: "version='1.0'>", Say: `<stream:stream>`}}, "", wire.FailClosed, "closed the connection"},
		"postgres":                    {"postgres", probetest.Turns{{Hear: pgAsk, Say: "S"}, tls}, "\x00\x00\x00\x08" + pgAsk, "", ""},
		"postgres, refused":           {"postgres", probetest.Turns{{Hear: pgAsk, Say: "N"}, {Hold: true}}, "", wire.FailBadAnswer, "does not do TLS"},
		"postgres, an error":          {"postgres", probetest.Turns{{Hear: pgAsk, Say: "EFATAL: no\x00"}, {Hold: true}}, "", wire.FailBadAnswer, "SSLRequest"},
		"postgres, plaintext after S": {"postgres", probetest.Turns{{Hear: pgAsk, Say: "SR\x00\x00\x00\x08\x00\x00\x00\x00"}, tls}, "", wire.FailBadAnswer, "9 bytes came with the go-ahead"},
		"ldap":                        {"ldap", probetest.Turns{{Hear: "20037", Say: ldapGood}, tls}, "\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037", "", ""},
		"ldap, long lengths":          {"ldap", probetest.Turns{{Hear: "20037", Say: ldapLong, Drip: time.Millisecond}, tls}, "", "", ""},
		"ldap, refused":               {"ldap", probetest.Turns{{Hear: "20037", Say: ldapNo}, {Hold: true}}, "", wire.FailBadAnswer, `StartTLS: the server says "result 2 protocolError nix"`},
		"ldap, disconnected":          {"ldap", probetest.Turns{{Hear: "20037", Say: ldapBye}}, "", wire.FailBadAnswer, "result 52 unavailable"},
		"ldap, another message's":     {"ldap", probetest.Turns{{Hear: "20037", Say: strings.Replace(ldapGood, "\x02\x01\x01", "\x02\x01\x07", 1)}}, "", wire.FailBadAnswer, "another message"},
		"ldap, no LDAP":               {"ldap", probetest.Turns{{Hear: "20037", Say: "HTTP/1.1 400\r\n"}}, "", wire.FailBadAnswer, "not an LDAP message"},
		"ldap, huge":                  {"ldap", probetest.Turns{{Hear: "20037", Say: "\x30\x84\x7f\xff\xff\xff"}}, "", wire.FailBadAnswer, "an element of 2147483647 bytes"},
		"ldap, over the limit":        {"ldap", probetest.Turns{{Hear: "20037", Say: "\x30\x83\x01\x00\x01"}}, "", wire.FailLimit, "over 65536 bytes"},
		"ldap, plaintext after go":    {"ldap", probetest.Turns{{Hear: "20037", Say: ldapGood + ldapGood}, tls}, "", wire.FailBadAnswer, "14 bytes came with the go-ahead"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := probetest.ServeTCP(t, c.serve...)
			options := `{"starttls":"` + c.protocol + `",` + trust + `,"steps":[{"send":"hello\n","expect":"inside"}],"expect":{"days_left":90}}`
			if c.protocol == "xmpp-client" {
				options = strings.Replace(options, `"tls":{`, `"tls":{"server_name":"localhost",`, 1)
			}
			r := measureWithin(t, 4*time.Second, "tcp", s.Addr, options)
			if c.failure != "" {
				probetest.WantFailure(t, r, wire.Failed, c.failure)
				if !strings.Contains(r.Error, "starttls "+c.protocol) || !strings.Contains(r.Error, c.says) {
					t.Errorf("error %q lacks %q", r.Error, c.says)
				}
				if d := probetest.DetailsOf[Details](t, r); d.TLS.Version != "" || d.StartTLSNS != 0 {
					t.Errorf("TLS began: %s", r.Details)
				}
				return
			}
			probetest.WantFailure(t, r, wire.OK, "")
			d := probetest.DetailsOf[Details](t, r)
			if d.StartTLS != c.protocol || d.StartTLSNS <= 0 || d.TLSNS <= 0 || d.TLS.Version == "" || len(d.Steps) != 1 || *d.Steps[0].NS <= 0 {
				t.Errorf("%s", r.Details)
			}
			if !strings.Contains(s.Heard(), c.heard) {
				t.Errorf("the server heard %q, not %q", s.Heard(), c.heard)
			}
		})
	}
}

// TestTCP_StartTLSGreeting: the greeting is the banner, and TLS begins whether
// it is the expected one or not.
func TestTCP_StartTLSGreeting(t *testing.T) {
	good, _, _, trust := certificate(t, time.Now().Add(100*24*time.Hour))
	s := probetest.ServeTCP(t, probetest.Turns{{Say: "+OK dovecot\r\n"}, {Hear: "STLS\r\n", Say: "+OK go\r\n"}, {TLS: good, Hear: "QUIT\r\n", Say: "+OK bye\r\n"}}...)
	r := measure(t, "tcp", s.Addr, `{"starttls":"pop3",`+trust+`,"expect":{"banner":"(?P<who>\\w+)$"},"keep":["who"]}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.Banner != `"+OK dovecot\r\n"` || d.BannerNS == nil || *d.BannerNS <= 0 || *d.BannerNS > d.StartTLSNS || d.Captures["who"] != "dovecot" {
		t.Errorf("%s", r.Details)
	}
	if !strings.HasSuffix(s.Heard(), "QUIT\r\n") {
		t.Errorf("no leave was taken: %q", s.Heard())
	}
	r = measure(t, "tcp", s.Addr, `{"starttls":"pop3",`+trust+`,"expect":{"banner":"exim","days_left":900}}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	if d := probetest.DetailsOf[Details](t, r); len(r.Unmet) != 2 || d.TLS.Version == "" {
		t.Errorf("unmet %+v, %s", r.Unmet, r.Details)
	}
}

// TestTCP_PortChoosesTheProtocol: where security starttls alone is said.
func TestTCP_PortChoosesTheProtocol(t *testing.T) {
	p := newProbe()
	p.Security = tcpStartTLS
	for port, want := range map[uint16]string{25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 21: "ftp", 5222: "xmpp-client", 5432: "postgres", 389: "ldap"} {
		if s, ok := p.negotiation(port); !ok || s.name != want {
			t.Errorf("port %d: %q, want %q", port, s.name, want)
		}
	}
	if _, ok := p.negotiation(2525); ok {
		t.Error("port 2525 chooses a protocol")
	}
	p.StartTLS = "imap"
	if s, _ := p.negotiation(25); s.name != "imap" {
		t.Errorf("port 25 overrides the option: %q", s.name)
	}
	if _, ok := newProbe().negotiation(25); ok {
		t.Error("nobody asked for TLS")
	}
}
