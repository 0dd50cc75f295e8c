package tcp

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// noDeadline leaves a wait to the end of the run.
var noDeadline time.Time

// askPostgres sends an SSLRequest (PostgreSQL protocol 3.0, "SSL Session
// Encryption"): one byte answers.
func askPostgres(t *talk, _ string) ([]byte, error) {
	t.begin()
	t.run.Stepf("SSLRequest:")
	if err := t.send([]byte{0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f}); err != nil {
		return nil, err
	}
	if len(t.buf) == 0 {
		if err := t.need(); err != nil {
			return nil, err
		}
	}
	switch t.buf[0] {
	case 'S':
		t.consume(1)
		return nil, nil
	case 'N':
		return nil, probes.Fail(wire.FailBadAnswer, "SSLRequest: the server does not do TLS")
	}
	return nil, t.refusedTLS("SSLRequest", t.consume(len(t.buf)))
}

// ldapUnbind takes leave: message 2, UnbindRequest (RFC 4511 section 4.3).
const ldapUnbind = "\x30\x05\x02\x01\x02\x42\x00"

// askLDAP sends the extended request of StartTLS (RFC 4511 sections 4.12, 4.14).
func askLDAP(t *talk, _ string) ([]byte, error) {
	const oid = "1.3.6.1.4.1.1466.20037"
	request := append([]byte{0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16}, oid...)
	t.begin()
	t.run.Stepf("extended request StartTLS:")
	if err := t.send(request); err != nil {
		return nil, err
	}
	for {
		n, err := ldapLength(t.buf)
		switch {
		case err != nil:
			return nil, probes.Fail(wire.FailBadAnswer, "%s: %w", t.quote(t.consume(len(t.buf))), err)
		case n > t.most:
			return nil, probes.Fail(wire.FailLimit, "the answer is over %d bytes", t.most)
		case n > 0 && len(t.buf) >= n:
			message := t.consume(n)
			said, err := ldapAnswer(message)
			if err != nil {
				return nil, probes.Fail(wire.FailBadAnswer, "%s: %w", t.quote(message), err)
			}
			if said != "" {
				return nil, t.refusedTLS("StartTLS", []byte(said))
			}
			return nil, nil
		}
		if err := t.need(); err != nil {
			return nil, err
		}
	}
}

// ldapLength is how long the message at the beginning of b is, 0 when too
// little of it came to decide.
func ldapLength(b []byte) (int, error) {
	if len(b) > 0 && b[0] != 0x30 {
		return 0, errors.New("not an LDAP message")
	}
	head, body, err := berLength(b)
	if err != nil {
		return 0, err
	}
	if head == 0 {
		return 0, nil
	}
	return head + body, nil
}

// berLength reads the length of the element at the beginning of b (X.690
// section 8.1.3; RFC 4511 section 5.1 allows the definite form alone). head is
// the length of tag and length, 0 when they are not complete.
func berLength(b []byte) (head, body int, err error) {
	if len(b) < 2 {
		return 0, 0, nil
	}
	if b[1] < 0x80 {
		return 2, int(b[1]), nil
	}
	n := int(b[1] & 0x7f)
	if n == 0 || n > 4 {
		return 0, 0, errors.New("an element without, or with too long a, length")
	}
	if len(b) < 2+n {
		return 0, 0, nil
	}
	var length [8]byte
	copy(length[8-n:], b[2:2+n])
	v := binary.BigEndian.Uint64(length[:])
	if v > maxRead {
		return 0, 0, fmt.Errorf("an element of %d bytes", v)
	}
	return 2 + n, int(v), nil
}

// berElement takes the first element off b.
func berElement(b []byte) (tag byte, body, rest []byte, err error) {
	head, n, err := berLength(b)
	if err != nil {
		return 0, nil, nil, err
	}
	if head == 0 || len(b) < head+n {
		return 0, nil, nil, errors.New("an element is cut short")
	}
	return b[0], b[head : head+n], b[head+n:], nil
}

// ldapResults names what a server may answer to StartTLS (RFC 4511 sections
// 4.1.9 and 4.14.1).
var ldapResults = map[byte]string{
	1: "operationsError", 2: "protocolError", 8: "strongerAuthRequired", 10: "referral",
	51: "busy", 52: "unavailable", 53: "unwillingToPerform", 80: "other",
}

