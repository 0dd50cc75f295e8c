package dns

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

func TestDNS_Expectations(t *testing.T) {
	s := probetest.ServeDNS(t)
	for name, c := range map[string]struct {
		question, options string // the options of the query, and of expect
		expect            string
		unmet             []string // option, want and got of each; none: all are met
	}{
		"any rcode":                {"missing.example", ``, `"rcode":[]`, nil},
		"one of several":           {"missing.example", ``, `"rcode":["noerror","nxdomain"]`, nil},
		"rcode by number":          {"missing.example", ``, `"rcode":["RCODE3"]`, nil},
		"flags":                    {"www.example", ``, `"flags":["AA","rd"],"no_flags":["ra","ad","tc"]`, nil},
		"flags missing, flags set": {"www.example", ``, `"flags":["ra","ad"],"no_flags":["aa"]`, []string{"flags ra|aa rd", "flags ad|aa rd", "no_flags no aa|aa rd"}},
		"counts":                   {"www.example", `"type":"MX"`, `"answer_count":2,"authority_count":"0","additional_count":"1-"`, nil},
		"other counts":             {"www.example", `"type":"MX"`, `"answer_count":"3-4","authority_count":"1-","additional_count":"0"`, []string{"answer_count 3-4|2", "authority_count 1-|0", "additional_count 0|1"}},
		"contains":                 {"www.example", `"type":"MX"`, `"contains":["10 mx1","MX 20 MX2.example."]`, nil},
		"does not contain":         {"www.example", ``, `"contains":["192.0.2.8"]`, []string{"contains 192.0.2.8|www.example. 60 IN A 192.0.2.7"}},
		"a regular expression":     {"www.example", ``, `"answer":"^www\\.example\\. [0-9]+ IN A 192\\.0\\.2\\.7$"`, nil},
		"that does not match":      {"www.example", ``, `"answer":"AAAA"`, []string{"answer AAAA|www.example. 60 IN A 192.0.2.7"}},
		"the set of records":       {"www.example", `"type":"MX"`, `"records":["20 mx2.EXAMPLE","10 mx1.example."]`, nil},
		"one more than wanted":     {"www.example", `"type":"MX"`, `"records":["20 mx2.example"]`, []string{"records 20 mx2.example|10 mx1.example., 20 MX2.example."}},
		"one less than wanted":     {"www.example", ``, `"records":["192.0.2.7","192.0.2.8"]`, []string{"records 192.0.2.7, 192.0.2.8|192.0.2.7"}},
		"none at all":              {"missing.example", ``, `"rcode":[],"records":["192.0.2.7"]`, []string{"records 192.0.2.7|no record"}},
		"texts, joined":            {"www.example", `"type":"TXT"`, `"records":["second \"text\"","v=spf1 -all"]`, nil},
		"texts, in quotes":         {"www.example", `"type":"TXT"`, `"records":["\"second \\\"text\\\"\"","\"v=spf1 -all\""]`, nil},
		"TTL":                      {"www.example", `"type":"TXT"`, `"min_ttl":"1m","max_ttl":"2m"`, nil},
		"TTL too short, too long":  {"www.example", `"type":"TXT"`, `"min_ttl":"61s","max_ttl":"119s"`, []string{"min_ttl at least 1m1s|1m0s", "max_ttl at most 1m59s|2m0s"}},
		"no TTL":                   {"missing.example", ``, `"rcode":[],"min_ttl":"1s"`, []string{"min_ttl at least 1s|no record"}},
		"serial":                   {"www.example", `"type":"SOA"`, `"min_serial":2026112501`, nil},
		"an older serial":          {"www.example", `"type":"SOA"`, `"min_serial":2026112502`, []string{"min_serial at least 2026112502|2026112501"}},
		"a serial went round":      {"missing.example", ``, `"rcode":[],"min_serial":3`, []string{"min_serial at least 3|4294967290"}},
		"and is not there yet":     {"missing.example", ``, `"rcode":[],"min_serial":4294967000`, nil},
		"no serial":                {"www.example", ``, `"min_serial":1`, []string{"min_serial at least 1|no SOA record"}},
		"no signature":             {"www.example", `"do":true`, `"rrsig_days_left":1`, []string{"rrsig_days_left at least 1|no RRSIG record"}},
		"all that is wrong":        {"header.example", ``, `"answer_count":"1-","contains":["x"],"records":["192.0.2.7"]`, []string{"rcode NOERROR|REFUSED", "answer_count 1-|0", "contains x|no record", "records 192.0.2.7|no record"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "dns", c.question+"@"+s.Addr, dnsOptions(c.options, `"expect":{`+c.expect+`}`))
			var got []string
			for _, u := range r.Unmet {
				got = append(got, strings.TrimPrefix(u.Expect, "expect.")+" "+u.Want+"|"+u.Got)
			}
			if g, w := strings.Join(got, "\n"), strings.Join(c.unmet, "\n"); g != w {
				t.Errorf("unmet\n%s\nwant\n%s", g, w)
			}
			if len(c.unmet) > 0 {
				probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
			} else {
				probetest.WantFailure(t, r, wire.OK, "")
			}
		})
	}
}

