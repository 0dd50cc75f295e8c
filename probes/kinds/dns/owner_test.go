package dns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/probes/engine"
	"netmon/wire"
)

// TestDNS_Owners: only records of the name asked for, or of where it leads, are
// an answer, whatever is expected; and the sentence says what came instead.
func TestDNS_Owners(t *testing.T) {
	s := probetest.ServeDNS(t)
	const none = "expect.found: want a record of type A, got "
	for name, c := range map[string]struct {
		question, options string // the options of the query
		expect            string
		text, summary     string // of the error, "": ok
	}{
		"another owner":                 {"other.example", ``, ``, none + "no A record of other.example, but one of other.test", "NOERROR, no A record of other.example, but one of other.test"},
		"another owner, its record":     {"other.example", ``, `"records":["192.0.2.66"]`, "expect.records: want 192.0.2.66, got no A record of other.example, but one of other.test", ""},
		"another owner, counted":        {"other.example", ``, `"found":false,"answer_count":1`, "expect.answer_count: want 1, got 0, and one of other.test, which does not count", ""},
		"another owner, its text":       {"other.example", ``, `"found":false,"contains":["192.0.2.66"]`, "expect.contains: want 192.0.2.66, got no A record of other.example", ""},
		"another owner, its match":      {"other.example", ``, `"found":false,"answer":"192.0.2.66"`, "expect.answer: want 192.0.2.66, got no A record of other.example", ""},
		"another owner, its TTL":        {"other.example", ``, `"found":false,"max_ttl":"1h"`, "expect.max_ttl: want at most 1h, got no record", ""},
		"another owner, by choice":      {"other.example", ``, `"found":false`, "", "NOERROR, no A record of other.example, but one of other.test"},
		"another owner beside the name": {"others.example", ``, `"answer_count":1,"records":["192.0.2.7"],"min_ttl":"1m"`, "", "NOERROR, 1 answer, 2 of other names"},
		"another class":                 {"foreign-class.example", ``, ``, none + "no A record of foreign-class.example, but 1 record of class CH", ""},
		"another zone's serial":         {"authority.example", ``, `"min_serial":1`, "expect.min_serial: want at least 1, got no SOA record", ""},
		"no data":                       {"empty.example", ``, ``, none + "no A record", "NOERROR, no A record"},
		"no data, by choice":            {"empty.example", ``, `"found":false`, "", "NOERROR, no A record"},
		"no data, or any code":          {"empty.example", ``, `"rcode":[]`, "", "NOERROR, no A record"},
		"no data, or no name":           {"empty.example", ``, `"rcode":["NOERROR","NXDOMAIN"]`, "", "NOERROR, no A record"},
		"no data, as counted":           {"empty.example", ``, `"answer_count":0`, "", "NOERROR, no A record"},
		"no data, but its zone":         {"empty.example", ``, `"found":false,"min_serial":7`, "", "NOERROR, no A record"},
		"no data of any type":           {"empty.example", `"type":"ANY"`, ``, "expect.found: want a record of the name, got no record", ""},
		"data of another type":          {"wrong-data.example", ``, ``, none + "no A record, but 1 AAAA record", ""},
		"any data of any type":          {"wrong-data.example", `"type":"ANY"`, ``, "", "NOERROR, 1 answer"},
		"no such name, as wanted":       {"missing.example", ``, `"rcode":["NXDOMAIN"]`, "", "NXDOMAIN, 0 answers"},
		"a name where none is wanted":   {"empty.example", ``, `"rcode":["NXDOMAIN"]`, "expect.rcode: want NXDOMAIN, got NOERROR", "NOERROR, no A record"},
		"a referral":                    {"referral.example", ``, ``, none + "a referral to ns.elsewhere.test and 1 more: this server does not hold referral.example", ""},
		"a referral, as wanted":         {"referral.example", ``, `"found":false,"no_flags":["aa"],"authority_count":2`, "", "NOERROR, a referral to ns.elsewhere.test and 1 more: this server does not hold referral.example"},
		"a referral to the root":        {"upward.example", ``, ``, none + "a referral to a.root-servers.net: this server does not hold upward.example", ""},
		"a CNAME to nowhere":            {"dangling.example", ``, ``, none + "a CNAME to gone.test, and no A record of it", "NOERROR, a CNAME to gone.test, and no A record of it"},
		"a CNAME to another's name":     {"onward.example", ``, ``, none + "a CNAME to gone.test, and a referral to ns.elsewhere.test: this server does not hold gone.test", ""},
		"the CNAME itself":              {"dangling.example", `"type":"CNAME"`, `"records":["GONE.test"]`, "", "NOERROR, 1 answer"},
		"two CNAMEs, in any order":      {"alias.example", ``, `"answer_count":3,"records":["192.0.2.8"],"min_ttl":"30s"`, "", "NOERROR, 3 answers, 1 of other names"},
		"a DNAME":                       {"dname.example", ``, `"records":["192.0.2.9"],"answer_count":2`, "", "NOERROR, 2 answers"},
		"a circle":                      {"circle.example", ``, ``, none + "a CNAME loop: b.test leads back to circle.example", ""},
		"a chain that is too long":      {"aliases.example", `"transport":"tcp"`, ``, none + "a chain of more than 32 CNAME records", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := measure(t, "dns", c.question+"@"+s.Addr, dnsOptions(c.options, `"expect":{`+c.expect+`}`))
			if c.text == "" {
				probetest.WantFailure(t, r, wire.OK, "")
			} else {
				probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
			}
			if !strings.HasPrefix(r.Error, c.text) || c.summary != "" && r.Summary != c.summary {
				t.Errorf("error %q\nwant  %q\nsummary %q\nwant    %q", r.Error, c.text, r.Summary, c.summary)
			}
		})
	}
}