// ldapAnswer reads an ExtendedResponse to our message 1. said is "" when TLS may begin.
func ldapAnswer(message []byte) (said string, err error) {
	want := func(b []byte, wanted byte) (body, rest []byte) {
		if err != nil {
			return nil, nil
		}
		var tag byte
		if tag, body, rest, err = berElement(b); err == nil && tag != wanted {
			err = fmt.Errorf("an element has the tag %#x, want %#x", tag, wanted)
		}
		return body, rest
	}
	envelope, _ := want(message, 0x30)
	id, rest := want(envelope, 0x02)
	response, _ := want(rest, 0x78) // [APPLICATION 24]
	code, rest := want(response, 0x0a)
	_, rest = want(rest, 0x04) // matchedDN
	text, _ := want(rest, 0x04)
	if err != nil {
		return "", err
	}
	if len(code) != 1 {
		return "", errors.New("an invalid result code")
	}
	switch {
	case !bytes.Equal(id, []byte{1}) && !bytes.Equal(id, []byte{0}): // 0: a notice of disconnection
		return "", errors.New("an answer to another message")
	case code[0] != 0 || id[0] == 0:
		return strings.TrimSpace(fmt.Sprintf("result %d %s %s", code[0], ldapResults[code[0]], text)), nil
	}
	return "", nil
}

// askXMPP follows RFC 6120 section 5.4.
func askXMPP(t *talk, host string) ([]byte, error) {
	t.begin()
	var to strings.Builder
	xml.EscapeText(&to, []byte(host))
	if err := t.send([]byte("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='" + to.String() + "' version='1.0'>")); err != nil {
		return nil, err
	}
	r := &talkReader{t: t}
	x := xml.NewDecoder(r)
	defer func() { t.drop(r.at) }()
	offered := false
	for {
		name, end, text, err := xmppElement(x)
		if err != nil {
			return nil, r.explain(err)
		}
		switch {
		case name == "error" || name == "failure":
			return nil, t.refusedTLS("stream", []byte(name+" "+text))
		case name == "starttls" && !end:
			offered = true
		case name == "features" && end:
			if !offered {
				return nil, probes.Fail(wire.FailBadAnswer, "the server does not offer starttls")
			}
		}
		if name == "features" && end {
			break
		}
	}
	t.showNew(r.at)
	t.drop(r.at)
	r.at = 0
	t.begin()
	if err := t.send([]byte("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")); err != nil {
		return nil, err
	}
	for {
		name, end, text, err := xmppElement(x)
		switch {
		case err != nil:
			return nil, r.explain(err)
		case name == "proceed" && end:
			t.showNew(r.at)
			return nil, nil
		case name != "proceed":
			return nil, t.refusedTLS("starttls", []byte(name+" "+text))
		}
	}
}

// xmppElement reads on to the next beginning or end of an element. text is the
// name of what follows an error or failure: its condition.
func xmppElement(x *xml.Decoder) (name string, end bool, text string, err error) {
	for {
		token, err := x.RawToken()
		if err != nil {
			return "", false, "", err
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "error" || e.Name.Local == "failure" {
				if next, err := x.RawToken(); err == nil {
					if c, ok := next.(xml.StartElement); ok {
						text = c.Name.Local
					}
				}
			}
			return e.Name.Local, false, text, nil
		case xml.EndElement:
			return e.Name.Local, true, "", nil
		case xml.Directive: // RFC 6120 section 11.1
			return "", false, "", errors.New("a document type in a stream")
		}
	}
}

// talkReader reads what comes byte by byte, so that an XML decoder takes none
// after the element that it is asked for. at is how far it has read.
type talkReader struct {
	t   *talk
	at  int
	err error
}

func (r *talkReader) ReadByte() (byte, error) {
	if r.at == len(r.t.buf) {
		if r.err = r.t.readUntil(noDeadline); r.err != nil {
			return 0, r.err
		}
	}
	r.at++
	return r.t.buf[r.at-1], nil
}

func (r *talkReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	b[0] = c
	return 1, nil
}

// explain classifies an error of the decoder: of the connection, or of the XML.
func (r *talkReader) explain(err error) error {
	so := ""
	if len(r.t.buf) > 0 {
		so = ", got " + r.t.quote(r.t.consume(len(r.t.buf)))
	}
	r.at = 0
	if r.err != nil {
		return probes.NetFail("wait for the answer"+so, r.err)
	}
	if errors.Is(err, io.EOF) {
		return probes.Fail(wire.FailClosed, "the stream ended%s", so)
	}
	return probes.Fail(wire.FailBadAnswer, "%w%s", err, so)
}
