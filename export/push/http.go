package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"netmon/wire"
)

const (
	requestMost = 30 * time.Second
	answerMost  = 16 << 10 // bytes that are read of an answer
)

// Endpoint says how a receiver is reached. In URL and Headers may be ${env:NAME} and
// ${file:PATH}, for what nobody else should see.
type Endpoint struct {
	URL       string
	TokenFile string   // a file with a token; it is read for each request, so that it may change
	Headers   []string // "Name: value"
	CAFile    string   // certificates in PEM that the receiver's may be signed by, instead of the system's
	Version   string   // of netmon
}

// receiver sends requests to one address.
type receiver struct {
	url     *url.URL
	name    string // without secrets
	header  http.Header
	scheme  string // before a token: Bearer, or Token
	token   string // the file of it
	client  *http.Client
	secrets secrets
	body    bytes.Reader
}

// newReceiver reads an endpoint; all mistakes are reported. path is that of a URL without
// one, and example a URL for people who have it wrong.
func newReceiver(e Endpoint, scheme, path, example string) (*receiver, error) {
	r := &receiver{header: http.Header{"User-Agent": {"netmon/" + e.Version}}, scheme: scheme, token: e.TokenFile}
	var wrong []error
	address, err := r.secrets.resolveURL(e.URL)
	if err != nil {
		wrong = append(wrong, err)
	} else if r.url, err = url.Parse(address); err != nil || r.url.Host == "" || r.url.Scheme != "http" && r.url.Scheme != "https" {
		wrong = append(wrong, fmt.Errorf("want a URL such as %s, got %q", example, r.secrets.conceal(wire.Clip(withoutUser(e.URL), wire.MaxText))))
	} else {
		if r.url.Path == "" || r.url.Path == "/" {
			r.url.Path = path
		}
		var hidden []string
		r.name, hidden = shown(r.url)
		r.name = r.secrets.conceal(r.name)
		r.secrets.keepOut(hidden...)
	}
	for _, h := range e.Headers {
		text, err := r.secrets.resolve(h, asItIs)
		name, value, ok := strings.Cut(text, ":")
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case !ok || strings.TrimSpace(name) == "":
			wrong = append(wrong, fmt.Errorf("want a header such as %q, got one without a colon", "X-Scope-OrgID: shop"))
		default:
			r.header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if _, err := r.authorization(); err != nil {
		wrong = append(wrong, err)
	}
	pool, err := readCAs(e.CAFile)
	if err != nil {
		wrong = append(wrong, err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	r.client = &http.Client{Transport: transport, Timeout: requestMost, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return r, errors.Join(wrong...)
}

// withoutUser is a URL that cannot be used, without what may be a password.
func withoutUser(text string) string {
	if _, after, ok := strings.Cut(text, "@"); ok {
		return "…@" + after
	}
	return text
}

func readCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("want certificates in PEM, found none in %s", file)
	}
	return pool, nil
}

// authorization is the header of that name, "" for none.
func (r *receiver) authorization() (string, error) {
	if r.token == "" {
		return "", nil
	}
	data, err := os.ReadFile(r.token)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", fmt.Errorf("want a token in one line in %s", r.token)
	}
	r.secrets.keepOut(token)
	return r.scheme + " " + token, nil
}

// file is a name for the position of what is sent there: the same for other credentials.
func (r *receiver) file(kind string) string { return fileName(kind, r.url.Host, r.name) }

// fileName makes a name that fits a file of what differs by key.
func fileName(kind, about, key string) string {
	sum := sha256.Sum256([]byte(key))
	about = strings.Map(func(c rune) rune {
		if c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return c
		}
		return '_'
	}, about)
	return kind + "-" + wire.Clip(about, 60) + "-" + hex.EncodeToString(sum[:4])
}

// answer is what a receiver answered.
type answer struct {
	status int
	after  time.Duration // before it wants to be asked again; 0 where it does not say
	body   []byte
	text   string // for people, without secrets
}

// post sends a body. An error says that there was no answer, which is tried again.
func (r *receiver) post(ctx context.Context, to *url.URL, header http.Header, body []byte) (*answer, error) {
	r.body.Reset(body)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), &r.body)
	if err != nil {
		return nil, errors.New("make the request: its URL cannot be used")
	}
	for _, h := range []http.Header{header, r.header} {
		for name, values := range h {
			req.Header[name] = values
		}
	}
	authorization, err := r.authorization()
	if err != nil {
		return nil, err
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := r.client.Do(req) // #nosec G704 -- the operator names the address
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold secrets
		}
		return nil, errors.New(r.secrets.conceal(err.Error()))
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, answerMost)) // what is lost of it changes nothing
	a.text = strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, http.StatusText(a.status), printable(wire.Clip(r.secrets.conceal(string(a.body)), wire.MaxReason))))
	return a, nil
}

// printable is a text of somebody else's in one line, without what a terminal might obey.
func printable(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)), " ")
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, laterMost)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), laterMost)
	}
	return 0
}

// err says what an answer means: nil is taken; a *Refusal is for good; all else is tried
// again. An address or credentials that are wrong lose nothing: somebody corrects them.
func (a *answer) err() error {
	err := errors.New(a.text)
	switch {
	case a.status >= 200 && a.status < 300:
		return nil
	case a.status == http.StatusRequestEntityTooLarge:
		return &Refusal{Reason: tooLarge, Err: err}
	case a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity || a.status == http.StatusConflict:
		return &Refusal{Reason: reasonOf(string(a.body)), Err: err}
	}
	return &Later{Err: err, After: a.after}
}
