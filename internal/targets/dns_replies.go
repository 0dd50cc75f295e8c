package targets

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// The transports, as the server's behaviour tells them apart.
const (
	overUDP   = "udp"
	overTCP   = "tcp"
	overHTTPS = "https"
)

// mode is the first label of the name in a query.
func mode(q []byte) string {
	m := new(dns.Msg)
	if m.Unpack(q) != nil || len(m.Question) != 1 {
		return ""
	}
	first, _, _ := strings.Cut(strings.ToLower(m.Question[0].Name), ".")
	return first
}

var dnsStrays = []string{"wrong-id", "wrong-name", "wrong-type", "wrong-class", "query", "opcode", "short"}

// replies are the messages that go back for a query.
func (s *DNS) replies(b []byte, over string) [][]byte {
	q := new(dns.Msg)
	if q.Unpack(b) != nil || len(q.Question) != 1 {
		return nil
	}
	name := mode(b)
	switch {
	case name == "silent":
		return nil
	case name == "spoofed":
		var all [][]byte
		for _, stray := range dnsStrays {
			all = append(all, strayReply(q, stray))
		}
		return append(all, pack(healthyReply(q)))
	case slices.Contains(dnsStrays, name):
		return [][]byte{strayReply(q, name)}
	}
	a := healthyReply(q)
	s.mu.Lock()
	if s.lie != "" && q.Question[0].Qtype == dns.TypeA {
		a.Answer = records(q.Question[0].Name + " 60 IN A " + s.lie)
	}
	s.mu.Unlock()
	switch name {
	case "missing":
		a.Rcode, a.Answer, a.Ns = dns.RcodeNameError, nil, records("example. 300 IN SOA ns.example. root.example. 4294967290 1 1 1 60")
	case "refused", "servfail":
		a.Rcode, a.Answer = dns.RcodeRefused, nil
		code, text := dns.ExtendedErrorCodeProhibited, "not for you"
		if name == "servfail" {
			a.Rcode, code, text = dns.RcodeServerFailure, dns.ExtendedErrorCodeDNSBogus, "no matching DS"
		}
		if opt := a.IsEdns0(); opt != nil {
			opt.Option = append(opt.Option, &dns.EDNS0_EDE{InfoCode: code, ExtraText: text})
		}
	case "twice":
		if q.Question[0].Qtype == dns.TypeA {
			a.Answer = records(q.Question[0].Name+" 60 IN A 127.0.0.99", q.Question[0].Name+" 60 IN A 127.0.0.1")
		}
	case "header":
		a.Answer, a.Extra, a.Question, a.Rcode = nil, nil, nil, dns.RcodeRefused
	case "big":
		a.Answer = nil
		if over == overUDP {
			a.Truncated = true
			break
		}
		for i := range 40 {
			a.Answer = append(a.Answer, records(fmt.Sprintf(`%s 60 IN TXT "%d %s"`, q.Question[0].Name, i, strings.Repeat("x", 100)))...)
		}
	case "many":
		a.Compress, a.Answer = true, nil
		for i := range 3000 {
			a.Answer = append(a.Answer, records(fmt.Sprintf("%s 60 IN A 10.0.%d.%d", q.Question[0].Name, i>>8, i&255))...)
		}
	case "other", "others", "empty", "referral", "upward", "alias", "aliases", "dangling", "onward", "dname", "circle", "wrong-data", "foreign-class", "authority":
		attribute(a, name)
	case "noedns", "nosuch-edns":
		if q.IsEdns0() != nil {
			a = new(dns.Msg).SetRcode(q, map[string]int{"noedns": dns.RcodeFormatError, "nosuch-edns": dns.RcodeNotImplemented}[name])
		}
	case "garbage", "fewer", "loop":
		return [][]byte{brokenReply(a, name)}
	}
	return [][]byte{pack(a)}
}

func pack(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(err) // made here
	}
	return b
}

func records(text ...string) (out []dns.RR) {
	for _, s := range text {
		rr, err := dns.NewRR(s)
		if err != nil {
			panic(err) // made here
		}
		out = append(out, rr)
	}
	return out
}

