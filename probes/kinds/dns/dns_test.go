package dns

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/probes/engine"
	"netmon/wire"
)

// dnsOptions makes one JSON object of options.
func dnsOptions(parts ...string) string {
	return "{" + strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ",") + "}"
}

const trust = `"tls":{"ca":"${env:NETMON_TEST_DNS_CA}"}`

// overEach calls test with the options and the server's address of each transport.
func overEach(t *testing.T, s *targets.DNS, test func(t *testing.T, transport, options, server string)) {
	for _, c := range [][3]string{
		{"udp", "", s.Addr},
		{"tcp", `"transport":"tcp"`, s.Addr},
		{"tls", `"transport":"tls",` + trust, s.TLSAddr},
		{"https", `"transport":"https",` + trust, s.HTTPSAddr},
	} {
		t.Run(c[0], func(t *testing.T) { test(t, c[0], c[1], c[2]) })
	}
}

func TestDNS_EachTransport(t *testing.T) {
	s := probetest.ServeDNS(t)
	overEach(t, s, func(t *testing.T, transport, options, server string) {
		r := measure(t, "dns", "www.example@"+server, dnsOptions(options, `"nsid":true,"client_subnet":"198.51.100.7/22"`))
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		if d.Question != "www.example. IN A" || d.Server != server || d.Transport != transport || d.Rcode != "NOERROR" ||
			strings.Join(d.Flags, " ") != "aa rd" || *d.AnswerCount != 1 || *d.AuthorityCount != 0 || *d.AdditionalCount != 0 ||
			d.Answer[0] != "www.example. 60 IN A 192.0.2.7" || *d.MinTTL != 60 || *d.MaxTTL != 60 || *d.EDNSVersion != 0 || d.EDNSUDPSize != 4096 ||
			d.NSID != "ns1.lab" || d.Subnet != "198.51.100.0/22" || *d.SubnetScope != 20 || d.Strays != 0 || d.Truncated {
			t.Errorf("details %s", r.Details)
		}
		// 12 header, 17 question, 27 answer with the name in full, 11 OPT, 11 NSID, 11 subnet.
		if d.Size != 89 {
			t.Errorf("%d bytes, want 89", d.Size)
		}
		clock, sent := engine.ClockUser, 0
		if transport == "udp" {
			clock, sent = engine.ClockKernel, 1
		}
		if r.Clock != clock && r.Clock != engine.ClockUser || d.Sent != sent || r.LatencyNS == nil || *r.LatencyNS != d.RTTNS || d.RTTNS <= 0 {
			t.Errorf("clock %s, %d sent, latency %v", r.Clock, d.Sent, r.LatencyNS)
		}
		if (transport != "udp") != (d.ConnectNS > 0) || (transport == "tls" || transport == "https") != (d.TLSNS > 0 && r.CertExpires != nil && len(d.TLS.Chain) == 1) {
			t.Errorf("phases %s", r.Details)
		}
		if transport == "tls" && d.TLS.ALPN != "dot" || transport == "https" && (d.HTTPStatus != 200 || d.HTTPVersion != "HTTP/2.0") {
			t.Errorf("protocols %s", r.Details)
		}
	})
}

