package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"netmon/probes/internal/figures"
)

// BER tags of an SNMP message (RFC 3416 section 3).
const (
	berInteger     = 0x02
	berOctetString = 0x04
	berNull        = 0x05
	berOID         = 0x06
	berSequence    = 0x30
	snmpGet        = 0xa0
	snmpResponse   = 0xa2
)

// snmp asks for sysDescr.0 by SNMP v2c (RFC 3416 section 4.2.1). An agent
// that does not know the community stays silent (RFC 3584 section 5.2).
func snmp(p udpPeers) request {
	id := figures.RandomBytes(4)
	id[0] = id[0]&0x3f | 0x40 // positive and four bytes long
	sysDescr := ber(berOID, []byte{0x2b, 6, 1, 2, 1, 1, 1, 0})
	community := []byte(p.community)
	zero := ber(berInteger, []byte{0})
	q := ber(berSequence,
		ber(berInteger, []byte{1}), // v2c
		ber(berOctetString, community),
		ber(snmpGet, ber(berInteger, id), zero, zero,
			ber(berSequence, ber(berSequence, sysDescr, ber(berNull)))))
	return request{payload: q, secret: community, check: func(r []byte) (string, error) { return snmpSays(r, id) }}
}

// snmpSays reads a response to the request of this id.
func snmpSays(r, id []byte) (string, error) {
	msg, _, ok := berOf(r, berSequence)
	_, msg, ok1 := berOf(msg, berInteger) // version
	_, msg, ok2 := berOf(msg, berOctetString)
	if !ok || !ok1 || !ok2 {
		return "", errors.New("it is not an SNMP message")
	}
	pdu, _, ok := berOf(msg, snmpResponse)
	if !ok {
		return "", errors.New("it is not an SNMP response")
	}
	got, pdu, ok := berOf(pdu, berInteger)
	if !ok || !bytes.Equal(got, id) {
		return "", errors.New("its request id is not the request's")
	}
	status, pdu, ok := berOf(pdu, berInteger)
	if ok && !bytes.Equal(status, []byte{0}) {
		return fmt.Sprintf("error status %x", status), nil
	}
	_, pdu, _ = berOf(pdu, berInteger)
	list, _, _ := berOf(pdu, berSequence)
	bind, _, _ := berOf(list, berSequence)
	_, value, _ := berOf(bind, berOID)
	if text, _, ok := berOf(value, berOctetString); ok {
		return "sysDescr " + figures.Clip(string(text)), nil
	}
	return "response without sysDescr", nil
}

// ber encodes one element; parts make up its content.
func ber(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	head := []byte{tag, byte(len(content))}
	if len(content) > 127 {
		head = binary.BigEndian.AppendUint16([]byte{tag, 0x82}, uint16(len(content)))
	}
	return append(head, content...)
}

// berOf takes one element of this tag off b.
func berOf(b []byte, tag byte) (content, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, at := int(b[1]), 2
	if n >= 0x80 {
		bytesOfLength := n & 0x7f
		if bytesOfLength == 0 || bytesOfLength > 3 || len(b) < 2+bytesOfLength {
			return nil, nil, false
		}
		n = 0
		for _, c := range b[2 : 2+bytesOfLength] {
			n = n<<8 | int(c)
		}
		at += bytesOfLength
	}
	if n > len(b)-at {
		return nil, nil, false
	}
	return b[at : at+n], b[at+n:], true
}
