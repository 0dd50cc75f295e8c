package engine_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/probes/kinds"
	"netmon/wire"
)

// resolverWith answers questions over UDP and, where overTCP is not nil, over TCP,
// with what answer makes of m, the reply; nil is silence.
func resolverWith(t *testing.T, overUDP, overTCP func(m *dns.Msg) *dns.Msg) string {
	t.Helper()
	handler := func(answer func(*dns.Msg) *dns.Msg) dns.Handler {
		return dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
			m := new(dns.Msg).SetReply(q)
			m.RecursionAvailable = true
			if m = answer(m); m != nil {
				w.WriteMsg(m)
			}
		})
	}
	for {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if overTCP != nil {
			l, err := net.Listen("tcp", conn.LocalAddr().String())
			if err != nil { // the port is free for UDP alone
				conn.Close()
				continue
			}
			t.Cleanup(func() { l.Close() })
			go (&dns.Server{Listener: l, Handler: handler(overTCP)}).ActivateAndServe()
		}
		t.Cleanup(func() { conn.Close() })
		go (&dns.Server{PacketConn: conn, Handler: handler(overUDP)}).ActivateAndServe()
		return conn.LocalAddr().String()
	}
}

// with adds records to an answer. OWNER stands for the name asked for.
func with(m *dns.Msg, records ...string) *dns.Msg {
	for _, s := range records {
		rr, err := dns.NewRR(strings.ReplaceAll(s, "OWNER", m.Question[0].Name))
		if err != nil {
			panic(err) // made here
		}
		m.Answer = append(m.Answer, rr)
	}
	return m
}

// for1 answers questions of one type with a record, the others with other.
func for1(qtype uint16, record string, other func(*dns.Msg) *dns.Msg) func(*dns.Msg) *dns.Msg {
	return func(m *dns.Msg) *dns.Msg {
		if m.Question[0].Qtype == qtype {
			return with(m, record)
		}
		return other(m)
	}
}

func silence(*dns.Msg) *dns.Msg { return nil }

func answers(rcode int) func(*dns.Msg) *dns.Msg {
	return func(m *dns.Msg) *dns.Msg { m.Rcode = rcode; return m }
}

func truncates(m *dns.Msg) *dns.Msg { m.Truncated = true; return m }

const (
	loopback4 = "OWNER 60 IN A 127.0.0.1"
	loopback6 = "OWNER 60 IN AAAA ::1"
)

