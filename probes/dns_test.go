package probes

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"netmon/wire"
)

// dnsServer answers over UDP and TCP on one port.
func dnsServer(t *testing.T) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg)
		a.SetReply(q)
		a.Authoritative = true
		name := strings.ToLower(q.Question[0].Name)
		_, udp := w.RemoteAddr().(*net.UDPAddr)
		rr, err := dns.NewRR(q.Question[0].Name + " 60 IN A 192.0.2.7")
		if err != nil {
			t.Error(err)
		}
		switch {
		case strings.HasPrefix(name, "missing."):
			a.Rcode = dns.RcodeNameError
		case strings.HasPrefix(name, "silent."):
			return
		case strings.HasPrefix(name, "big.") && udp:
			a.Truncated = true
		case strings.HasPrefix(name, "other."):
			a.Question[0].Name = "another.example."
		default:
			a.Answer = append(a.Answer, rr)
		}
		if err := w.WriteMsg(a); err != nil {
			t.Error(err)
		}
	})
	for _, s := range []*dns.Server{{PacketConn: pc, Handler: handler}, {Listener: l, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() {
			defer close(ended)
			s.ActivateAndServe()
		}()
		<-started
		t.Cleanup(func() {
			s.Shutdown()
			<-ended
		})
	}
	return pc.LocalAddr().String()
}

func TestDNS(t *testing.T) {
	server := dnsServer(t)
	for name, tc := range map[string]struct {
		question, options string
		outcome           wire.Outcome
		failure           wire.Failure
	}{
		"an address":                {"www.example", "", wire.OK, ""},
		"over tcp":                  {"www.example", `{"transport":"tcp"}`, wire.OK, ""},
		"the answer expected":       {"www.example", `{"expect":{"answer":"192\\.0\\.2\\.7$"}}`, wire.OK, ""},
		"another answer":            {"www.example", `{"expect":{"answer":"192.0.2.8"}}`, wire.Failed, wire.FailMismatch},
		"a name that is not there":  {"missing.example", "", wire.Failed, wire.FailMismatch},
		"and that should not be":    {"missing.example", `{"expect":{"rcode":["NXDOMAIN"]}}`, wire.OK, ""},
		"silence":                   {"silent.example", "", wire.Failed, wire.FailNoAnswer},
		"truncated, asked over tcp": {"big.example", "", wire.OK, ""},
		"an answer to another":      {"other.example", "", wire.Failed, wire.FailBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := 5 * time.Second
			if tc.failure == wire.FailNoAnswer {
				timeout = 100 * time.Millisecond
			}
			r := measureWithin(t, timeout, "dns", tc.question+"@"+server, tc.options)
			wantFailure(t, r, tc.outcome, tc.failure)
			var d DNSDetails
			if err := json.Unmarshal(r.Details, &d); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(tc.question, "big.") && (!d.Truncated || d.Transport != "tcp") {
				t.Errorf("%+v", d)
			}
		})
	}
	wantFailure(t, measure(t, "dns", "www.example@127.0.0.1:1", ""), wire.Failed, wire.FailRefused)
}
