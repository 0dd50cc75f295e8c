package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"netmon/notify/policy"
)

// Bounds of one request.
const (
	dialTime   = 15 * time.Second
	answerTime = 30 * time.Second // from the first byte that is sent to the last that is read
	maxHeader  = 64 << 10
)

// hostEnv has one Send go by the policy: what is dialled is asked for by its address, and
// once a secret was read nothing but the place that it is for is dialled.
type hostEnv struct {
	policy *policy.Policy

	mu        sync.Mutex  // guards what follows
	to        Destination // that secrets are for; the zero Destination while none was read
	byNetwork bool        // the policy lets them go to networks alone
}

// newEnv is an Env of this host. close ends what it keeps open.
func newEnv(p *policy.Policy, host, version string) (env *Env, close func()) {
	h := &hostEnv{policy: p}
	transport := &http.Transport{
		DialContext:            h.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTime,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: maxHeader,
	}
	client := &http.Client{Transport: transport, Timeout: answerTime, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Env{HTTP: client, Dial: h.dial, Secret: h.secret, Exec: p.Exec(), Host: host, Version: version}, transport.CloseIdleConnections
}

// secret reads a reference for a place. For the zero Destination it only looks what a whole
// URL is.
func (h *hostEnv) secret(reference string, to Destination) (string, error) {
	if to == (Destination{}) {
		return h.policy.Whole(reference)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.to != (Destination{}) && h.to != to {
		return "", fmt.Errorf("the secrets of one message may go to one place only, and one already went to %s", h.to)
	}
	got, err := h.policy.Permit(reference, to)
	if err != nil {
		return "", err
	}
	h.to, h.byNetwork = to, h.byNetwork || got.ByNetwork
	return got.Value, nil
}

// dial connects to HOST:PORT, if the policy lets in the address that it turns out to be.
func (h *hostEnv) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, Refuse("only TCP is dialled, got %q", network)
	}
	dest, err := policy.ParseDestination(address)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	to, byNetwork := h.to, h.byNetwork
	h.mu.Unlock()
	if to != (Destination{}) && to != dest {
		return nil, Refuse("this message has secrets for %s, and goes nowhere else", to)
	}
	var refused error
	var mu sync.Mutex // two addresses may be dialled at once
	d := net.Dialer{Timeout: dialTime, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		a, err := addrPort(address)
		if err == nil {
			err = h.policy.Allow(a)
		}
		if err == nil && byNetwork {
			err = h.policy.AllowSecrets(a)
		}
		if err != nil {
			mu.Lock()
			refused = err
			mu.Unlock()
		}
		return err
	}}
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		mu.Lock()
		defer mu.Unlock()
		if refused != nil && errors.As(err, new(*policy.Refusal)) {
			return nil, fmt.Errorf("%s: %w", dest.Host, refused) // the name may have another address later
		}
		return nil, err
	}
	return conn, nil
}

func addrPort(address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	host, _, _ = strings.Cut(host, "%") // its zone
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a, uint16(n)), err
}

// check says what keeps a channel from being sent, as far as that can be known before it
// is: secrets that cannot be read, and what the policy denies.
func (c *channel) check(p *policy.Policy) error {
	var errs []error
	if s, ok := c.sender.(readier); ok {
		errs = append(errs, s.ready(p.Exec()))
	}
	env, done := newEnv(p, "", "")
	defer done()
	for _, to := range c.sender.To() {
		if to == "" {
			continue
		}
		dest, err := env.destinationFor(to)
		if err == nil {
			err = p.AllowDestination(dest)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, ref := range c.refs {
			if _, err := p.Permit(ref, dest); err != nil && (!wholeReference(string(to)) || ref != string(to)) {
				errs = append(errs, fmt.Errorf("secret %s: %w", ref, err))
			}
		}
	}
	if len(c.sender.To()) == 0 {
		for _, ref := range c.refs {
			if _, err := p.Whole(ref); err != nil {
				errs = append(errs, fmt.Errorf("secret %s: %w", ref, err))
			}
		}
	}
	return errors.Join(errs...)
}

// destinationFor is where a URL or HOST:PORT leads, with references.
func (e *Env) destinationFor(to Text) (Destination, error) {
	if wholeReference(string(to)) {
		u, err := e.URL(to)
		if err != nil {
			return Destination{}, err
		}
		return policy.DestinationOf(u)
	}
	return policy.ParseDestination(inText.ReplaceAllString(string(to), "x"))
}