// TestOwnedBy_Chain: what one answer can cost is bounded, and the bound is on
// what is followed.
func TestOwnedBy_Chain(t *testing.T) {
	m := new(dns.Msg).SetQuestion("c0.test.", dns.TypeA)
	for i := range 4000 { // the last first, as is worst
		rr, err := dns.NewRR(fmt.Sprintf("c%d.test. 60 IN CNAME c%d.test.", 3999-i, 4000-i))
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, rr)
	}
	begin := time.Now()
	o := engine.OwnedBy(m)
	if len(o.Names) != engine.DNSMaxChain+1 || len(o.Others) != 4000-engine.DNSMaxChain-1 || o.Instead(m) != "a chain of more than 32 CNAME records" {
		t.Errorf("%d names, %d others, %q", len(o.Names), len(o.Others), o.Instead(m))
	}
	t.Logf("%v", time.Since(begin))
}

// TestDNS_Contains: names in any case, and texts as they are read.
func TestDNS_Contains(t *testing.T) {
	for name, c := range map[string]struct {
		record, want string
		ok           bool
	}{
		"as it is":                   {"a.test. 60 IN PTR DB-Server01.Test.", "DB-Server01.Test.", true},
		"a name in another case":     {"a.test. 60 IN PTR DB-Server01.Test.", "PTR db-server01.TEST", true},
		"the owner in another case":  {"WWW.a.test. 60 IN A 192.0.2.1", "www.A.test. 60 IN A 192", true},
		"a name among other data":    {"a.test. 60 IN SRV 1 2 443 Web.test.", "2 443 web", true},
		"a name in a list":           {"a.test. 60 IN HTTPS 1 Svc.test. alpn=h2", "1 svc.TEST.", true},
		"a value in another case":    {`a.test. 60 IN CAA 0 issue "CA.test"`, "ca.test", false},
		"a key in another case":      {"a.test. 60 IN DNSKEY 257 3 13 AbCd", "abcd", false},
		"and as it is":               {"a.test. 60 IN DNSKEY 257 3 13 AbCd", "AbCd", true},
		"a type in another case":     {"a.test. 60 IN A 192.0.2.1", "in a", false},
		"a text, over its strings":   {`a.test. 60 IN TXT "v=spf1 include:one.test incl" "ude:two.test -all"`, "include:two.test", true},
		"a text, with its quotes":    {`a.test. 60 IN TXT "one" "two"`, `"one" "two"`, true},
		"a text in another case":     {`a.test. 60 IN TXT "Verify=AbC"`, "verify=abc", false},
		"a text that holds quotes":   {`a.test. 60 IN TXT "say \"hi\" \\ \195\188"`, `say "hi" \ ü`, true},
		"a text, escaped":            {`a.test. 60 IN TXT "say \"hi" "\""`, `say \"hi\"`, true},
		"a text from its beginning":  {`a.test. 60 IN TXT "one" "two"`, "IN TXT onetwo", true},
		"something else":             {"a.test. 60 IN A 192.0.2.1", "192.0.2.2", false},
		"longer than the record":     {"a.test. 60 IN A 192.0.2.1", strings.Repeat("a", 500), false},
		"the end of a name, escaped": {`a\.b.test. 60 IN A 192.0.2.1`, `A\.B.TEST.`, true},
	} {
		rr, err := dns.NewRR(c.record)
		if err != nil {
			t.Fatal(err)
		}
		if got := recordContains(rr, c.want); got != c.ok {
			t.Errorf("%s: %q in %q: %v", name, c.want, recordText(rr), got)
		}
	}
	s := probetest.ServeDNS(t)
	for _, options := range []string{`"expect":{"contains":["v=spf1 -all"]}`, `"expect":{"answer":" TXT v=spf1 -all$"}`} {
		probetest.WantFailure(t, measure(t, "dns", "www.example@"+s.Addr, dnsOptions(`"type":"TXT"`, options)), wire.OK, "")
	}
}