func TestDNS_RefusesBadOptions(t *testing.T) {
	for _, c := range []struct{ target, options, want string }{
		{"h..x@", `{"type":"TYPE65x","class":"CLASS","transport":"quic","udp_size":511,"attempts":11,"path":"dns","client_subnet":"192.0.2.0/33","tls":{"min_version":"2"}}`,
			`target: want a domain name or NAME@SERVER, got "h..x@": labels have 1 to 63 bytes, and a name 255 at most (RFC 1035 section 2.3.4)
target: want a domain name or NAME@SERVER, got "h..x@": the server is missing
options.transport: want udp, tcp, tls or https, got "quic"
options.type: want a record type such as A or TYPE65, got "TYPE65x"
options.class: want IN, CH, HS, ANY or a class such as CLASS1, got "CLASS"
options.udp_size: want 512 to 65535, got 511
options.client_subnet: want a network such as 192.0.2.0/24, got "192.0.2.0/33"
options.attempts: want 1 to 10, got 11
options.path: want a path such as /dns-query, got "dns"
options.tls.min_version: want 1.0, 1.1, 1.2 or 1.3, got "2"`},
		{"h@::1::2", `{"server":"a b","transport":"tcp","edns":false,"do":true,"nsid":true,"client_subnet":"::/0","attempts":2,"tls":{"insecure":true}}`,
			`target: want host or host:port, got "::1::2": "::1::2" is not an IPv6 address
options.server: want host or host:port, got "a b": "a b" is not a host name
options.server: the target names "::1::2", and this option "a b": give one
options.do: needs edns
options.nsid: needs edns
options.client_subnet: needs edns
options.attempts: is for transport udp, which loses datagrams; got 2 with "tcp"
options.tls: is for the transports tls and https, got "tcp"`},
		{"h", `{"expect":{"rcode":["NOERROR","NOPE","RCODE4096"],"flags":["qr"],"answer_count":"2-1","authority_count":"x","additional_count":-1,"answer":"(","records":["192.0.2.300",""],"min_ttl":"2s","max_ttl":"1s","rrsig_days_left":3}}`,
			`options.expect.rcode[1]: want a response code such as NXDOMAIN or RCODE11, got "NOPE"
options.expect.rcode[2]: want a response code such as NXDOMAIN or RCODE11, got "RCODE4096"
options.expect.flags[0]: want one of aa, tc, rd, ra, ad, cd, got "qr"
options.expect.answer_count: want a range from less to more, got "2-1"
options.expect.authority_count: want a number or a range such as 2, 1-4 or 1-, got "x"
options.expect.additional_count: want a number or a range such as 2, 1-4 or 1-, got "-1"
options.expect.answer: want an RE2 expression, got "(": error parsing regexp: missing closing ): ` + "`(`" + `
options.expect.records[0]: want the data of a record of type A, got "192.0.2.300": bad A A: "192.0.2.300"
options.expect.records[1]: want one line, the data of a record of type A, got ""
options.expect.max_ttl: want at least min_ttl, got "1s"
options.expect.rrsig_days_left: needs do, which asks for the signatures`},
		{"b_ü.example", `{"type":"AXFR"}`, `target: want a domain name or NAME@SERVER, got "b_ü.example": "b_ü" has letters beyond ASCII that no name can have (RFC 5891): write its form in ASCII, which begins with xn--
options.type: a zone transfer is not a question with one answer, got "AXFR"`},
		{strings.Repeat("a.", 120) + "b", `{"unique":true,"type":"ANY","expect":{"records":["x"]}}`, `options.unique: the name has no room for one more label of 16 bytes
options.expect.records: needs one type, not ANY: the data of each type is written in its own way`},
	} {
		if got := refused(t, "dns", c.target, c.options); got != c.want {
			t.Errorf("%s %s\ngot\n%s\nwant\n%s", c.target, c.options, got, c.want)
		}
	}
	for _, ok := range [][2]string{{"h@s", `{"server":"s"}`}, {"_sip._tcp.example.com@2001:db8::1", `{"type":"srv"}`}, {".@[2001:db8::1]:5353", `{"class":"any","client_subnet":"2001:db8::1"}`}, {"7.2.0.192.in-addr.arpa", `{"type":"PTR","expect":{"records":["www.example.com"]}}`}} {
		if _, err := Kinds().New(nil, "dns", ok[0], json.RawMessage(ok[1])); err != nil {
			t.Errorf("%s %s is refused: %v", ok[0], ok[1], err)
		}
	}
}