// TestLookup_Words: the sentence names what came, to which question, and the
// server that was asked, which is the one in the option.
func TestLookup_Words(t *testing.T) {
	const nothing = "resolve www.test: the resolver answers no queries: "
	for name, c := range map[string]struct {
		overUDP, overTCP func(*dns.Msg) *dns.Msg
		failure          wire.Failure
		text             string
	}{
		"SERVFAIL":                  {answers(dns.RcodeServerFailure), nil, wire.FailResolve, "resolve www.test: SERVFAIL for A and AAAA (asked SERVER)"},
		"refused":                   {answers(dns.RcodeRefused), nil, wire.FailResolve, "resolve www.test: REFUSED for A and AAAA (asked SERVER)"},
		"no such name":              {answers(dns.RcodeNameError), nil, wire.FailNoSuchHost, "resolve www.test: NXDOMAIN for A and AAAA (asked SERVER)"},
		"another name, and silence": {for1(dns.TypeA, "x. 0 IN A 192.0.2.1", silence), nil, wire.FailDNSTimeout, "no A record of www.test, but one of x (asked SERVER); no answer for AAAA (asked SERVER)"},
		"no record": {func(m *dns.Msg) *dns.Msg { return m }, nil, wire.FailNoSuchHost,
			"resolve www.test: no record for A and AAAA (asked SERVER)"},
		"a CNAME to nowhere": {func(m *dns.Msg) *dns.Msg { return with(m, "OWNER 60 IN CNAME gone.test.") }, nil, wire.FailNoSuchHost,
			"resolve www.test: a CNAME to gone.test, and no A record of it (asked SERVER); a CNAME to gone.test, and no AAAA record of it (asked SERVER)"},
		"another name's address": {func(m *dns.Msg) *dns.Msg {
			return with(m, "other.test. 60 IN A 127.0.0.1", "other.test. 60 IN AAAA ::1")
		}, nil, wire.FailNoSuchHost,
			"resolve www.test: no A record of www.test, but one of other.test and 1 more (asked SERVER); no AAAA"},
		"silence":         {silence, nil, wire.BrokenResolver, nothing + "no answer for A and AAAA (asked SERVER): nothing is known of the target"},
		"silence on AAAA": {for1(dns.TypeA, "OWNER 60 IN TXT x", silence), nil, wire.FailDNSTimeout, "resolve www.test: no record for A (asked SERVER); no answer for AAAA (asked SERVER)"},
		"NXDOMAIN for one, silence for the other": {func(m *dns.Msg) *dns.Msg {
			if m.Rcode = dns.RcodeNameError; m.Question[0].Qtype == dns.TypeA {
				return nil
			}
			return m
		}, nil, wire.FailNoSuchHost, "resolve www.test: no answer for A (asked SERVER); NXDOMAIN for AAAA (asked SERVER)"},
		"truncated, no TCP":       {truncates, nil, wire.FailResolve, "resolve www.test: a truncated answer, and over TCP connection refused for A and AAAA (asked SERVER)"},
		"truncated, silent TCP":   {truncates, silence, wire.FailDNSTimeout, "resolve www.test: a truncated answer, and over TCP no answer for A and AAAA (asked SERVER)"},
		"truncated, SERVFAIL":     {truncates, answers(dns.RcodeServerFailure), wire.FailResolve, "resolve www.test: SERVFAIL for A and AAAA (asked SERVER)"},
		"why":                     {func(m *dns.Msg) *dns.Msg { return because(m) }, nil, wire.FailResolve, "resolve www.test: SERVFAIL (DNSSEC Bogus: no DS) for A and AAAA (asked SERVER)"},
		"FORMERR, a header alone": {func(m *dns.Msg) *dns.Msg { m.Question = nil; m.Rcode = dns.RcodeFormatError; return m }, nil, wire.FailResolve, "resolve www.test: FORMERR for A and AAAA (asked SERVER)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := resolverWith(t, c.overUDP, c.overTCP)
			r := measureWithin(t, 3*time.Second, "tcp", "www.test:9", `{"resolver":"`+server+`"}`)
			if r.Failure != c.failure || !strings.Contains(r.Error, strings.ReplaceAll(c.text, "SERVER", server)) || strings.Contains(r.Error, "other questions") {
				t.Errorf("%s %s\ngot  %s\nwant %s", r.Outcome, r.Failure, r.Error, strings.ReplaceAll(c.text, "SERVER", server))
			}
		})
	}
}

// holds answers with a record whose data is hex.
func holds(rrtype uint16, hex string) func(*dns.Msg) *dns.Msg {
	return func(m *dns.Msg) *dns.Msg {
		m.Answer = append(m.Answer, &dns.RFC3597{Hdr: dns.RR_Header{Name: m.Question[0].Name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 60}, Rdata: hex})
		return m
	}
}

