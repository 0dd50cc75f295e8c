package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/identity"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/timetext"
	"netmon/web"
	"netmon/wire"
)

const (
	loginFor    = 8 * time.Hour
	loginWithin = 15 * time.Second // for each of its requests
	loginMost   = 64 << 10         // bytes of an answer
)

func webLoginCommand() *cli.Command {
	return &cli.Command{
		Name:      "login",
		ArgsUsage: cmdline.Text,
		Usage:     "sign in to pages that netmon web serves elsewhere, under your own name",
		UsageText: "netmon web login https://mon.example.org [--for 8h] [--role viewer]",
		Description: "Prints a link that signs in one browser, once. The process that serves the pages makes a\nkey, and you sign that it may act in your name for some hours: what you change there is\nsigned like what you change here. It ends when its time is over, when you sign out\n" +
			"there, and when your own identity is revoked or changes its key; an admin sees it with\nnetmon access ls.",
		Flags: []cli.Flag{brokerFlag(),
			cmdline.Takes(cmdline.Duration, &cli.DurationFlag{Name: "for", Value: loginFor, Usage: "how long, `1m` to 24h"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "role", Usage: "`ROLE` that it gets, viewer or operator (default: yours, and at most operator)"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "ca", Usage: "`FILE` of the authority that the pages' certificate is from, PEM (default: those of this computer)"}),
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage("login: want the address of the pages, such as netmon web login https://mon.example.org")
			}
			if d := c.Duration("for"); d < wire.MinSession.Std() || d > wire.MaxSession.Std() {
				return usage("--for: want 1m to 24h, got %q", cmdline.Typed(c, "for"))
			}
			pages, err := loginAt(c.Args().First(), c.String("ca"))
			if err != nil {
				return err
			}
			at := endpointOf(c)
			there := endpoint.BrokerOf(at)
			role, err := loginRole(c.String("role"), there.Role())
			if err != nil {
				return err
			}
			cl, err := console.ConnectAs(there.Who, there.Connect)
			if err != nil {
				return at.Explain(err)
			}
			defer cl.Close()
			link, until, err := login(c.Context, pages, cl, role, c.Duration("for"))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "%s\n", link)
			fmt.Fprintf(c.App.ErrWriter, "Open it within 5 minutes, in one browser. It acts as %s, role %s, until %s.\n", there.Who.Name, role, timetext.Zoned(until))
			return nil
		},
	}
}

// loginRole is the role that a session gets.
func loginRole(asked string, own wire.Role) (wire.Role, error) {
	switch wire.Role(asked) {
	case "":
		if own == wire.RoleAdmin {
			own = wire.RoleOperator
		}
		return cmp.Or(own, wire.RoleOperator), nil
	case wire.RoleViewer, wire.RoleOperator:
		return wire.Role(asked), nil
	}
	return "", usage("--role: want viewer or operator, got %q", asked)
}

// loginPages are pages to sign in to.
type loginPages struct {
	base *url.URL
	http *http.Client
}