// TestDNS_ReverseName: the name of an address is asked for under its reverse name.
func TestDNS_ReverseName(t *testing.T) {
	s := probetest.ServeDNS(t)
	for address, name := range map[string]string{
		"192.0.2.7":        "7.2.0.192.in-addr.arpa.",
		"::ffff:192.0.2.7": "7.2.0.192.in-addr.arpa.",
		"2001:db8::7":      "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
	} {
		r := measure(t, "dns", address+"@"+s.Addr, `{"type":"ptr","expect":{"contains":["db-server01"]}}`)
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		if d.Question != name+" IN PTR" || d.ReverseOf != address || r.Summary != "NOERROR, 1 answer, asked for "+strings.TrimSuffix(name, ".") {
			t.Errorf("%q, %s", r.Summary, r.Details)
		}
	}
	r := measure(t, "dns", "192.0.2.7.@"+s.Addr, `{"type":"PTR"}`) // a name, as written
	if d := probetest.DetailsOf[Details](t, r); d.Question != "192.0.2.7. IN PTR" || d.ReverseOf != "" {
		t.Errorf("%s", r.Details)
	}
	for _, typ := range []string{"A", "aaaa", "TXT", "ANY"} {
		want := `target: want a domain name or NAME@SERVER, got the address "2001:db8::7", which has no ` + strings.ToUpper(typ) +
			` record: type PTR asks for the name of an address (to ask for this text as a name, put a dot at its end)`
		if got := refused(t, "dns", "2001:db8::7@192.0.2.53", `{"type":"`+typ+`"}`); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestDNS_WithoutEDNS: who does not know EDNS says so in its own way.
func TestDNS_WithoutEDNS(t *testing.T) {
	s := probetest.ServeDNS(t)
	const hint = ": the query had EDNS, which this server does not seem to support; edns: false asks without"
	for name, text := range map[string]string{"noedns.example": "FORMERR" + hint, "nosuch-edns.example": "NOTIMP" + hint, "header.example": "REFUSED", "servfail.example": "SERVFAIL, EDE 6 (DNSSEC Bogus): no matching DS"} {
		r := measure(t, "dns", name+"@"+s.Addr, ``)
		probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
		if r.Error != "expect.rcode: want NOERROR, got "+text {
			t.Errorf("%s: %q", name, r.Error)
		}
	}
	probetest.WantFailure(t, measure(t, "dns", "noedns.example@"+s.Addr, `{"edns":false}`), wire.OK, "")
	for name, c := range map[string]struct {
		rcode    int
		opt, out bool
	}{"BADVERS": {dns.RcodeBadVers, true, true}, "FORMERR of one that knows EDNS": {dns.RcodeFormatError, true, false}} {
		m := new(dns.Msg).SetQuestion("a.test.", dns.TypeA)
		m.Rcode = c.rcode
		if c.opt {
			m.SetEdns0(1232, false)
		}
		if got := engine.EDNSHint(true, m) != ""; got != c.out || engine.EDNSHint(false, m) != "" {
			t.Errorf("%s: %v", name, got)
		}
	}
}