// TestLookup_Unreadable: an answer that is no DNS message is an answer of the
// resolver, and none about the name, in whichever order the answers come.
func TestLookup_Unreadable(t *testing.T) {
	const unread = "an answer that cannot be read for A"
	for name, c := range map[string]struct {
		a, aaaa func(*dns.Msg) *dns.Msg
		failure wire.Failure
		text    string
	}{
		"A with 2 bytes":           {holds(dns.TypeA, "7f00"), holds(dns.TypeAAAA, "7f00"), wire.FailResolve, unread + " and AAAA (asked SERVER)"},
		"a TXT past its end":       {holds(dns.TypeTXT, "ff41"), holds(dns.TypeTXT, "ff41"), wire.FailResolve, unread + " and AAAA (asked SERVER)"},
		"a name that holds itself": {holds(dns.TypeCNAME, "c02e"), holds(dns.TypeCNAME, "c02e"), wire.FailResolve, unread + " and AAAA (asked SERVER)"},
		"after another's address": {func(m *dns.Msg) *dns.Msg { return holds(dns.TypeTXT, "ff41")(with(m, "other.test. 60 IN A 127.0.0.1")) }, answers(0), wire.FailResolve,
			unread + " (asked SERVER); no record for AAAA (asked SERVER)"},
		"and no record":  {holds(dns.TypeA, "7f00"), answers(0), wire.FailResolve, unread + " (asked SERVER); no record for AAAA (asked SERVER)"},
		"and NXDOMAIN":   {holds(dns.TypeA, "7f00"), answers(dns.RcodeNameError), wire.FailNoSuchHost, unread + " (asked SERVER); NXDOMAIN for AAAA (asked SERVER)"},
		"and silence":    {holds(dns.TypeA, "7f00"), silence, wire.FailDNSTimeout, unread + " (asked SERVER); no answer for AAAA (asked SERVER)"},
		"SERVFAIL, none": {answers(dns.RcodeServerFailure), answers(0), wire.FailResolve, "SERVFAIL for A (asked SERVER); no record for AAAA (asked SERVER)"},
	} {
		for _, first := range []uint16{dns.TypeA, dns.TypeAAAA} {
			t.Run(name+"/first "+dns.TypeToString[first], func(t *testing.T) {
				t.Parallel()
				answered := make(chan struct{})
				var once sync.Once
				conn, err := net.ListenPacket("udp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				go (&dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
					m := new(dns.Msg).SetReply(q)
					m.RecursionAvailable = true
					qtype := q.Question[0].Qtype
					if qtype != first {
						<-answered
					}
					if m = map[bool]func(*dns.Msg) *dns.Msg{true: c.a, false: c.aaaa}[qtype == dns.TypeA](m); m != nil {
						w.WriteMsg(m)
					}
					if qtype == first {
						once.Do(func() { close(answered) })
					}
				})}).ActivateAndServe()
				server := conn.LocalAddr().String()
				r := measureWithin(t, 3*time.Second, "tcp", "www.test:9", `{"resolver":"`+server+`"}`)
				want := "resolve www.test: " + strings.ReplaceAll(c.text, "SERVER", server)
				if r.Failure != c.failure || r.Error != want {
					t.Errorf("%s %s\ngot  %s\nwant %s", r.Outcome, r.Failure, r.Error, want)
				}
			})
		}
	}
}

// TestLookup_Strays: only what answers a question counts as an answer.
func TestLookup_Strays(t *testing.T) {
	for name, c := range map[string]struct {
		reply   func(q *dns.Msg) *dns.Msg
		cut     int // bytes that are sent of it, 0 for all
		failure wire.Failure
		text    string
	}{
		"another id": {func(q *dns.Msg) *dns.Msg { m := new(dns.Msg).SetReply(q); m.Id++; return m }, 0, wire.BrokenResolver,
			"the resolver answers no queries: no answer for A and AAAA (asked SERVER): nothing is known of the target"},
		"another question": {func(q *dns.Msg) *dns.Msg {
			m := new(dns.Msg).SetReply(q)
			m.Question[0].Name = "other.test."
			return m
		}, 0, wire.BrokenResolver, "the resolver answers no queries: no answer for A and AAAA (asked SERVER): nothing is known of the target"},
		"the question itself": {func(q *dns.Msg) *dns.Msg { return q }, 0, wire.BrokenResolver,
			"the resolver answers no queries: no answer for A and AAAA (asked SERVER): nothing is known of the target"},
		"cut in the question": {func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) }, 16, wire.FailResolve, "an answer that cannot be read for A and AAAA (asked SERVER)"},
		"less than a header":  {func(q *dns.Msg) *dns.Msg { return new(dns.Msg).SetReply(q) }, 11, wire.FailResolve, "an answer that cannot be read for A and AAAA (asked SERVER)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go (&dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
				b, err := c.reply(q).Pack()
				if err != nil {
					panic(err) // made here
				}
				if c.cut > 0 {
					b = b[:c.cut]
				}
				w.Write(b)
			})}).ActivateAndServe()
			server := conn.LocalAddr().String()
			r := measureWithin(t, 3*time.Second, "tcp", "www.test:9", `{"resolver":"`+server+`"}`)
			want := "resolve www.test: " + strings.ReplaceAll(c.text, "SERVER", server)
			if r.Failure != c.failure || r.Error != want {
				t.Errorf("%s %s\ngot  %s\nwant %s", r.Outcome, r.Failure, r.Error, want)
			}
		})
	}
}