func TestDNS_Queries(t *testing.T) {
	s := probetest.ServeDNS(t)
	for name, c := range map[string]struct {
		target, options, question string
		check                     func(d Details) bool
	}{
		"a type by number":         {"www.example", `{"type":"TYPE16"}`, "www.example. IN TXT", func(d Details) bool { return *d.AnswerCount == 2 && *d.MaxTTL == 120 }},
		"a type without a name":    {"www.example", `{"type":"type65280","expect":{"found":false}}`, "www.example. IN TYPE65280", func(d Details) bool { return *d.AnswerCount == 0 }},
		"another class":            {"www.example.", `{"class":"CH"}`, "www.example. CH A", func(d Details) bool { return d.Answer[0] == "www.example. 60 CH A 192.0.2.7" }},
		"a class by number":        {"www.example", `{"class":"CLASS4"}`, "www.example. HS A", func(d Details) bool { return *d.AnswerCount == 1 }},
		"no recursion, no EDNS":    {"www.example", `{"recursion":false,"edns":false}`, "www.example. IN A", func(d Details) bool { return strings.Join(d.Flags, " ") == "aa" && d.EDNSVersion == nil }},
		"DNSSEC":                   {"www.example", `{"do":true,"cd":true}`, "www.example. IN A", func(d Details) bool { return d.EDNSDO && strings.Contains(strings.Join(d.Flags, " "), "cd") }},
		"the root":                 {".", `{"type":"SOA"}`, ". IN SOA", func(d Details) bool { return *d.Serial == 2026112501 }},
		"in another case":          {"WWW.Example", `{}`, "WWW.Example. IN A", func(d Details) bool { return *d.AnswerCount == 1 }},
		"with an escape":           {`w\119w.ex\.ample`, `{}`, `www.ex\.ample. IN A`, func(d Details) bool { return *d.AnswerCount == 1 }},
		"a header without content": {"header.example", `{"expect":{"rcode":["REFUSED"]}}`, "header.example. IN A", func(d Details) bool { return d.Size == 12 && *d.AnswerCount == 0 }},
		"truncated, no retry":      {"big.example", `{"type":"TXT","retry_tcp":false,"expect":{"flags":["tc"]}}`, "big.example. IN TXT", func(d Details) bool { return d.Truncated && d.Transport == "udp" && d.UDPRTTNS == 0 }},
		"strays, then the answer":  {"spoofed.example", `{}`, "spoofed.example. IN A", func(d Details) bool { return d.Strays == 7 && *d.AnswerCount == 1 }},
		"strays over TCP":          {"spoofed.example", `{"transport":"tcp"}`, "spoofed.example. IN A", func(d Details) bool { return d.Strays == 7 && *d.AnswerCount == 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "dns", c.target+"@"+s.Addr, c.options)
			probetest.WantFailure(t, r, wire.OK, "")
			if d := probetest.DetailsOf[Details](t, r); d.Question != c.question || !c.check(d) {
				t.Errorf("question %q, details %s", d.Question, r.Details)
			}
		})
	}
}