func loginAt(address, ca string) (loginPages, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return loginPages{}, usage("login: want an address such as https://mon.example.org, got %q", address)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return loginPages{}, usage("login: want https, got %q: somebody in between could take your session", address)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return loginPages{}, usage("--ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return loginPages{}, usage("--ca: %s holds no certificate in PEM", ca)
		}
	}
	return loginPages{&url.URL{Scheme: u.Scheme, Host: u.Host}, &http.Client{Timeout: loginWithin,
		Transport:     &http.Transport{TLSClientConfig: conf, Proxy: http.ProxyFromEnvironment},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// login lends who cl is to the process that serves the pages.
func login(ctx context.Context, p loginPages, cl *console.Client, role wire.Role, lasts time.Duration) (link string, until time.Time, err error) {
	var offered web.Offered
	if err := p.post(ctx, "/session/key", struct{}{}, &offered); err != nil {
		return "", until, err
	}
	credential, err := cl.Delegate(ctx, offered.Key, role, lasts, wire.Clip("the pages of "+p.base.Host, wire.MaxSessionOf))
	if err != nil { // the answer may have been lost
		_ = cl.EndDelegation(context.WithoutCancel(ctx), offered.Key)
		return "", until, err
	}
	data, err := json.Marshal(credential) // #nosec G117 -- it is for whoever made the key, over TLS
	if err != nil {
		return "", until, err
	}
	var l web.Link
	if err := p.post(ctx, "/session/credential", web.Granted{Ticket: offered.Ticket, Credential: data}, &l); err != nil {
		return "", until, errors.Join(err, cl.EndDelegation(context.WithoutCancel(ctx), offered.Key))
	}
	if code, ok := strings.CutPrefix(l.Path, "/session/new?code="); !ok || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return "", until, fmt.Errorf("%s: the link that it gave is none of its own: %q", p.base, console.Printable(l.Path))
	}
	return p.base.String() + l.Path, credential.Until, nil
}

// post sends a body, and reads the answer.
func (p loginPages) post(ctx context.Context, path string, body, into any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base.String()+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := p.http.Do(r)
	if err != nil {
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			err = fmt.Errorf("%w: give the authority that it is from as --ca FILE", err)
		}
		return fmt.Errorf("sign in: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, loginMost))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct{ Error string }
		if json.Unmarshal(answer, &refused) != nil || refused.Error == "" {
			refused.Error = wire.Clip(string(answer), 200)
		}
		return fmt.Errorf("sign in: %s says %s: %s", p.base, resp.Status, console.Printable(refused.Error))
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("sign in: %s is no page of netmon: %w", p.base, err)
	}
	return nil
}

// lender makes keys for people who sign in; nil where the mesh has no identities.
func lender(at endpoint.Broker) func() (web.Lent, error) {
	if at.Identity == "" {
		return nil
	}
	return func() (web.Lent, error) {
		key, err := nkeys.CreateUser()
		if err != nil {
			return nil, err
		}
		public, err := key.PublicKey()
		return &lent{at, key, public}, err
	}
}

// lent is a key that a person may lend their name to.
type lent struct {
	at     endpoint.Broker
	key    nkeys.KeyPair
	public string
}

func (l *lent) Key() string { return l.public }

// Accept connects by the key, on the way by which these pages reach the broker.
func (l *lent) Accept(_ context.Context, data []byte) (web.Actor, time.Time, error) {
	var c wire.Credential
	none := web.Actor{}
	if err := json.Unmarshal(data, &c); err != nil {
		return none, c.Until, fmt.Errorf("the credential cannot be read: %w", err)
	}
	own, err := identity.Load(l.at.Identity)
	if err != nil {
		return none, c.Until, err
	}
	if err := identity.CheckCredential(c, own.Authority, l.public); err != nil {
		return none, c.Until, err
	}
	if left := time.Until(c.Until); left <= 0 || left > wire.MaxSession.Std() || c.Role != wire.RoleViewer && c.Role != wire.RoleOperator {
		return none, c.Until, errors.New("the credential is not that of a session")
	}
	options, err := identity.SessionOptions(c, l.key)
	if err != nil {
		return none, c.Until, err
	}
	person, err := console.SessionPerson(own.Authority, c, l.key)
	if err != nil {
		return none, c.Until, err
	}
	connect := func(o ...nats.Option) (*nats.Conn, error) { return l.at.Connect(append(options, o...)...) }
	cl, err := console.ConnectAs(person, connect)
	if err != nil {
		return none, c.Until, err
	}
	who := web.Actor{Name: c.Name, Role: c.Role, Client: cl, Ops: opsOf(cl)}
	who.Gone = func() error {
		if cl.Conn().IsClosed() {
			return errors.New("the mesh let it in no more")
		}
		return nil
	}
	who.Close = func() {
		ctx, cancel := context.WithTimeout(context.Background(), loginWithin)
		defer cancel()
		_ = cl.EndDelegation(ctx, l.public) // else it ends when its time is over
		cl.Close()
	}
	return who, c.Until, nil
}
