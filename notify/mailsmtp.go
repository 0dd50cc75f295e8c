package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"netmon/notify/policy"
)

func parseDestination(text string) (Destination, error) { return policy.ParseDestination(text) }

// transmit hands a mail to the server, for each recipient that it takes. An error is
// about all of them.
func (c *Mail) transmit(ctx context.Context, env *Env, to []*mail.Address, text []byte) ([]fate, error) {
	dest, err := destinationOf(c.Server)
	if err != nil {
		return nil, Refuse("server: %w", err)
	}
	password, err := env.Reveal(string(c.Password), dest) // before anything is dialled
	if err != nil {
		return nil, err
	}
	env.keepOut("\x00" + c.User + "\x00" + password) // which is in base64 where it logs in
	conf, err := c.tlsConfig(env, dest)
	if err != nil {
		return nil, err
	}
	conn, err := env.Dial(ctx, "tcp", dest.String())
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", dest, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if c.secured(dest.Port) == "tls" {
		secure := tls.Client(conn, conf)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("TLS with %s: %w", dest, err)
		}
		conn = secure
	}
	s, err := smtp.NewClient(conn, dest.Host)
	if err != nil {
		return nil, answered("greeting", err)
	}
	if err := s.Hello(c.hello(env)); err != nil {
		return nil, answered("EHLO", err)
	}
	if c.secured(dest.Port) == "starttls" {
		if ok, _ := s.Extension("STARTTLS"); !ok {
			return nil, fmt.Errorf("%s does not offer STARTTLS: nothing is sent without TLS unless tls is none", dest)
		}
		if err := s.StartTLS(conf); err != nil {
			return nil, answered("STARTTLS", err)
		}
	}
	if c.User != "" {
		if err := c.logIn(s, dest, password); err != nil {
			return nil, err
		}
	}
	fates, err := handOver(s, c.from, to, text)
	conn.SetDeadline(time.Now().Add(quitTime))
	s.Quit() // it is taken already, or not
	return fates, err
}

// quitTime is how long a server may take to say goodbye.
const quitTime = 2 * time.Second

func (c *Mail) tlsConfig(env *Env, dest Destination) (*tls.Config, error) {
	conf := &tls.Config{ServerName: dest.Host, MinVersion: tls.VersionTLS12}
	if c.CA == "" {
		return conf, nil
	}
	pem, err := env.Reveal(string(c.CA), dest)
	if err != nil {
		return nil, err
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("ca: it has no certificate")
	}
	return conf, nil
}

func (c *Mail) hello(env *Env) string {
	if c.Hello != "" {
		return c.Hello
	}
	if name, err := os.Hostname(); err == nil && name != "" && Line(name) == name && !strings.Contains(name, " ") {
		return name
	}
	return "localhost"
}

// logIn proves who sends. The library gives a password to nobody without TLS, but on
// this host.
func (c *Mail) logIn(s *smtp.Client, dest Destination, password string) error {
	offered, list := s.Extension("AUTH")
	if !offered {
		return Refuse("%s does not offer a login", dest)
	}
	ways := strings.Fields(strings.ToUpper(list))
	has := func(way string) bool {
		return slices.Contains(ways, way)
	}
	way := strings.ToUpper(c.Auth)
	if way == "AUTO" {
		for _, w := range []string{"SCRAM-SHA-256", "PLAIN", "LOGIN", "CRAM-MD5"} {
			if has(w) {
				way = w
				break
			}
		}
	}
	if !has(way) {
		return Refuse("%s does not offer a login by %s: it offers %s", dest, strings.ToLower(way), Line(list))
	}
	local := thisHost(dest.Host)
	var auth smtp.Auth
	switch way {
	case "SCRAM-SHA-256":
		auth = smtp.ScramSHA256Auth(c.User, password)
	case "PLAIN":
		auth = smtp.PlainAuth("", c.User, password, dest.Host, local)
	case "LOGIN":
		auth = smtp.LoginAuth(c.User, password, dest.Host, local)
	case "CRAM-MD5":
		auth = smtp.CRAMMD5Auth(c.User, password)
	default:
		auth = smtp.XOAuth2Auth(c.User, password)
	}
	if err := s.Auth(auth); err != nil {
		return answered("log in", err)
	}
	return nil
}

// handOver gives the server the mail for those recipients that it takes.
func handOver(s *smtp.Client, from *mail.Address, to []*mail.Address, text []byte) ([]fate, error) {
	if err := s.Mail("<" + from.Address + ">"); err != nil {
		return nil, answered("MAIL FROM", err)
	}
	fates, taken := make([]fate, len(to)), 0
	for i, a := range to {
		fates[i] = fate{to: a}
		if err := s.Rcpt("<" + a.Address + ">"); err != nil {
			fates[i].err = answered("RCPT TO", err)
			var code *textproto.Error
			if !errors.As(err, &code) {
				return nil, fates[i].err // the connection is lost
			}
			continue
		}
		taken++
	}
	if taken == 0 {
		return fates, nil
	}
	err := func() error {
		w, err := s.Data()
		if err != nil {
			return answered("DATA", err)
		}
		if _, err := w.Write(text); err != nil {
			return answered("send the mail", err)
		}
		if err := w.Close(); err != nil {
			return answered("after the mail", err)
		}
		return nil
	}()
	for i := range fates {
		if fates[i].err == nil {
			fates[i].err = err
		}
	}
	return fates, nil
}

// answered says what an answer of a server means: 5yz is never, everything else later.
func answered(step string, err error) error {
	var code *textproto.Error
	if !errors.As(err, &code) {
		return fmt.Errorf("%s: %w", step, err)
	}
	err = fmt.Errorf("%s: %d %s", step, code.Code, Line(code.Msg))
	if code.Code >= 500 && code.Code < 600 {
		return &Refusal{err}
	}
	return err
}
