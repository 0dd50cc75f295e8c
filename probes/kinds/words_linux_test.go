package kinds

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/freeport"
	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	"netmon/wire"
)

// goSays are words of Go's library that mean nothing to people.
var goSays = regexp.MustCompile(`context (deadline exceeded|canceled)|i/o timeout|\bdial (tcp|udp|ip)|\b(read|write) (tcp|udp|ip)|\bEOF\b|use of closed|(tls|x509|http2?|net/http|net|textproto|bufio|asn1|flate|strconv\.\w+|connect|read|write): [a-z]|malformed|misbehaving|unmarshal|lookup |remote error|local error|%!|<nil>|goroutine|\(0x|nil pointer|kiss code ""|\b1 (ticks|requests|datagrams|bytes|days|replies|answers|redirects|steps|addresses|errors|attempts|samples)\b`)

// does serves connections, each in its way.
func does(t *testing.T, secure bool, how func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		s := httptest.NewUnstartedServer(nil) // for its certificate
		s.StartTLS()
		config := s.TLS.Clone()
		s.Close()
		config.NextProtos = []string{"h2", "http/1.1", "dot"}
		l = tls.NewListener(l, config)
	}
	var open sync.WaitGroup
	t.Cleanup(func() { l.Close(); open.Wait() })
	ended := t.Context().Done()
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer c.Close()
				stop := make(chan struct{})
				defer close(stop)
				open.Go(func() { // nobody waits for it when the test is over
					select {
					case <-ended:
						c.SetDeadline(time.Unix(1, 0))
					case <-stop:
					}
				})
				how(c)
			})
		}
	})
	return l.Addr().String()
}

// until reads until something has come, and says then b.
func says(b string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		bufio.NewReader(c).ReadByte()
		c.Write([]byte(b))
		then(c)
	}
}

