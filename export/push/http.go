package push

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"netmon/internal/retry"
	"netmon/wire"
)

const (
	requestMost = 30 * time.Second
	answerMost  = 16 << 10 // bytes that are read of an answer
)

// Endpoint says how a receiver is reached. In URL and Headers may be ${env:NAME} and
// ${file:PATH}, for what nobody else should see. Files are read for each request, so that
// they may change; but what they give to a URL beside its user and password stays.
type Endpoint struct {
	URL       string
	TokenFile string   // a file with a token
	Headers   []string // "Name: value"
	CAFile    string   // certificates in PEM that the receiver's may be signed by, instead of the system's
	Version   string   // of netmon
}

// receiver sends requests to one address.
type receiver struct {
	Endpoint
	url     *url.URL // without user and password
	name    string   // without secrets
	scheme  string   // before a token: Bearer, or Token
	client  *http.Client
	secrets secrets
}

// newReceiver reads an endpoint; all mistakes are reported. path is that of a URL without
// one, and example a URL for people who have it wrong.
func newReceiver(e Endpoint, scheme, path, example string) (*receiver, error) {
	r := &receiver{Endpoint: e, scheme: scheme}
	var wrong []error
	address, err := r.address()
	switch {
	case err != nil:
		wrong = append(wrong, err)
	case address == nil:
		wrong = append(wrong, fmt.Errorf("want a URL such as %s, got %q", example, r.secrets.conceal(wire.Clip(withoutSecrets(e.URL), wire.MaxText))))
	default:
		if r.url = address; r.url.Path == "" || r.url.Path == "/" {
			r.url.Path = path
		}
		r.name = r.secrets.conceal(r.secrets.shown(r.url))
		r.url.User = nil
	}
	if _, err := r.header(); err != nil {
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

// address is the URL with what its references stand for, nil where it is none.
func (r *receiver) address() (*url.URL, error) {
	text, err := r.secrets.resolveURL(r.URL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, nil // an error would quote it
	}
	return u, nil
}

// header are those of a request, with credentials; all mistakes are reported, and nothing
// of a header is in them, since it may be a secret.
func (r *receiver) header() (http.Header, error) {
	out := http.Header{"User-Agent": {"netmon/" + r.Version}}
	var wrong []error
	for _, h := range r.Headers {
		text, err := r.secrets.resolve(h, asItIs)
		name, value, ok := strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case !ok || name == "":
			wrong = append(wrong, fmt.Errorf("want a header such as %q, got one without a colon", "X-Scope-OrgID: shop"))
		case strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c) }):
			wrong = append(wrong, errors.New("want a header such as \"X-Scope-OrgID: shop\", got one whose name has other characters than letters, digits and -"))
		case strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			wrong = append(wrong, fmt.Errorf("want a header in one line, got %s with a line break or another control character in its value", name))
		default:
			if !strings.EqualFold(name, "X-Scope-OrgID") { // all others may be a secret
				_, last, _ := strings.Cut(value, " ")
				r.secrets.keepOut(value, last)
			}
			out.Add(name, value)
		}
	}
	if address, err := r.address(); err == nil && address != nil && address.User != nil && r.TokenFile == "" {
		password, _ := address.User.Password()
		basic := base64.StdEncoding.EncodeToString([]byte(address.User.Username() + ":" + password))
		r.secrets.keepOut(password, basic)
		out.Set("Authorization", "Basic "+basic)
	}
	if r.TokenFile != "" {
		token, err := readSecret(r.TokenFile)
		if err != nil {
			wrong = append(wrong, err)
		} else if token == "" || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			wrong = append(wrong, fmt.Errorf("want a token in one line in %s", r.TokenFile))
		}
		r.secrets.keepOut(token)
		out.Set("Authorization", r.scheme+" "+token)
	}
	return out, errors.Join(wrong...)
}

// warning says that credentials can be read on the way, "" where they cannot.
func (r *receiver) warning() string {
	if r.url == nil || r.url.Scheme == "https" || ofThisHost(r.url) {
		return ""
	}
	if h, err := r.header(); err != nil || len(h) == 1 && r.url.RawQuery == "" {
		return ""
	}
	return "what is sent there goes in clear, with its credentials: whoever listens on the way has them; https keeps them"
}

// withoutSecrets is a URL that cannot be used, without what may be a password or a token.
func withoutSecrets(text string) string {
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		text = "…@" + text[at+1:]
	}
	if at := strings.IndexAny(text, "?#"); at >= 0 {
		text = text[:at] + "?…"
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

// post sends a body. An error says that there was no answer, which is tried again. Nobody
// reads the body any more when it returns.
func (r *receiver) post(ctx context.Context, to *url.URL, header http.Header, body []byte) (*answer, error) {
	var reading sync.WaitGroup
	defer reading.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), nil)
	if err != nil {
		return nil, errors.New("make the request: its URL cannot be used")
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) {
		reading.Add(1)
		return &sentBody{*bytes.NewReader(body), sync.OnceFunc(reading.Done)}, nil
	}
	req.Body, _ = req.GetBody()
	if req.Header, err = r.header(); err != nil {
		_ = req.Body.Close()
		return nil, errors.New(r.secrets.conceal(err.Error()))
	}
	maps.Copy(req.Header, header)
	resp, err := r.client.Do(req) // #nosec G704 -- the operator names the address
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold secrets
		}
		return nil, errors.New(r.secrets.conceal(err.Error()))
	}
	defer resp.Body.Close()
	after, _ := retry.After(resp.Header.Get("Retry-After"), time.Now(), laterMost)
	a := &answer{status: resp.StatusCode, after: after}
	a.body, _ = io.ReadAll(io.LimitReader(resp.Body, answerMost)) // what is lost of it changes nothing
	a.text = strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, http.StatusText(a.status), printable(wire.Clip(r.secrets.conceal(string(a.body)), wire.MaxReason))))
	return a, nil
}

// sentBody is a body that says when the transport is done with it: a receiver may answer
// before it read all.
type sentBody struct {
	bytes.Reader
	done func()
}

func (b *sentBody) Close() error {
	b.done()
	return nil
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

// err says what an answer means: nil is taken; a *Refusal is for good; all else is tried
// again. An address or credentials that are wrong lose nothing: somebody corrects them.
// Prometheus says of samples that are too old that the fault is its own (500).
func (a *answer) err() error {
	err, reason := errors.New(a.text), reasonOf(string(a.body))
	switch {
	case a.status >= 200 && a.status < 300:
		return nil
	case a.status == http.StatusRequestEntityTooLarge:
		return &Refusal{Reason: tooLarge, Err: err}
	case a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity || a.status == http.StatusConflict,
		a.status == http.StatusInternalServerError && known(reason):
		return &Refusal{Reason: reason, Err: err}
	}
	return &Later{Err: err, After: a.after}
}