// healthyReply answers any question about A, TXT, MX, PTR and SOA.
func healthyReply(q *dns.Msg) *dns.Msg {
	a := new(dns.Msg)
	a.SetReply(q)
	a.Authoritative = true
	name := q.Question[0].Name
	switch q.Question[0].Qtype {
	case dns.TypeA:
		a.Answer = records(name + " 60 IN A 192.0.2.7")
		if q.Question[0].Qclass != dns.ClassANY {
			a.Answer[0].Header().Class = q.Question[0].Qclass
		}
	case dns.TypeTXT:
		a.Answer = records(name+` 60 IN TXT "v=spf1 " "-all"`, name+` 120 IN TXT "second \"text\""`)
	case dns.TypeMX:
		a.Answer = records(name+" 60 IN MX 10 mx1.example.", name+" 60 IN MX 20 MX2.example.")
		a.Extra = records("mx1.example. 60 IN A 192.0.2.25")
	case dns.TypePTR:
		a.Answer = records(name + " 60 IN PTR DB-Server01.Example.")
	case dns.TypeSOA:
		a.Answer = records(name + " 60 IN SOA ns.example. root.example. 2026112501 1 1 1 60")
	}
	opt := q.IsEdns0()
	if opt == nil {
		return a
	}
	a.SetEdns0(4096, opt.Do())
	for _, o := range opt.Option {
		switch o := o.(type) {
		case *dns.EDNS0_NSID:
			o.Nsid = hex.EncodeToString([]byte("ns1.lab"))
			a.IsEdns0().Option = append(a.IsEdns0().Option, o)
		case *dns.EDNS0_SUBNET:
			o.SourceScope = 20
			a.IsEdns0().Option = append(a.IsEdns0().Option, o)
		}
	}
	return a
}

// attribute makes of an answer one whose records are about other names, or about
// names that a CNAME leads to.
func attribute(a *dns.Msg, how string) {
	name := a.Question[0].Name
	_, zone, _ := strings.Cut(name, ".")
	soa := records("example. 300 IN SOA ns.example. root.example. 7 1 1 1 60")
	a.Answer = nil
	switch how {
	case "other":
		a.Answer = records("other.test. 1 IN A 192.0.2.66")
	case "others":
		a.Answer = records("other.test. 1 IN A 192.0.2.66", name+" 60 IN A 192.0.2.7", "third.test. 1 IN TXT other")
	case "empty":
		a.Ns = soa
	case "referral":
		a.Authoritative, a.Ns = false, records(zone+" 60 IN NS ns.elsewhere.test.", zone+" 60 IN NS ns2.elsewhere.test.")
	case "upward":
		a.Authoritative, a.Ns = false, records(". 60 IN NS a.root-servers.net.")
	case "alias": // and from there, the last record first
		a.Answer = records("END.test. 60 IN A 192.0.2.8", "other.test. 60 IN A 192.0.2.66", "middle.test. 30 IN CNAME end.test.", strings.ToUpper(name)+" 60 IN CNAME Middle.test.")
	case "aliases":
		for i := range 40 {
			a.Answer = append(a.Answer, records(fmt.Sprintf("%s 60 IN CNAME c%d.test.", name, i))...)
			name = fmt.Sprintf("c%d.test.", i)
		}
		a.Answer = append(a.Answer, records(name+" 60 IN A 192.0.2.8")...)
	case "dangling":
		a.Answer = records(name + " 60 IN CNAME gone.test.")
	case "onward":
		a.Authoritative, a.Answer, a.Ns = false, records(name+" 60 IN CNAME gone.test."), records("test. 60 IN NS ns.elsewhere.test.")
	case "dname":
		first := strings.TrimSuffix(name, zone)
		a.Answer = records(zone+" 60 IN DNAME moved.test.", first+"moved.test. 60 IN A 192.0.2.9")
	case "circle":
		a.Answer = records(name+" 60 IN CNAME b.test.", "b.test. 60 IN CNAME "+name)
	case "wrong-data":
		a.Answer = records(name + " 60 IN AAAA 2001:db8::1")
	case "foreign-class":
		a.Answer = records(name + " 60 CH A 192.0.2.7")
	case "authority":
		a.Answer, a.Ns = records(name+" 60 IN A 192.0.2.7"), records("elsewhere.test. 300 IN SOA ns.example. root.example. 7 1 1 1 60")
	}
}

// strayReply is a message that does not answer q.
func strayReply(q *dns.Msg, how string) []byte {
	a := healthyReply(q)
	switch how {
	case "wrong-id":
		a.Id++
	case "wrong-name":
		a.Question[0].Name = "another.example."
	case "wrong-type":
		a.Question[0].Qtype = dns.TypeNULL
	case "wrong-class":
		a.Question[0].Qclass = dns.ClassHESIOD
	case "query":
		a.Response = false
	case "opcode":
		a.Opcode = dns.OpcodeStatus
	case "short":
		return pack(a)[:11]
	}
	return pack(a)
}

// brokenReply is an answer to the question whose records cannot be read.
func brokenReply(a *dns.Msg, how string) []byte {
	question := *a
	question.Answer, question.Ns, question.Extra = nil, nil, nil
	b := pack(&question)
	binary.BigEndian.PutUint16(b[6:], 1)
	switch how {
	case "garbage":
		return append(b, 0xff, 0xff, 0xff)
	case "loop": // a name that points at itself
		at := 0xc000 | uint16(len(b))
		b = binary.BigEndian.AppendUint16(b, at)
		return append(b, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7)
	}
	return b // fewer
}