func hangs(c net.Conn) {
	for b := make([]byte, 1024); ; {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

func closes(net.Conn) {}

func resets(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	c.(*net.TCPConn).SetLinger(0)
}

// TestEveryKind_Words: whatever a target does, and in whichever phase, the result
// says it in words that people understand: nothing of Go's library is there.
func TestEveryKind_Words(t *testing.T) {
	none := freeport.Addr(t)
	silentTCP(t, netip.MustParseAddrPort(none))
	mute, err := targets.UDPSilent("127.0.0.1:0")
	silentUDP := probetest.ServeUDP(t, mute, err)
	noise, err := targets.UDPAnswers("127.0.0.1:0", []byte("odd noise"), 0)
	noisyUDP := probetest.ServeUDP(t, noise, err)

	const ok = "HTTP/1.1 200 OK\r\n"
	servers := map[string]func(secure bool) string{"takes no connection": func(bool) string { return none }, "refuses": func(bool) string { return probetest.ClosedTCP(t) }}
	for name, how := range map[string]func(net.Conn){
		"is silent": hangs, "closes": closes, "resets": resets,
		"closes after the first byte": says("", closes), "resets after the first byte": says("", resets),
		"talks garbage":                 says("\x00\x01\x02garbage\r\n\r\n", hangs),
		"talks garbage and closes":      says("\x00\x01\x02garbage\r\n\r\n", closes),
		"greets and is silent":          func(c net.Conn) { c.Write([]byte("220 x")); hangs(c) },
		"greets and closes":             func(c net.Conn) { c.Write([]byte("220 x\r\n")); closes(c) },
		"refuses in TLS":                says("\x15\x03\x03\x00\x02\x02\x28", closes),
		"half a record":                 says("\x16\x03\x03\x01\x00ab", closes),
		"half a record, then silence":   says("\x16\x03\x03\x01\x00ab", hangs),
		"half a status line":            says("HTTP/1.1 20", closes),
		"half the headers":              says(ok+"Server: x\r\n", hangs),
		"half the headers, and closes":  says(ok+"Server: x\r\nFoo", closes),
		"a header without a colon":      says(ok+"tls nonsense\r\n\r\n", closes),
		"a bad status":                  says("HTTP/1.1 abc OK\r\n\r\n", closes),
		"a bad version":                 says("HTTP/x 200 OK\r\n\r\n", closes),
		"half a body":                   says(ok+"Content-Length: 10\r\n\r\nabc", closes),
		"half a body, then silence":     says(ok+"Content-Length: 10\r\n\r\nabc", hangs),
		"half a body, then a reset":     says(ok+"Content-Length: 10\r\n\r\nabc", resets),
		"half a chunk":                  says(ok+"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", closes),
		"half a chunk, then silence":    says(ok+"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", hangs),
		"a chunk of nonsense":           says(ok+"Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc", closes),
		"two lengths":                   says(ok+"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", closes),
		"a length of nonsense":          says(ok+"Content-Length: x\r\n\r\nabc", closes),
		"an unknown transfer coding":    says(ok+"Transfer-Encoding: odd\r\n\r\nabc", closes),
		"half a frame":                  says("\x00\x00\x10\x04\x00\x00\x00\x00\x00ab", closes),
		"a frame of nonsense":           says("\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x04\x01\x04\x00\x00\x00\x01abcd", hangs),
		"settings, then closes":         says("\x00\x00\x00\x04\x00\x00\x00\x00\x00", closes),
		"settings, then silence":        says("\x00\x00\x00\x04\x00\x00\x00\x00\x00", hangs),
		"settings, then a reset stream": says("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x02", hangs),
		"settings, then GOAWAY":         says("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", hangs),
		"a length of DNS":               says("\x00\x20ab", closes),
		"a length of DNS, then silence": says("\x00\x20ab", hangs),
		"a message of nonsense":         says("\x00\x04abcd", closes),
		"half a SOCKS greeting":         says("\x05", closes),
		"half a SOCKS reply":            says("\x05\x00\x05\x00", closes),
		"a SOCKS reply of nonsense":     says("\x05\x00\x04\x00\x09\x09\x09", closes),
		"no tunnel":                     says("HTTP/1.1 403 no\r\n\r\n", closes),
		"no EHLO": func(c net.Conn) {
			c.Write([]byte("220 x\r\n"))
			says("500 no\r\n", closes)(c)
		},
	} {
		servers[name] = func(secure bool) string { return does(t, secure, how) }
	}
	over := []struct {
		kind, target, options string
		secure                bool // what the server does, it does inside TLS
	}{
		{"tcp", "%s", ``, false}, {"tcp", "%s", `"banner":true`, false}, {"tcp", "%s", `"steps":[{"send":"x","expect":"^ok"}]`, false},
		{"tcp", "%s", `"steps":[{"send":"x","expect":"^ok","wait":"100ms"}]`, false}, {"tcp", "%s", `"security":"tls","banner":true,"tls":{"insecure":true}`, true},
		{"tcp", "%s", `"security":"tls","tls":{"insecure":true}`, false}, {"tcp", "%s", `"security":"tls","steps":[{"send":"x","expect":"^ok"}],"tls":{"insecure":true}`, true},
		{"tcp", "%s", `"starttls":"smtp"`, false}, {"tcp", "%s", `"starttls":"imap"`, false}, {"tcp", "%s", `"starttls":"pop3"`, false}, {"tcp", "%s", `"starttls":"ftp"`, false},
		{"tcp", "%s", `"starttls":"xmpp-client"`, false}, {"tcp", "%s", `"starttls":"postgres"`, false}, {"tcp", "%s", `"starttls":"ldap"`, false},
		{"tls", "%s", ``, false}, {"tls", "%s", ``, true},
		{"http", "http://%s/", ``, false}, {"http", "http://%s/", `"keep_alive":true`, false}, {"http", "http://%s/", `"http_version":"2"`, false}, {"http", "http://%s/", `"method":"POST","body":"x"`, false},
		{"http", "http://192.0.2.1/", `"proxy":{"url":"http://%s"}`, false}, {"http", "http://192.0.2.1/", `"proxy":{"url":"socks5://%s"}`, false}, {"https", "https://192.0.2.1/", `"proxy":{"url":"http://%s"}`, false},
		{"https", "https://%s/", ``, false}, {"https", "https://%s/", `"tls":{"insecure":true},"http_version":"1.1"`, true}, {"https", "https://%s/", `"tls":{"insecure":true}`, true},
		{"https", "https://%s/", `"tls":{"insecure":true},"keep_alive":true`, true},
		{"dns", "x.example@%s", `"transport":"tcp"`, false}, {"dns", "x.example@%s", `"transport":"tls"`, false}, {"dns", "x.example@%s", `"transport":"tls","tls":{"insecure":true}`, true},
		{"dns", "x.example@%s", `"transport":"https"`, false}, {"dns", "x.example@%s", `"transport":"https","tls":{"insecure":true}`, true},
		{"tcp", "x.example:80", `"resolver":"%s"`, false},
	}
	env := &probes.Env{}
	t.Cleanup(func() { env.Close() })
	var runs sync.WaitGroup
	turn := make(chan struct{}, 50)
	check := func(name, kind, target, options string) {
		runs.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			const timeout = 400 * time.Millisecond
			what := kind + " {" + options + "}, which " + name
			c, err := All().New(env, kind, target, []byte("{"+options+"}"))
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
			c.Timeout = timeout
			results := []wire.Result{c.Run(t.Context(), timeout, func(s probes.Step) {
				if strings.HasPrefix(s.Text, "<") || strings.HasPrefix(s.Text, ">") { // which is quoted
					return
				}
				if got := goSays.FindString(s.Text); got != "" {
					t.Errorf("%s: %q in the step %q", what, got, s.Text)
				}
			})}
			if c, err = All().New(env, kind, target, []byte("{"+options+"}")); err == nil {
				if r, ok := probetest.Begun(env, c, timeout); ok {
					results = append(results, r)
				}
			}
			for _, r := range results {
				t.Logf("%s: %s: %s: %s", what, r.Outcome, r.Failure, r.Error)
				if r.Outcome != wire.OK && r.Error == "" {
					t.Errorf("%s: %s without a word", what, r.Outcome)
				}
				var report strings.Builder
				k, _ := All().Find(kind)
				if len(r.Details) > 0 {
					if err := k.Report(r.Details, &report); err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				for _, text := range []string{r.Error, r.Summary, report.String()} {
					if got := goSays.FindString(text); got != "" {
						t.Errorf("%s: %q in %q", what, got, text)
					}
				}
			}
		})
	}
	for name, server := range servers {
		plain, secure := server(false), server(true)
		for _, o := range over {
			addr := plain
			if o.secure {
				addr = secure
			}
			put := func(s string) string { return strings.ReplaceAll(s, "%s", addr) }
			check(name, o.kind, put(o.target), put(o.options))
		}
	}
	dark := func(s string) string { return fmt.Sprintf(`"resolver":%q,"family":"4"`, s) }
	for name, server := range map[string]string{"is silent": silentUDP, "refuses": probetest.ClosedUDP(t), "talks garbage": noisyUDP, "fails": probetest.ResolverThat(t, func(dns.Question) *int { return new(dns.RcodeServerFailure) }), "knows no such name": probetest.ResolverThat(t, func(dns.Question) *int { return new(dns.RcodeNameError) })} {
		for _, m := range [][3]string{{"tcp", "x.example:80", dark(server)}, {"http", "http://x.example/", dark(server)}, {"udp", server, `"payload":"x"`}, {"udp", server, `"protocol":"dns"`}, {"ntp", server, ``},
			{"dns", "x.example@" + server, ``}, {"dns", "x.example@" + server, `"attempts":3`}, {"icmp", "x.example", dark(server)}, {"udp", server, `"count":3,"payload":"x","interval":"10ms"`}} {
			check("from a server that "+name, m[0], m[1], m[2])
		}
	}
	for i, code := range []string{"", "RATE", "INIT", "\x00\x01\x02\x03"} {
		b := targets.KissNTP(code)
		check(fmt.Sprintf("kiss code %d", i), "ntp", probetest.ServeNTP(t, b).Addr, ``)
	}
	check("no route", "tcp", "203.0.113.1:9", `"source":"127.0.0.1"`)
	check("no such source", "udp", "127.0.0.1:9", `"source":"192.0.2.99"`)
	check("no such source", "http", "http://127.0.0.1:1/", `"source":"192.0.2.99"`)
	runs.Wait()
}