func TestDNSSignatures(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	signed := func(from, to time.Duration) *dns.RRSIG {
		return &dns.RRSIG{Hdr: dns.RR_Header{Name: "example."}, TypeCovered: dns.TypeA, Inception: uint32(now.Add(from).Unix()), Expiration: uint32(now.Add(to).Unix())}
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		answer, authority []*dns.RRSIG
		problem           string
		days              int
	}{
		"none":          {nil, nil, "no RRSIG record", 0},
		"two":           {[]*dns.RRSIG{signed(-day, 9*day+1)}, []*dns.RRSIG{signed(-day, 3*day+time.Hour)}, "", 3},
		"expired":       {[]*dns.RRSIG{signed(-day, -time.Hour)}, nil, "", -1},
		"not yet valid": {[]*dns.RRSIG{signed(time.Hour, 9*day)}, nil, "the signature of example. A is not valid before 2026-11-25T13:00:00Z", 0},
		"beyond 2106":   {[]*dns.RRSIG{signed(-day, 60*365*day)}, nil, "", 60 * 365},
	} {
		problem, days := dnsSignatures(slices.Concat(c.answer, c.authority), now)
		if problem != c.problem || days != c.days {
			t.Errorf("%s: %q, %d days, want %q, %d", name, problem, days, c.problem, c.days)
		}
	}
}

func FuzzDNSAnswer(f *testing.F) {
	q := dns.Question{Name: "www.example.", Qtype: dns.TypeA, Qclass: dns.ClassINET}
	m := &dns.Msg{Question: []dns.Question{q}}
	m.Id, m.Response = 7, true
	m.SetEdns0(1232, true)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: 18, ExtraText: "x"}, &dns.EDNS0_NSID{Nsid: "00ff"}, subnetOption(netip.MustParsePrefix("192.0.2.0/24"))}
	for _, s := range []string{"www.example. 60 IN A 192.0.2.7", "www.example. 60 IN RRSIG A 8 2 60 20261201000000 20261101000000 1 example. AAAA", "example. 1 IN SOA a. b. 1 1 1 1 1", `www.example. 1 IN TXT "a"`} {
		rr, err := dns.NewRR(s)
		if err != nil {
			f.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	b, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:40])
	f.Add([]byte("\x00\x07\x80\x05\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(append(b[:29:29], 0xc0, 0x1d, 0, 1, 0, 1))
	expect := Expect{Rcode: []string{"NOERROR"}, Found: true, AnswerCount: "1-2", Contains: []string{"x"}, Answer: "x", Records: []string{"192.0.2.7"}, MinTTL: 1, MinSerial: 1, RRSIGDaysLeft: 1}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, _, err := acceptDNS(b, q, []dnsSent{{7, time.Time{}}})
		if err != nil {
			return
		}
		if a.Id != 7 || !a.Response || len(a.Question) == 1 && !strings.EqualFold(a.Question[0].Name, q.Name) || len(a.Question) == 0 && a.Rcode == 0 {
			t.Errorf("accepted %+v", a)
		}
		var d Details
		o := engine.OwnedBy(a)
		d.setAnswer(a, &o)
		expect.check(&probes.Run{}, a, &o, d, true)
		data, err := json.Marshal(d)
		if err != nil || len(data) > 150<<10 { // 16 KiB of text, escaped, at the worst
			t.Errorf("%d bytes of details: %v", len(data), err)
		}
		d.Report(new(strings.Builder))
		_ = d.Headline()
	})
}

