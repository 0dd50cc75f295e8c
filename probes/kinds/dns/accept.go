package dns

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// dnsSent is one query on its way.
type dnsSent struct {
	id uint16
	at time.Time
}

// sentAs is the place of the query with this id in sent, -1 when there is none.
func sentAs(sent []dnsSent, id uint16) int {
	return slices.IndexFunc(sent, func(s dnsSent) bool { return s.id == id })
}

// dnsStray says why a message is not an answer to our query. It ends nothing.
type dnsStray string

func (s dnsStray) Error() string { return "no answer to our query: its " + string(s) }

// acceptDNS reads a message, and says which of the queries it answers. The id,
// the name, the type and the class must be those of the query (RFC 5452 section
// 9.1), else the error is a dnsStray. Another error is an answer to us that
// breaks the protocol.
func acceptDNS(b []byte, q dns.Question, sent []dnsSent) (m *dns.Msg, i int, err error) {
	const header = 12
	if len(b) < header {
		return nil, 0, dnsStray(fmt.Sprintf("length is %s, less than a header", figures.Counted(len(b), "byte")))
	}
	id := binary.BigEndian.Uint16(b)
	if i = sentAs(sent, id); i < 0 {
		return nil, 0, dnsStray(fmt.Sprintf("id is %d", id))
	}
	m = new(dns.Msg)
	unpackErr := m.Unpack(b)
	switch {
	case !m.Response:
		return nil, 0, dnsStray("QR bit makes it a query")
	case m.Opcode != dns.OpcodeQuery:
		return nil, 0, dnsStray(fmt.Sprintf("opcode is %d", m.Opcode))
	case len(m.Question) == 0 && m.Rcode != dns.RcodeSuccess && binary.BigEndian.Uint64(b[4:]) == 0:
		return m, i, nil // a header alone, as servers send that refuse or do not understand
	case len(m.Question) != 1:
		return nil, 0, dnsStray(fmt.Sprintf("question section has %d entries", len(m.Question)))
	}
	if got := m.Question[0]; !strings.EqualFold(got.Name, q.Name) || got.Qtype != q.Qtype || got.Qclass != q.Qclass {
		return nil, 0, dnsStray("question is " + figures.Clip(questionText(got)))
	}
	counted := func(at int, records []dns.RR) bool { return int(binary.BigEndian.Uint16(b[at:])) == len(records) }
	switch {
	case m.Truncated: // and may be cut anywhere
		return m, i, nil
	case unpackErr != nil:
		section := "additional"
		if !counted(6, m.Answer) {
			section = "answer"
		} else if !counted(8, m.Ns) {
			section = "authority"
		}
		return nil, i, probes.Fail(wire.FailBadAnswer, "the answer is not a DNS message: a record of its %s section cannot be read", section)
	case !counted(6, m.Answer) || !counted(8, m.Ns) || !counted(10, m.Extra):
		return nil, i, probes.Fail(wire.FailBadAnswer, "the answer ends before the records that its header announces")
	}
	return m, i, nil
}