// TestLookup_ClosedInTheMiddle: over TCP, with a part of the answer there.
func TestLookup_ClosedInTheMiddle(t *testing.T) {
	for name, part := range map[string]string{"in the length": "\x00", "in the message": "\x00\x20ab", "before": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			packets, err := net.ListenPacket("udp", l.Addr().String())
			for err != nil { // the port is free for TCP alone
				l.Close()
				if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
					t.Fatal(err)
				}
				packets, err = net.ListenPacket("udp", l.Addr().String())
			}
			defer l.Close()
			defer packets.Close()
			go (&dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
				w.WriteMsg(truncates(new(dns.Msg).SetReply(q)))
			})}).ActivateAndServe()
			server := l.Addr().String()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					conn.Read(make([]byte, 512)) // the query, so that the end is not a reset
					conn.Write([]byte(part))
					conn.Close()
				}
			}()
			r := measureWithin(t, 20*time.Second, "tcp", "www.test:9", `{"resolver":"`+server+`"}`)
			want := "resolve www.test: a truncated answer, and over TCP the connection was closed for A and AAAA (asked " + server + ")"
			if r.Failure != wire.FailResolve || r.Error != want {
				t.Errorf("%s\ngot  %s\nwant %s", r.Failure, r.Error, want)
			}
		})
	}
}

// TestEveryKind_HostsFile: a name of the hosts file without address of the family
// has none: nobody was asked, whose fault it could be.
func TestEveryKind_HostsFile(t *testing.T) {
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(hosts)) {
		f := strings.Fields(line)
		if len(f) > 1 && f[1] == "localhost" && strings.Contains(f[0], ":") {
			t.Skip("localhost has an IPv6 address here")
		}
	}
	for _, m := range [][2]string{
		{"icmp", "localhost"}, {"tcp", "localhost:25"}, {"tls", "localhost"}, {"udp", "localhost:9"}, {"ntp", "localhost"},
		{"dns", "www.example@localhost"}, {"http", "http://localhost"}, {"https", "https://localhost"},
	} {
		t.Run(m[0], func(t *testing.T) {
			r := measureWithin(t, 20*time.Second, m[0], m[1], `{"family":"6"}`)
			probetest.WantFailure(t, r, wire.Failed, wire.FailNoSuchHost)
			if !strings.Contains(r.Error, "resolve localhost: no address of family 6") {
				t.Errorf("error %q", r.Error)
			}
		})
	}
}

func because(m *dns.Msg) *dns.Msg {
	m.Rcode = dns.RcodeServerFailure
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeDNSBogus, ExtraText: "no DS"}}
	return m
}

