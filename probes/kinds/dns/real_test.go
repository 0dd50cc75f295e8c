package dns

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// bind is a name server that we did not write.
type bind struct {
	dir             string // its files
	port, tls, http string
}

const bindZone = `$TTL 300
@    IN SOA ns root 2026112501 3600 600 86400 60
@    IN NS ns
@    IN MX 10 mx
@    IN TXT "v=spf1 mx " "-all"
ns   IN A 127.0.0.1
mx   IN A 192.0.2.25
www  IN A 192.0.2.1
www  IN A 192.0.2.2
www  IN AAAA 2001:db8::1
alias IN CNAME www
dangling IN CNAME gone
onward IN CNAME www.sub
moved IN DNAME wild
7.2.0.192.in-addr IN PTR WWW
srv  IN SRV 1 2 443 www
svc  IN HTTPS 1 . alpn="h2,h3" ipv4hint=192.0.2.1
odd  IN TYPE65280 \# 4 0a000001
caa  IN CAA 0 issue "ca.example.net"
*.wild 60 IN A 192.0.2.9
sub  IN NS ns.sub
ns.sub IN A 192.0.2.53
`

// startBIND runs named with the zones "plain.test", "signed.test", whose
// signatures expire in ten days, and "dead.test", which cannot be loaded.
func startBIND(t *testing.T) bind {
	t.Helper()
	named := need.Tool(t, "named", "bind9")
	openssl := need.Tool(t, "openssl", "openssl")
	b := bind{dir: t.TempDir(), port: freePort(t), tls: freePort(t), http: freePort(t)}
	zone := bindZone
	for i := range 40 {
		zone += fmt.Sprintf("big IN TXT \"%02d %s\"\n", i, strings.Repeat("x", 80))
	}
	b.write(t, "plain.db", zone)
	b.write(t, "signed.db", zone)
	b.run(t, openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=bind",
		"-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem")
	keygen := need.Tool(t, "dnssec-keygen", "bind9-utils")
	b.run(t, keygen, "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "signed.test")
	b.run(t, keygen, "-q", "-a", "ECDSAP256SHA256", "signed.test")
	b.run(t, need.Tool(t, "dnssec-signzone", "bind9-utils"), "-S", "-o", "signed.test", "-e", "now+"+strconv.Itoa(10*24*3600), "signed.db")
	b.write(t, "named.conf", fmt.Sprintf(`
options {
	directory %[1]q; pid-file "pid"; session-keyfile none; server-id "bind.test"; recursion no; dnssec-validation no; minimal-responses no;
	listen-on port %[2]s { 127.0.0.1; };
	listen-on port %[3]s tls lab { 127.0.0.1; };
	listen-on port %[4]s tls lab http default { 127.0.0.1; };
	listen-on-v6 { none; };
};
controls { };
tls lab { cert-file "%[1]s/cert.pem"; key-file "%[1]s/key.pem"; };
zone "plain.test" { type primary; file "plain.db"; };
zone "signed.test" { type primary; file "signed.db.signed"; };
zone "dead.test" { type secondary; primaries { 127.0.0.1 port 1; }; };
`, b.dir, b.port, b.tls, b.http))
	probetest.Daemon(t, named, "-g", "-c", filepath.Join(b.dir, "named.conf"))
	for { // it serves before it has loaded the zones
		r := untilAnswered(t, "dns", "plain.test@"+b.addr(), `{"type":"SOA","expect":{"rcode":[]}}`)
		if d := probetest.DetailsOf[Details](t, r); d.Rcode == "NOERROR" {
			return b
		} else if r.Outcome != wire.OK || t.Context().Err() != nil {
			t.Fatalf("named does not load its zones: %s", r.Details)
		}
	}
}

func freePort(t *testing.T) string { return strconv.Itoa(freeport.Port(t)) }

func (b bind) addr() string { return "127.0.0.1:" + b.port }

func (b bind) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b bind) run(t *testing.T, tool string, args ...string) {
	t.Helper()
	cmd := exec.Command(tool, args...)
	cmd.Dir = b.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
}

// dug is what dig says.
type dug struct {
	status, flags string
	counts        string // QUERY, ANSWER, AUTHORITY, ADDITIONAL
	sections      map[string][]string
	took          time.Duration
	size          int
}

