package probetest

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// NameServer answers every A query with these addresses and this TTL, or with
// SERVFAIL when it is negative, once hold is closed. It counts them, and closes
// came, where that is given, with the first.
func NameServer(t *testing.T, ttl int, came chan struct{}, hold <-chan struct{}, addrs ...string) (addr string, asked *atomic.Int32) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked = new(atomic.Int32)
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		if asked.Add(1) == 1 && came != nil {
			close(came)
		}
		if hold != nil {
			<-hold
		}
		m := new(dns.Msg).SetReply(q)
		if ttl < 0 {
			m.Rcode = dns.RcodeServerFailure
			addrs = nil
		}
		for _, a := range addrs {
			if rr, err := dns.NewRR(fmt.Sprintf("%s %d IN A %s", q.Question[0].Name, ttl, a)); err == nil {
				m.Answer = append(m.Answer, rr)
			}
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { s.Shutdown() })
	return conn.LocalAddr().String(), asked
}

// ResolverThat answers a question, over UDP, by what answer says; nil is silence.
func ResolverThat(t *testing.T, answer func(q dns.Question) *int) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		rcode := answer(q.Question[0])
		if rcode == nil {
			return
		}
		m := new(dns.Msg).SetRcode(q, *rcode)
		if *rcode == dns.RcodeSuccess && q.Question[0].Qtype == dns.TypeA {
			rr, err := dns.NewRR(fmt.Sprintf("%s 60 IN A 127.0.0.1", q.Question[0].Name))
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		w.WriteMsg(m)
	})}
	go s.ActivateAndServe()
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}