// TestLookup_OneFamily: a resolver that answers for one family and not for the
// other costs a short wait and a note, for as long as the half is remembered.
func TestLookup_OneFamily(t *testing.T) {
	big := func(answer func(*dns.Msg) *dns.Msg) func(*dns.Msg) *dns.Msg {
		return func(m *dns.Msg) *dns.Msg {
			if m.Question[0].Qtype == dns.TypeA {
				return truncates(m)
			}
			return answer(m)
		}
	}
	for name, c := range map[string]struct {
		overUDP, overTCP func(*dns.Msg) *dns.Msg
		address, note    string
	}{
		"silent on AAAA":             {for1(dns.TypeA, loopback4, silence), nil, "127.0.0.1", "resolver SERVER: no answer for AAAA of www.test"},
		"silent on A":                {for1(dns.TypeAAAA, loopback6, silence), nil, "::1", "resolver SERVER: no answer for A of www.test"},
		"SERVFAIL for AAAA":          {for1(dns.TypeA, loopback4, answers(dns.RcodeServerFailure)), nil, "127.0.0.1", "resolver SERVER: SERVFAIL for AAAA of www.test"},
		"A over TCP, silent on AAAA": {big(silence), for1(dns.TypeA, loopback4, silence), "127.0.0.1", "resolver SERVER: no answer for AAAA of www.test"},
		"unreadable AAAA":            {for1(dns.TypeA, loopback4, holds(dns.TypeAAAA, "7f00")), nil, "127.0.0.1", "resolver SERVER: an answer that cannot be read for AAAA of www.test"},
		"NXDOMAIN for AAAA":          {for1(dns.TypeA, loopback4, answers(dns.RcodeNameError)), nil, "127.0.0.1", ""},
		"none of the other":          {for1(dns.TypeA, loopback4, answers(0)), nil, "127.0.0.1", ""},
		"and another name's": {for1(dns.TypeA, loopback4, func(m *dns.Msg) *dns.Msg { return with(m, "other.test. 60 IN AAAA 2001:db8::1") }), nil,
			"127.0.0.1", ""},
		"late on AAAA": {for1(dns.TypeA, loopback4, func(m *dns.Msg) *dns.Msg { time.Sleep(time.Millisecond); return with(m, loopback6) }), nil, "127.0.0.1 ::1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := resolverWith(t, c.overUDP, c.overTCP)
			env := &probes.Env{}
			defer env.Close()
			for _, from := range []string{"the resolver", "the cache"} {
				run := probes.NewRun("", env, func(s probes.Step) { t.Log(s.Text) })
				addrs, took, err := probes.Common{Resolver: server}.Resolve(t.Context(), run, "tcp", "www.test", 9)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, a := range addrs {
					got = append(got, a.String())
				}
				slices.Sort(got)
				note := strings.ReplaceAll(c.note, "SERVER", server)
				if strings.Join(got, " ") != c.address || run.NoteText() != note || (took > 0) != (from == "the resolver") {
					t.Errorf("by %s: %v in %v, notes %q, want %s, %q", from, got, took, run.NoteText(), c.address, note)
				}
			}
			cache := probes.AddressesOf(env)
			for _, ttl := range cache.Age(0) {
				if half := ttl <= engine.ShortTTL; half != (c.note != "") {
					t.Errorf("to be used for %v", ttl)
				}
			}
			if n := cache.Inquiries(); n > 0 {
				t.Error("what was asked is kept")
			}
		})
	}
}

// TestLookup_WithoutEDNS: a resolver that does not know EDNS is asked without (RFC
// 6891 section 6.2.2), as those of other programs never see any.
func TestLookup_WithoutEDNS(t *testing.T) {
	for name, c := range map[string]struct {
		rcode int
		bare  bool
	}{"FORMERR, a header alone": {dns.RcodeFormatError, true}, "NOTIMP": {dns.RcodeNotImplemented, false}} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go (&dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
				m := new(dns.Msg).SetReply(q)
				if m.RecursionAvailable = true; q.IsEdns0() == nil {
					w.WriteMsg(for1(dns.TypeA, loopback4, answers(0))(m))
					return
				}
				if m.Rcode = c.rcode; c.bare {
					m.Question = nil
				}
				w.WriteMsg(m)
			})}).ActivateAndServe()
			run := probes.NewRun("", &probes.Env{}, nil)
			defer run.Env.Close()
			addrs, _, err := probes.Common{Resolver: conn.LocalAddr().String()}.Resolve(t.Context(), run, "tcp", "www.test", 9)
			if err != nil || len(addrs) != 1 || run.NoteText() != "" {
				t.Errorf("%v, notes %q: %v", addrs, run.NoteText(), err)
			}
		})
	}
}

// TestLookup_NoteInResult: every kind says so in its summary, among its figures
// and to people; a lookup that was made before counts as well.
func TestLookup_NoteInResult(t *testing.T) {
	server := resolverWith(t, for1(dns.TypeA, loopback4, silence), nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := netip.MustParseAddrPort(l.Addr().String()).Port()
	env := &probes.Env{}
	defer env.Close()
	note := "resolver " + server + ": no answer for AAAA of www.test"
	for _, options := range []string{``, ``, `,"addresses":"each"`} {
		r := newCheck(t, env, "tcp", fmt.Sprintf("www.test:%d", port), `{"resolver":"`+server+`"`+options+`}`).Run(t.Context(), 20*time.Second, nil)
		probetest.WantFailure(t, r, wire.OK, "")
		var report strings.Builder
		k, _ := kinds.All().Find("tcp")
		if err := k.Report(r.Details, &report); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(r.Summary, note) || !strings.Contains(report.String(), "note: "+note+"\n") || !strings.Contains(string(r.Details), `"note":"`+note+`"`) {
			t.Errorf("summary %q\ndetails %s\nreport %s", r.Summary, r.Details, report.String())
		}
	}
}
