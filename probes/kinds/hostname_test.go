package kinds

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/internal/probetest"
	"netmon/internal/targets"
	"netmon/probes"
	dnskind "netmon/probes/kinds/dns"
	"netmon/wire"
)

// serveBooks answers for xn--bcher-kva.test alone, with 127.0.0.1.
func serveBooks(t *testing.T) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name != "xn--bcher-kva.test." {
			m.Rcode = dns.RcodeNameError
		} else if q.Question[0].Qtype == dns.TypeA {
			rr, _ := dns.NewRR("xn--bcher-kva.test. 60 IN A 127.0.0.1")
			m.Answer = append(m.Answer, rr)
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String()
}

// TestEveryKind_IDN: a name that somebody copies out of a browser is taken, by
// its form in ASCII, and the result shows that form beside the target as it was
// written.
func TestEveryKind_IDN(t *testing.T) {
	books := serveBooks(t)
	_, dnsPort, _ := net.SplitHostPort(books)
	echo, err := targets.UDPEcho("127.0.0.1:0")
	_, udpPort, _ := net.SplitHostPort(probetest.ServeUDP(t, echo, err))
	_, ntpPort, _ := net.SplitHostPort(probetest.ServeNTP(t, targets.HealthyNTP()).Addr)
	var sni, host string
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host = r.Host; r.URL.Path == "/go" {
			_, port, _ := net.SplitHostPort(r.Host)
			w.Header()["Location"] = []string{"http://BÜCHER.test:" + port + "/"}
			w.WriteHeader(http.StatusFound)
		}
	}))
	web.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		sni = h.ServerName
		return nil, nil
	}}
	web.StartTLS()
	defer web.Close()
	_, tlsPort, _ := net.SplitHostPort(web.Listener.Addr().String())
	plain := httptest.NewServer(web.Config.Handler)
	defer plain.Close()
	_, webPort, _ := net.SplitHostPort(plain.Listener.Addr().String())

	const name, ascii = "Bücher.test", "xn--bcher-kva.test"
	for _, c := range []struct{ kind, target, options string }{
		{"tcp", name + ":" + webPort, ``}, {"udp", name + ":" + udpPort, `"payload":"x",`}, {"ntp", name + ":" + ntpPort, ``},
		{"tls", name + ":" + tlsPort, `"tls":{"insecure":true},`}, {"https", "https://" + name + ":" + tlsPort + "/", `"tls":{"insecure":true},`},
		{"http", "http://" + name + ":" + webPort + "/", ``}, {"http", "bücher。test:" + webPort + "/go", ``},
		{"dns", ascii + "@" + name + ":" + dnsPort, ``}, {"icmp", name, ``},
	} {
		sni, host = "", ""
		if c.kind == "icmp" && ready("icmp") != nil {
			continue
		}
		r := measure(t, c.kind, c.target, fmt.Sprintf(`{%s"family":"4","resolver":%q}`, c.options, books))
		if r.Outcome != wire.OK || r.Target != c.target || probetest.DetailsOf[probes.Shared](t, r).Name != ascii {
			t.Errorf("%s %s: %+v", c.kind, c.target, r)
		}
		if (c.kind == "tls" || c.kind == "https") && sni != ascii {
			t.Errorf("%s asked for %q in TLS", c.kind, sni)
		}
		if strings.HasPrefix(c.kind, "http") && !strings.HasPrefix(host, ascii+":") {
			t.Errorf("%s sent the Host %q", c.kind, host)
		}
		var report strings.Builder
		k, _ := All().Find(c.kind)
		if err := k.Report(r.Details, &report); err != nil || !strings.Contains(report.String(), "name        bücher.test (xn--bcher-kva.test)") {
			t.Errorf("%s reports %s, %v", c.kind, report.String(), err)
		}
	}

	r := measure(t, "dns", "bücher.test@"+books, ``)
	if d := probetest.DetailsOf[dnskind.Details](t, r); r.Outcome != wire.OK || d.Question != "xn--bcher-kva.test. IN A" {
		t.Errorf("dns: %+v", r)
	}
	probetest.WantFailure(t, measure(t, "tls", "127.0.0.1:"+tlsPort, `{"tls":{"insecure":true,"server_name":"bücher.test"}}`), wire.OK, "")
	if sni != ascii {
		t.Errorf("server_name asks for %q", sni)
	}
	probetest.WantFailure(t, measure(t, "http", plain.URL, `{"host":"bücher.test:81"}`), wire.OK, "")
	if host != ascii+":81" {
		t.Errorf("host sends %q", host)
	}
	if r := measure(t, "tcp", "ärger.test:80", fmt.Sprintf(`{"resolver":%q}`, books)); r.Failure != wire.FailNoSuchHost || !strings.Contains(r.Error, "resolve ärger.test (xn--rger-koa.test): ") {
		t.Errorf("%+v", r)
	}
}

// TestEveryKind_IDNPolicy: the policy is asked about the address that is sent to,
// however it is written, and counts one host once.
func TestEveryKind_IDNPolicy(t *testing.T) {
	denied := netip.MustParseAddr("127.0.0.1")
	env := &probes.Env{Allow: func(_ string, to netip.AddrPort) error {
		if to.Addr() == denied {
			return fmt.Errorf("denied")
		}
		return nil
	}}
	defer env.Close()
	for _, c := range []struct{ kind, target, options string }{
		{"tcp", "１２７.０.０.１:9", ``}, {"udp", "127。0。0。1:9", ``}, {"icmp", "１２７.0.0.1", ``}, {"ntp", "127.0.0．1", ``}, {"tls", "１27.0.0.1", ``},
		{"http", "http://１２７.０.０.１:9/", ``}, {"https", "https://127｡0.0.1:9/", ``}, {"dns", "x.example@１２７.0.0.1", ``},
		{"http", "http://１２７.０.０.１:9/", `{"proxy":{"url":"http://127.0.0.2:9"}}`},
	} {
		check := newCheck(t, env, c.kind, c.target, c.options)
		if got := check.Footprint().Places[0].Host; got != "127.0.0.1" {
			t.Errorf("%s %s has the footprint %q", c.kind, c.target, got)
		}
		r := check.Run(context.Background(), 5*time.Second, nil)
		if r.Failure != wire.BrokenPolicy {
			t.Errorf("%s %s: %+v", c.kind, c.target, r)
		}
		if r, ok := probetest.Begun(env, newCheck(t, env, c.kind, c.target, c.options), 5*time.Second); ok {
			t.Errorf("%s %s was begun: %+v", c.kind, c.target, r)
		}
	}
	for _, target := range []string{"bücher.test:1", "xn--bcher-kva.test:1", "BÜCHER.TEST.:1"} {
		if got := newCheck(t, env, "tcp", target, ``).Footprint().Places[0].Host; got != "xn--bcher-kva.test" {
			t.Errorf("%s has the footprint %q", target, got)
		}
	}
}