func TestDNS_Truncated(t *testing.T) {
	s := probetest.ServeDNS(t)
	r := measure(t, "dns", "big.example@"+s.Addr, `{"type":"TXT","expect":{"answer_count":40,"no_flags":["tc"]}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if !d.Truncated || d.Transport != "tcp" || d.UDPRTTNS <= 0 || d.ConnectNS <= 0 || d.Size < 40*100 || *r.Loss != 0 {
		t.Errorf("details %s", r.Details)
	}
	if len(d.Answer) != 40 || *d.AnswerCount != 40 {
		t.Errorf("%d records", len(d.Answer))
	}
	// A server that truncates and has no TCP.
	u, err := targets.ServeUDP("127.0.0.1:0", func(_ int, q []byte) []targets.UDPReply {
		q = append([]byte(nil), q...)
		q[2] |= 0x82 // QR, TC
		return []targets.UDPReply{{Payload: q}}
	})
	r = measure(t, "dns", "big.example@"+probetest.ServeUDP(t, u, err), ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailRefused)
	if d := probetest.DetailsOf[Details](t, r); !d.Truncated || d.UDPRTTNS <= 0 || d.Rcode != "" || r.LatencyNS != nil {
		t.Errorf("details %s", r.Details)
	}
}

func TestDNS_Unique(t *testing.T) {
	s := probetest.ServeDNS(t)
	seen := map[string]bool{}
	for range 3 {
		r := measure(t, "dns", "example.com@"+s.Addr, `{"unique":true}`)
		probetest.WantFailure(t, r, wire.OK, "")
		d := probetest.DetailsOf[Details](t, r)
		if !regexp.MustCompile(`^[a-z2-7]{16}\.example\.com\. IN A$`).MatchString(d.Question) || seen[d.Question] {
			t.Errorf("question %q", d.Question)
		}
		seen[d.Question] = true
	}
}

func TestDNS_Failures(t *testing.T) {
	s := probetest.ServeDNS(t)
	plain := httptest.NewServer(nil)
	t.Cleanup(plain.Close)
	for name, c := range map[string]struct {
		target, options string
		outcome         wire.Outcome
		failure         wire.Failure
		text            string
	}{
		"a name that is not there":   {"missing.example@UDP", `{}`, wire.Failed, wire.FailMismatch, "expect.rcode: want NOERROR, got NXDOMAIN"},
		"refused by the server":      {"refused.example@UDP", `{}`, wire.Failed, wire.FailMismatch, "REFUSED, EDE 18 (Prohibited): not for you"},
		"the server fails":           {"servfail.example@UDP", `{}`, wire.Failed, wire.FailMismatch, "SERVFAIL, EDE 6 (DNSSEC Bogus): no matching DS"},
		"silence":                    {"silent.example@UDP", `{}`, wire.Failed, wire.FailNoAnswer, "no answer from 127.0.0.1"},
		"silence, asked three times": {"silent.example@UDP", `{"attempts":3}`, wire.Failed, wire.FailNoAnswer, "to 3 datagrams"},
		"silence over TCP":           {"silent.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailTimeout, "read the answer's length (0 of 2 bytes came)"},
		"silence over HTTPS":         {"silent.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailTimeout, "POST https://127.0.0.1"},
		"another id":                 {"wrong-id.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "1 stray came, the last one no answer to our query: its id is"},
		"another name":               {"wrong-name.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its question is another.example. IN A"},
		"another type":               {"wrong-type.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its question is wrong-type.example. IN NULL"},
		"another class":              {"wrong-class.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its question is wrong-class.example. HS A"},
		"our query, sent back":       {"query.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its QR bit makes it a query"},
		"another opcode":             {"opcode.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its opcode is 2"},
		"less than a header":         {"short.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "its length is 11 bytes"},
		"a stray over TCP":           {"wrong-id.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailBadAnswer, "1 stray came"},
		"a stray over HTTPS":         {"wrong-name.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailBadAnswer, "the response is no answer to our query"},
		"garbage after the question": {"garbage.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "the answer is not a DNS message: a record of its answer section cannot be read"},
		"a name that holds itself":   {"loop.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "the answer is not a DNS message: a record of its answer section cannot be read"},
		"fewer records than told":    {"fewer.example@UDP", `{}`, wire.Failed, wire.FailBadAnswer, "ends before the records"},
		"closed":                     {"close.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailClosed, "0 of 2 bytes came"},
		"closed in the middle":       {"half.example@TLS", `{"transport":"tls",` + trust + `}`, wire.Failed, wire.FailClosed, "bytes came)"},
		"closed over HTTPS":          {"close.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailBadAnswer, "POST"},
		"reset":                      {"reset.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailReset, "connection reset by peer"},
		"more announced than comes":  {"lie.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailTimeout, "of 60000 bytes came"},
		"a byte at a time":           {"drip.example@UDP", `{"transport":"tcp"}`, wire.Failed, wire.FailTimeout, "bytes came)"},
		"a byte at a time, HTTPS":    {"drip.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailTimeout, "read the response"},
		"an endless body":            {"endless.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailLimit, "over 65535 bytes"},
		"HTTP status":                {"status.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailBadAnswer, "HTTP status 503 Service Unavailable, want 200"},
		"a redirect":                 {"redirect.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailBadAnswer, "HTTP status 307"},
		"a page":                     {"media.example@HTTPS", `{"transport":"https",` + trust + `}`, wire.Failed, wire.FailBadAnswer, `content type "text/html"`},
		"another path":               {"www.example@HTTPS", `{"transport":"https","path":"/other",` + trust + `}`, wire.Failed, wire.FailBadAnswer, "HTTP status 400"},
		"nobody vouches for it":      {"www.example@TLS", `{"transport":"tls"}`, wire.Failed, wire.FailCertificate, "self-signed"},
		"it is to be taken":          {"www.example@TLS", `{"transport":"tls","tls":{"insecure":true}}`, wire.OK, "", ""},
		"a server without TLS":       {"www.example@PLAIN", `{"transport":"tls"}`, wire.Failed, wire.FailTLS, "TLS handshake"},
		"no such secret":             {"www.example@TLS", `{"transport":"tls","tls":{"ca":"${env:NO_SUCH}"}}`, wire.Broken, wire.BrokenSecret, "NO_SUCH"},
		"a closed port":              {"www.example@127.0.0.1:1", `{}`, wire.Failed, wire.FailRefused, "connection refused"},
		"a closed port, TCP":         {"www.example@127.0.0.1:1", `{"transport":"tcp"}`, wire.Failed, wire.FailRefused, "connection refused"},
		"a source that is not ours":  {"www.example@UDP", `{"source":"192.0.2.1"}`, wire.Broken, wire.BrokenLocal, ""},
		"the server's name":          {"www.example@missing.example", `{"resolver":"UDP"}`, wire.Failed, wire.FailNoSuchHost, "resolve missing.example"},
		"a resolver that fails":      {"www.example@servfail.example", `{"resolver":"UDP"}`, wire.Failed, wire.FailResolve, "resolve servfail.example"},
		"too slow":                   {"www.example@UDP", `{"within":"1ns"}`, wire.Failed, wire.FailSlow, "want at most 1ns"},
		"inverted: silence":          {"silent.example@UDP", `{"invert":true}`, wire.OK, "", ""},
		"inverted: an answer":        {"www.example@UDP", `{"invert":true}`, wire.Failed, wire.FailAnswered, ""},
	} {
		t.Run(name, func(t *testing.T) {
			target := strings.NewReplacer("@UDP", "@"+s.Addr, "@TLS", "@"+s.TLSAddr, "@HTTPS", "@"+s.HTTPSAddr, "@PLAIN", "@"+plain.Listener.Addr().String()).Replace(c.target)
			t.Parallel()
			timeout := 5 * time.Second
			if c.failure == wire.FailTimeout || c.failure == wire.FailNoAnswer || strings.Contains(c.options, "invert") || regexp.MustCompile("stray|no answer to our|its ").MatchString(c.text) {
				timeout = 200 * time.Millisecond
			}
			if strings.Contains(c.options, "attempts") { // each of them is to be sent
				timeout = 2 * time.Second
			}
			begin := time.Now()
			r := measureWithin(t, timeout, "dns", target, strings.ReplaceAll(c.options, `"UDP"`, fmt.Sprintf("%q", s.Addr)))
			if took := time.Since(begin); took > timeout+20*time.Second {
				t.Errorf("took %v", took)
			}
			probetest.WantFailure(t, r, c.outcome, c.failure)
			if !strings.Contains(r.Error, c.text) {
				t.Errorf("error %q, want %q in it", r.Error, c.text)
			}
			k, _ := Kinds().Find("dns")
			var report strings.Builder
			if err := k.Report(r.Details, &report); err != nil {
				t.Error(err)
			}
			t.Logf("%s\n%s", r.Summary, report.String())
		})
	}
}

// TestDNS_HTTP1: a server that does not speak HTTP/2.
func TestDNS_HTTP1(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, _ := io.ReadAll(io.LimitReader(r.Body, 512))
		q[2] |= 0x80
		w.Header().Set("Content-Type", "application/dns-message; charset=binary")
		w.Write(q)
	}))
	t.Cleanup(s.Close)
	r := measure(t, "dns", "www.example@"+s.Listener.Addr().String(), `{"transport":"https","tls":{"insecure":true},"expect":{"found":false}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.HTTPVersion != "HTTP/1.1" || d.TLS.VerifyError == "" || d.RTTNS <= 0 {
		t.Errorf("details %s", r.Details)
	}
}

// TestDNS_OtherPort: an answer from another port of the server is not seen.
func TestDNS_OtherPort(t *testing.T) {
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	listen, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listen.Close()
	go func() {
		buf := make([]byte, 512)
		n, from, err := listen.ReadFrom(buf)
		if err != nil {
			return
		}
		buf[2] |= 0x80
		other.WriteTo(buf[:n], from)
	}()
	r := measureWithin(t, 200*time.Millisecond, "dns", "www.example@"+listen.LocalAddr().String(), ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailNoAnswer)
	if d := probetest.DetailsOf[Details](t, r); d.Strays != 0 || *r.Loss != 1 {
		t.Errorf("details %s", r.Details)
	}
}

// TestDNS_Attempts: the answer to the second datagram is timed from that one.
func TestDNS_Attempts(t *testing.T) {
	u, err := targets.ServeUDP("127.0.0.1:0", func(n int, q []byte) []targets.UDPReply {
		if n == 1 {
			return nil
		}
		q = append([]byte(nil), q...)
		q[2] |= 0x80
		return []targets.UDPReply{{Payload: q}}
	})
	addr := probetest.ServeUDP(t, u, err)
	r := measureWithin(t, 3*time.Second, "dns", "www.example@"+addr, `{"attempts":3,"expect":{"found":false}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	if d := probetest.DetailsOf[Details](t, r); d.Sent != 2 || *r.Loss != 0.5 || d.RTTNS > int64(900*time.Millisecond) || r.Elapsed() < time.Second {
		t.Errorf("details %s, loss %v, elapsed %v", r.Details, *r.Loss, r.Elapsed())
	}
}

// TestDNS_Hostile: a flood of strays, and more records than a result holds.
func TestDNS_Hostile(t *testing.T) {
	s := probetest.ServeDNS(t)
	overEach(t, s, func(t *testing.T, transport, options, server string) {
		if transport == "udp" {
			return // 3000 records do not fit into a datagram
		}
		r := measure(t, "dns", "many.example@"+server, dnsOptions(options, `"expect":{"answer_count":3000,"contains":["10.0.11.183"]}`))
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[Details](t, r); *d.AnswerCount != 3000 || len(d.Answer) != 100 || len(r.Details) > 20<<10 {
			t.Errorf("%d of %d records, %d bytes of details", len(d.Answer), *d.AnswerCount, len(r.Details))
		}
	})
	u, err := targets.ServeUDP("127.0.0.1:0", func(_ int, q []byte) (out []targets.UDPReply) {
		for range 5000 {
			out = append(out, targets.UDPReply{Payload: q})
		}
		return out
	})
	r := measureWithin(t, 300*time.Millisecond, "dns", "www.example@"+probetest.ServeUDP(t, u, err), ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailBadAnswer)
	if d := probetest.DetailsOf[Details](t, r); d.Strays < 100 || r.Elapsed() > 20*time.Second {
		t.Errorf("%d strays in %v", d.Strays, r.Elapsed())
	}
}

// TestDNS_FallsBack: nobody listens at the first of the server's two addresses.
func TestDNS_FallsBack(t *testing.T) {
	s := probetest.ServeDNS(t)
	_, port, _ := net.SplitHostPort(s.Addr)
	for _, options := range []string{``, `"transport":"tcp"`} {
		r := measure(t, "dns", "www.example@twice.example:"+port, dnsOptions(options, fmt.Sprintf(`"resolver":%q`, s.Addr)))
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[Details](t, r); d.Server != s.Addr || r.Address != "127.0.0.1" || d.ResolveNS <= 0 {
			t.Errorf("address %s, details %s", r.Address, r.Details)
		}
	}
}

// TestDNS_SilentThenUnreachable: the figures are of the server that the error is about.
func TestDNS_SilentThenUnreachable(t *testing.T) {
	u, err := targets.UDPSilent("127.0.0.1:0")
	addr := netip.MustParseAddrPort(probetest.ServeUDP(t, u, err))
	p := newProbe()
	p.Source = "127.0.0.1"
	q, err := p.message("www.example.")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	run := probes.NewRun("", &probes.Env{}, func(s probes.Step) { t.Log(s.Text) })
	x := exchange{Probe: p, run: run, query: q}
	d, err := x.ask(ctx, []netip.Addr{addr.Addr(), netip.IPv6Loopback()}, addr.Port(), Details{ResolveNS: 1})
	if !probes.FailureIs(err, wire.FailNoAnswer) || d.Server != addr.String() || d.Sent != 1 || d.ResolveNS != 1 || run.Address() != "127.0.0.1" {
		t.Errorf("%v, address %s, details %+v", err, run.Address(), d)
	}
}

func TestSystemDNS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "resolv.conf")
	os.WriteFile(file, []byte("search example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\nnameserver fe80::1%eth0\nnameserver 192.0.2.2\n"), 0o600)
	for family, want := range map[string]string{"": "[192.0.2.1 2001:db8::1 fe80::1%eth0]", "4": "[192.0.2.1]", "6": "[2001:db8::1 fe80::1%eth0]"} {
		got, err := systemDNS(file, probes.Common{Family: family}.MatchesFamily)
		if err != nil || !strings.HasPrefix(fmt.Sprint(got), want[:len(want)-1]) {
			t.Errorf("family %q: %v %v, want %s", family, got, err, want)
		}
	}
	os.WriteFile(file, nil, 0o600)
	_, err := systemDNS(file, probes.Common{}.MatchesFamily)
	if !probes.FailureIs(err, wire.BrokenLocal) || !strings.Contains(err.Error(), "name one with server") {
		t.Errorf("an empty file gives %v", err)
	}
	if _, err := systemDNS(file+"x", probes.Common{}.MatchesFamily); !probes.FailureIs(err, wire.BrokenLocal) {
		t.Errorf("no file gives %v", err)
	}
}

func TestDNSGolden(t *testing.T) {
	s := probetest.ServeDNS(t)
	r := measure(t, "dns", "www.example@"+s.TLSAddr, `{"transport":"tls","type":"MX","nsid":true,"client_subnet":"2001:db8::/56",`+trust+`,"expect":{"flags":["ra"],"records":["10 mx1.example"]}}`)
	probetest.Golden(t, r, nil)
}
