package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"netmon/internal/targets"
)

// ports are the addresses that the services listen on.
type ports struct {
	http, https, expired, dns, ntp, ntpLost, mail, echo, lossy, silent string
}

// fixedPorts are the services' usual ports; those that are broken for good have
// a thousand more.
func fixedPorts(host string) ports {
	at := func(port string) string { return net.JoinHostPort(host, port) }
	return ports{http: at("80"), https: at("443"), expired: at("1443"), dns: at("53"), ntp: at("123"), ntpLost: at("1123"),
		mail: at("25"), echo: at("7"), lossy: at("1007"), silent: at("2007")}
}

// lever breaks one service, and mends it.
type lever struct {
	name, what, expect string
	pull               func(broken bool) error
	broken             bool // guarded by services.mu
}

// services are all that run. at are the addresses that they really have.
type services struct {
	at     ports
	levers []*lever

	mu      sync.Mutex // guards the levers
	closers []func() error
}

func (s *services) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

// start serves everything, with certificates for name from an authority whose
// certificate it leaves in the folder ca.
func start(p ports, name, ca string) (_ *services, err error) {
	s := &services{at: p}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.startWeb(p, name, ca); err != nil {
		return nil, err
	}
	if err := s.startDatagrams(p); err != nil {
		return nil, err
	}
	if err := s.startMail(p.mail); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *services) lever(name, what, expect string, pull func(broken bool) error) {
	s.levers = append(s.levers, &lever{name: name, what: what, expect: expect, pull: pull})
}

func (s *services) startWeb(p ports, name, folder string) error {
	a, err := newAuthority(folder)
	if err != nil {
		return err
	}
	fresh, err := a.certificate(name, 72*time.Hour)
	if err != nil {
		return err
	}
	expired, err := a.certificate(name, -time.Hour)
	if err != nil {
		return err
	}
	var status500 atomic.Bool
	pages := http.NewServeMux()
	pages.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if status500.Load() {
			http.Error(w, "broken on purpose", http.StatusInternalServerError)
			return
		}
		io.WriteString(w, "healthy\n")
	})
	pages.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		if wait(r.Context(), 300*time.Millisecond) {
			io.WriteString(w, "healthy, but slow\n")
		}
	})
	pages.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "broken for good", http.StatusServiceUnavailable)
	})
	s.lever("http", "the page answers 500", "web and shop fail with mismatch: status 500", func(broken bool) error {
		status500.Store(broken)
		return nil
	})

	var current atomic.Pointer[tls.Certificate]
	current.Store(&fresh)
	s.lever("certificate", "the certificate expired an hour ago", "shop and shop-cert fail with certificate: expired", func(broken bool) error {
		current.Store(&fresh)
		if broken {
			current.Store(&expired)
		}
		return nil
	})
	chosen := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil }
	for _, web := range []struct {
		addr *string
		tls  *tls.Config
	}{
		{&s.at.http, nil},
		{&s.at.https, &tls.Config{GetCertificate: chosen, SessionTicketsDisabled: true}},
		{&s.at.expired, &tls.Config{Certificates: []tls.Certificate{expired}}},
	} {
		l, err := net.Listen("tcp", *web.addr)
		if err != nil {
			return err
		}
		*web.addr = l.Addr().String()
		h := &http.Server{Handler: pages, TLSConfig: web.tls, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		var ended sync.WaitGroup
		ended.Go(func() {
			if web.tls == nil {
				h.Serve(l)
			} else {
				h.ServeTLS(l, "", "")
			}
		})
		s.closers = append(s.closers, func() error { err := h.Close(); ended.Wait(); return err })
	}
	return nil
}

func (s *services) startDatagrams(p ports) error {
	names, err := targets.ServeDNS(p.dns)
	if err != nil {
		return fmt.Errorf("dns: %w", err)
	}
	s.at.dns, s.closers = names.Addr, append(s.closers, names.Close)
	s.lever("dns", "every name has the address 203.0.113.66", "name fails with mismatch: records", func(broken bool) error {
		names.Lie("")
		if broken {
			names.Lie("203.0.113.66")
		}
		return nil
	})
	clock, err := targets.ServeNTP(p.ntp, targets.HealthyNTP())
	if err != nil {
		return fmt.Errorf("ntp: %w", err)
	}
	s.at.ntp, s.closers = clock.Addr, append(s.closers, clock.Close)
	s.lever("ntp", "the clock is 10 s ahead", "clock fails with mismatch: offset 10 s", func(broken bool) error {
		b := targets.HealthyNTP()
		if broken {
			b.Offset = 10 * time.Second
		}
		clock.Set(b)
		return nil
	})
	lost, err := targets.ServeNTP(p.ntpLost, targets.UnsynchronisedNTP())
	if err != nil {
		return fmt.Errorf("ntp: %w", err)
	}
	s.at.ntpLost, s.closers = lost.Addr, append(s.closers, lost.Close)

	var deaf atomic.Bool
	echo, err := targets.ServeUDP(p.echo, func(_ int, q []byte) []targets.UDPReply {
		if deaf.Load() {
			return nil
		}
		return []targets.UDPReply{{Payload: append([]byte(nil), q...)}}
	})
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	s.at.echo, s.closers = echo.Addr, append(s.closers, echo.Close)
	s.lever("udp", "the echo takes datagrams and says nothing", "echo fails with no_answer", func(broken bool) error {
		deaf.Store(broken)
		return nil
	})
	lossy, err := targets.UDPLossy(p.lossy, 5)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	s.at.lossy, s.closers = lossy.Addr, append(s.closers, lossy.Close)
	silent, err := targets.UDPSilent(p.silent)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	s.at.silent, s.closers = silent.Addr, append(s.closers, silent.Close)
	return nil
}

// startMail serves something that greets as a mail server does.
func (s *services) startMail(addr string) error {
	var server *targets.TCP
	open := func() (err error) {
		server, err = targets.ServeTCP(addr,
			targets.TCPTurn{Say: "220 lab ESMTP\r\n"}, targets.TCPTurn{Hear: "QUIT\r\n"}, targets.TCPTurn{Say: "221 bye\r\n"})
		return err
	}
	if err := open(); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	addr = server.Addr
	s.at.mail = addr
	s.closers = append(s.closers, func() error { return server.Close() })
	s.lever("tcp", "nobody listens on the mail port", "mail fails with refused", func(broken bool) error {
		if broken {
			return server.Close()
		}
		return open()
	})
	return nil
}

// wait says whether d passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