// dig asks as the probe does: no cookie, and both want 1232 bytes at most.
func dig(t *testing.T, args ...string) dug {
	t.Helper()
	tool := need.Tool(t, "dig", "bind9-dnsutils")
	out, err := exec.Command(tool, append([]string{"-u", "+nocookie", "+nosplit", "+tries=1", "+timeout=5"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("dig %v: %v\n%s", args, err, out)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(string(out), "\n", " \x00 ")), " ")
	find := func(re string) string {
		if m := regexp.MustCompile(re).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	d := dug{status: find(`status: (\w+)`), flags: find(`flags: qr ?([a-z ]*);`), counts: find(`(QUERY: \d+, ANSWER: \d+, AUTHORITY: \d+, ADDITIONAL: \d+)`), sections: map[string][]string{}}
	usec, _ := strconv.Atoi(find(`Query time: (\d+) usec`))
	d.took = time.Duration(usec) * time.Microsecond
	d.size, _ = strconv.Atoi(find(`MSG SIZE rcvd: (\d+)`))
	section := ""
	for line := range strings.SplitSeq(text, "\x00") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutSuffix(strings.TrimPrefix(line, ";; "), " SECTION:"); ok {
			section = name
		} else if line == "" || strings.HasPrefix(line, ";") {
			section = strings.TrimSuffix(section, line+" ")
		} else if section != "" {
			d.sections[section] = append(d.sections[section], line)
		}
	}
	return d
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestDNS_RealServers asks named and unbound.
func TestDNS_RealServers(t *testing.T) {
	need.Time(t)
	b := startBIND(t)
	t.Run("named says the same to dig", b.agreesWithDig)
	t.Run("what one expects of a name server", b.expectations)
	t.Run("a resolver that validates", b.unbound)
	t.Run("the resolver of other kinds", b.looksUp)
	t.Run("named is not held up by our acknowledgements", b.notHeldUp)
}

// notHeldUp: named sends session tickets before the answer, and waits with the
// answer until they are acknowledged.
func (b bind) notHeldUp(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only the kernel of Linux can be told to acknowledge at once")
	}
	least := time.Hour
	for tries := 0; tries < 20 && least > 35*time.Millisecond; tries++ {
		r := measure(t, "dns", "www.plain.test@127.0.0.1:"+b.tls, `{"transport":"tls","tls":{"insecure":true}}`)
		least = min(least, time.Duration(probetest.DetailsOf[Details](t, r).RTTNS))
	}
	if least > 35*time.Millisecond {
		t.Errorf("query time %v over TLS", least)
	}
}

func (b bind) agreesWithDig(t *testing.T) {
	t.Setenv("NETMON_TEST_BIND_CA", readText(t, filepath.Join(b.dir, "cert.pem")))
	const trust = `"tls":{"ca":"${env:NETMON_TEST_BIND_CA}"}`
	any := `"expect":{"rcode":[]}`
	for _, c := range []struct {
		name, port, options string
		dig                 []string
		rcode               string
	}{
		{"www.plain.test", b.port, ``, nil, "NOERROR"},
		{"www.plain.test", b.port, `"type":"AAAA","edns":false`, []string{"AAAA", "+noedns"}, "NOERROR"},
		{"www.plain.test", b.port, `"type":"ANY"`, []string{"ANY", "+notcp"}, "NOERROR"},
		{"alias.plain.test", b.port, `"recursion":false`, []string{"+norecurse"}, "NOERROR"},
		{"plain.test", b.port, `"type":"SOA"`, []string{"SOA"}, "NOERROR"},
		{"plain.test", b.port, `"type":"MX"`, []string{"MX"}, "NOERROR"},
		{"plain.test", b.port, `"type":"TXT"`, []string{"TXT"}, "NOERROR"},
		{"srv.plain.test", b.port, `"type":"SRV"`, []string{"SRV"}, "NOERROR"},
		{"svc.plain.test", b.port, `"type":"HTTPS"`, []string{"HTTPS"}, "NOERROR"},
		{"svc.plain.test", b.port, `"type":"TYPE65"`, []string{"TYPE65"}, "NOERROR"},
		{"odd.plain.test", b.port, `"type":"TYPE65280"`, []string{"TYPE65280"}, "NOERROR"},
		{"caa.plain.test", b.port, `"type":"CAA"`, []string{"CAA"}, "NOERROR"},
		{"www.sub.plain.test", b.port, ``, nil, "NOERROR"},
		{"nobody.plain.test", b.port, ``, nil, "NXDOMAIN"},
		{"elsewhere.test", b.port, ``, nil, "REFUSED"},
		{"dead.test", b.port, ``, nil, "SERVFAIL"},
		{"version.bind", b.port, `"type":"TXT","class":"CH"`, []string{"TXT", "CH"}, "NOERROR"},
		{"big.plain.test", b.port, `"type":"TXT"`, []string{"TXT"}, "NOERROR"},
		{"big.plain.test", b.port, `"type":"TXT","retry_tcp":false`, []string{"TXT", "+ignore"}, "NOERROR"},
		{"big.plain.test", b.port, `"type":"TXT","transport":"tcp"`, []string{"TXT", "+tcp"}, "NOERROR"},
		{"www.signed.test", b.port, `"do":true,"cd":true`, []string{"+dnssec", "+cdflag"}, "NOERROR"},
		{"signed.test", b.port, `"type":"DNSKEY","do":true,"ad":false`, []string{"DNSKEY", "+dnssec", "+noadflag"}, "NOERROR"},
		{"nobody.signed.test", b.port, `"do":true`, []string{"+dnssec"}, "NXDOMAIN"},
		{"www.plain.test", b.port, `"client_subnet":"192.0.2.0/24"`, []string{"+subnet=192.0.2.0/24"}, "NOERROR"},
		{"www.plain.test", b.tls, `"transport":"tls",` + trust, []string{"+tls"}, "NOERROR"},
		{"big.plain.test", b.tls, `"type":"TXT","transport":"tls",` + trust, []string{"TXT", "+tls"}, "NOERROR"},
		{"www.plain.test", b.http, `"transport":"https",` + trust, []string{"+https"}, "NOERROR"},
		{"nobody.plain.test", b.http, `"transport":"https",` + trust, []string{"+https"}, "NXDOMAIN"},
	} {
		t.Run(c.name+" "+strings.Join(c.dig, " "), func(t *testing.T) {
			t.Parallel()
			r := measure(t, "dns", c.name+"@127.0.0.1:"+c.port, dnsOptions(c.options, any))
			probetest.WantFailure(t, r, wire.OK, "")
			d := probetest.DetailsOf[Details](t, r)
			theirs := dig(t, append([]string{"@127.0.0.1", "-p", c.port, c.name}, c.dig...)...)
			opt := 0
			if d.EDNSVersion != nil {
				opt = 1
			}
			ours := dug{status: d.Rcode, flags: strings.Join(d.Flags, " "), size: d.Size,
				counts: fmt.Sprintf("QUERY: 1, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d", *d.AnswerCount, *d.AuthorityCount, *d.AdditionalCount+opt)}
			for section, records := range map[string][]string{"ANSWER": d.Answer, "AUTHORITY": d.Authority, "ADDITIONAL": d.Additional} {
				a, b := strings.Join(sorted(records), "\n"), strings.Join(sorted(theirs.sections[section]), "\n")
				if strings.HasPrefix(c.name, "svc.") { // the library quotes all parameters
					a, b = strings.ReplaceAll(a, `"`, ""), strings.ReplaceAll(b, `"`, "")
				}
				if a != b {
					t.Errorf("%s\n%s\nby dig\n%s", section, a, b)
				}
			}
			if d.Rcode != c.rcode || ours.status != theirs.status || strings.Join(sorted(strings.Fields(ours.flags)), " ") != strings.Join(sorted(strings.Fields(theirs.flags)), " ") ||
				ours.counts != theirs.counts || ours.size != theirs.size {
				t.Errorf("%+v\nby dig %+v", ours, theirs)
			}
			t.Logf("query time %v, by dig %v", time.Duration(d.RTTNS), theirs.took)
		})
	}
}

// TestDNS_TimesAgreeWithDig takes the least of several times, which a busy
// machine disturbs least.
func TestDNS_TimesAgreeWithDig(t *testing.T) {
	need.Time(t)
	const hold = 200 * time.Millisecond
	u, err := targets.ServeUDP("127.0.0.1:0", func(_ int, q []byte) []targets.UDPReply {
		q = append([]byte(nil), q...)
		q[2] |= 0x80
		return []targets.UDPReply{{Payload: q, After: hold}}
	})
	addr := probetest.ServeUDP(t, u, err)
	_, port, _ := strings.Cut(addr, ":")
	ours, theirs := time.Hour, time.Hour
	for range 6 {
		ours = min(ours, time.Duration(probetest.DetailsOf[Details](t, measure(t, "dns", "www.example@"+addr, ``)).RTTNS))
		theirs = min(theirs, dig(t, "@127.0.0.1", "-p", port, "www.example").took)
	}
	t.Logf("query time %v, by dig %v", ours, theirs)
	if ours < hold || (ours-theirs).Abs() > hold/10 {
		t.Errorf("query time %v, by dig %v", ours, theirs)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func (b bind) expectations(t *testing.T) {
	for name, c := range map[string]struct {
		target, options string
		unmet           string
	}{
		"an authoritative server": {"www.plain.test", `{"nsid":true,"expect":{"flags":["aa"],"no_flags":["ra","ad"],"records":["192.0.2.2","192.0.2.1"],"min_ttl":"5m","max_ttl":"5m"}}`, ""},
		"a serial":                {"plain.test", `{"type":"SOA","expect":{"min_serial":2026112501}}`, ""},
		"a newer serial":          {"plain.test", `{"type":"SOA","expect":{"min_serial":2026112502}}`, "expect.min_serial: want at least 2026112502, got 2026112501"},
		"behind a CNAME":          {"alias.plain.test", `{"expect":{"answer_count":3,"records":["192.0.2.1","192.0.2.2"],"contains":["CNAME www.plain.test."]}}`, ""},
		"signatures":              {"www.signed.test", `{"do":true,"expect":{"rrsig_days_left":9}}`, ""},
		"signatures end too soon": {"www.signed.test", `{"do":true,"expect":{"rrsig_days_left":11}}`, "expect.rrsig_days_left: want at least 11, got 9"},
		"signatures of nothing":   {"nobody.signed.test", `{"do":true,"expect":{"rcode":["NXDOMAIN"],"rrsig_days_left":9,"authority_count":"4-"}}`, ""},
		"a DNAME":                 {"x.moved.plain.test", `{"expect":{"answer_count":3,"records":["192.0.2.9"],"contains":["CNAME x.wild.plain.test","DNAME wild.plain.test."]}}`, ""},
		"a DNAME, not followed":   {"x.moved.plain.test", `{"type":"CNAME","expect":{"records":["x.wild.plain.test"]}}`, ""},
		"no record of the type":   {"www.plain.test", `{"type":"MX"}`, "expect.found: want a record of type MX, got no MX record"},
		"a CNAME to nowhere":      {"dangling.plain.test", `{}`, "expect.rcode: want NOERROR, got NXDOMAIN of gone.plain.test, where a CNAME leads"},
		"a CNAME to a referral":   {"onward.plain.test", `{"type":"TXT"}`, "expect.found: want a record of type TXT, got a CNAME to www.sub.plain.test, and no TXT record of it"},
		"to other servers":        {"www.sub.plain.test", `{}`, "expect.found: want a record of type A, got a referral to ns.sub.plain.test: this server does not hold www.sub.plain.test"},
		"a text":                  {"plain.test", `{"type":"TXT","expect":{"records":["v=spf1 mx -all"]}}`, ""},
		"parameters of a service": {"svc.plain.test", `{"type":"HTTPS","expect":{"records":["1 . ipv4hint=192.0.2.1 alpn=h2,h3"]}}`, ""},
		"a type without a name":   {"odd.plain.test", `{"type":"TYPE65280","expect":{"records":["\\# 4 0A000001"]}}`, ""},
		"a wildcard":              {"wild.plain.test", `{"unique":true,"expect":{"records":["192.0.2.9"],"max_ttl":"1m"}}`, ""},
		"a referral":              {"www.sub.plain.test", `{"expect":{"no_flags":["aa"],"answer_count":0,"authority_count":1,"additional_count":1}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := measure(t, "dns", c.target+"@"+b.addr(), c.options)
			if r.Error != c.unmet {
				t.Errorf("error %q, want %q", r.Error, c.unmet)
			}
			if d := probetest.DetailsOf[Details](t, r); strings.Contains(c.options, "nsid") && d.NSID != "bind.test" {
				t.Errorf("nsid %q", d.NSID)
			}
		})
	}
	r := measure(t, "dns", "www.signed.test@"+b.addr(), `{"do":true}`)
	if d := probetest.DetailsOf[Details](t, r); d.RRSIGExpires == nil || time.Until(*d.RRSIGExpires).Round(time.Hour) != 10*24*time.Hour || !d.EDNSDO {
		t.Errorf("details %s", r.Details)
	}
}

// looksUp: what named says of a name is what a lookup says of it.
func (b bind) looksUp(t *testing.T) {
	for name, want := range map[string]string{
		"alias.plain.test":    "192.0.2.1 192.0.2.2 2001:db8::1",
		"x.moved.plain.test":  "192.0.2.9",
		"mx.plain.test":       "192.0.2.25",
		"nobody.plain.test":   "resolve nobody.plain.test: NXDOMAIN for A and AAAA (asked SERVER)",
		"srv.plain.test":      "resolve srv.plain.test: no record for A and AAAA (asked SERVER)",
		"dangling.plain.test": "resolve dangling.plain.test: NXDOMAIN of gone.plain.test, where a CNAME leads for A and AAAA (asked SERVER)",
		"elsewhere.test":      "resolve elsewhere.test: REFUSED for A and AAAA (asked SERVER)",
	} {
		run := probes.NewRun("", &probes.Env{}, nil)
		addrs, _, err := probes.Common{Resolver: b.addr()}.Resolve(t.Context(), run, "tcp", name, 9)
		got := make([]string, 0, len(addrs))
		for _, a := range addrs {
			got = append(got, a.String())
		}
		text := strings.Join(sorted(got), " ")
		if err != nil {
			text = strings.ReplaceAll(err.Error(), b.addr(), "SERVER")
		}
		if text != want || run.NoteText() != "" {
			t.Errorf("%s\ngot  %s, notes %q\nwant %s", name, text, run.NoteText(), want)
		}
		run.Env.Close()
	}
}

// unbound validates: one zone has its signatures, the other lacks them.
func (b bind) unbound(t *testing.T) {
	unbound := need.Tool(t, "unbound", "unbound")
	port := freePort(t)
	b.write(t, "unbound.conf", fmt.Sprintf(`
server:
	interface: 127.0.0.1
	port: %[2]s
	do-daemonize: no
	username: ""
	chroot: ""
	directory: %[1]q
	pidfile: ""
	use-syslog: no
	do-not-query-localhost: no
	ede: yes
	local-zone: "test." nodefault
	trust-anchor-file: "%[1]s/dsset-signed.test."
	trust-anchor: "plain.test. DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000"
remote-control:
	control-enable: no
stub-zone:
	name: "signed.test."
	stub-addr: 127.0.0.1@%[3]s
stub-zone:
	name: "plain.test."
	stub-addr: 127.0.0.1@%[3]s
`, b.dir, port, b.port))
	probetest.Daemon(t, unbound, "-d", "-c", filepath.Join(b.dir, "unbound.conf"))
	server := "@127.0.0.1:" + port
	r := untilAnswered(t, "dns", "www.signed.test"+server, `{"expect":{"flags":["ad","ra"],"no_flags":["aa"],"records":["192.0.2.1","192.0.2.2"]}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	r = measure(t, "dns", "www.signed.test"+server, `{"ad":false,"expect":{"no_flags":["ad"]}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	r = measure(t, "dns", "www.plain.test"+server, ``)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch)
	if d := probetest.DetailsOf[Details](t, r); d.Rcode != "SERVFAIL" || len(d.ExtendedErrors) == 0 || d.ExtendedErrors[0].Name == "" {
		t.Errorf("details %s", r.Details)
	}
	r = measure(t, "dns", "www.plain.test"+server, `{"cd":true,"expect":{"records":["192.0.2.1","192.0.2.2"]}}`)
	probetest.WantFailure(t, r, wire.OK, "")
}