func FuzzDNSNames(f *testing.F) {
	for _, s := range []string{"TYPE65", "A", "CLASS3", "RCODE12", "192.0.2.0/24", "2001:db8::1", "1-4", `w\119w.example`, "a b", `"x" "y"`, "10 mx.example.", "TYPE+1", "TYPE65x", "::ffff:1.2.3.4/100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := dnsType(s); err == nil {
			if again, err := dnsType(engine.DNSTypeName(n)); err != nil || again != n {
				t.Errorf("type %q is %d, %s", s, n, engine.DNSTypeName(n))
			}
		}
		if n, err := dnsClass(s); err == nil {
			if again, err := dnsClass(engine.DNSClassName(n)); err != nil || again != n {
				t.Errorf("class %q is %d, %s", s, n, engine.DNSClassName(n))
			}
		}
		if n, err := rcode(s); err == nil {
			if again, err := rcode(engine.DNSRcodeName(n)); err != nil || again != n {
				t.Errorf("rcode %q is %d, %s", s, n, engine.DNSRcodeName(n))
			}
		}
		if name, err := dnsName(s); err == nil {
			if again, err := dnsName(name); err != nil || again != name {
				t.Errorf("name %q is %q is %q (%v)", s, name, again, err)
			}
		}
		if n, err := subnet(s); err == nil {
			m := new(dns.Msg)
			m.SetQuestion(".", dns.TypeA)
			m.SetEdns0(1232, false)
			m.IsEdns0().Option = []dns.EDNS0{subnetOption(n)}
			b, err := m.Pack()
			if err == nil {
				err = m.Unpack(b)
			}
			var d Details
			d.setAnswer(m, &engine.OwnedAnswer{})
			if err != nil || d.Subnet != n.String() {
				t.Errorf("subnet %q is %s, sent as %q (%v)", s, n, d.Subnet, err)
			}
		}
		if least, most, err := Count(s).bounds(); err == nil && (least > most || most > 65535) {
			t.Errorf("count %q is %d to %d", s, least, most)
		}
		for _, typ := range []uint16{dns.TypeA, dns.TypeTXT, dns.TypeMX, dns.TypeHTTPS, 65280} {
			rr, err := data(typ, dns.ClassINET, s)
			if err != nil {
				continue
			}
			if rr.Header().Rrtype != typ || !sameData(rr, rr) {
				t.Errorf("data %q is %s", s, rr)
			}
		}
	})
}

// FuzzDNSFrame: whatever a stream holds, no more is read than it announces.
func FuzzDNSFrame(f *testing.F) {
	f.Add([]byte{0, 2, 1, 2, 3})
	f.Add([]byte{0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := strings.NewReader(string(b))
		m, err := readDNSFrame(r)
		if err == nil && (len(m) != int(b[0])<<8|int(b[1]) || r.Len() != len(b)-2-len(m)) {
			t.Errorf("read %d bytes of %d", len(m), len(b))
		}
		if err != nil && !probes.FailureIs(err, wire.FailClosed) {
			t.Errorf("error %v", err)
		}
	})
}

// TestDNSUnique: labels differ, and are legal in host names.
func TestDNSUnique(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		l := unique()
		if seen[l] || len(l) != uniqueLength || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Fatalf("label %q", l)
		}
		seen[l] = true
	}
}
