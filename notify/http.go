package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"netmon/internal/retry"
	"netmon/wire"
)

// maxAnswer bounds what is read of an HTTP answer, in bytes.
const maxAnswer = 64 << 10

// Answer is an HTTP answer that took the message.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // the first 64 KiB, as they came

	short string // without secrets
}

// String is the answer in short, without secrets.
func (a *Answer) String() string { return a.short }

// Decode reads a body in JSON.
func (a *Answer) Decode(v any) error {
	if err := json.Unmarshal(a.Body, v); err != nil {
		return fmt.Errorf("the answer is not what was expected: %s", a)
	}
	return nil
}

// Do sends a request and says what the answer means: 2xx is taken; 429, 408, 425 and
// 5xx are asked again, after Retry-After where it says so; a redirect and every other
// answer is a [*Refusal]. What is wrong with the connection is asked again.
func (e *Env) Do(req *http.Request) (*Answer, error) {
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "netmon/"+e.Version)
	}
	resp, err := e.HTTP.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL, which may hold secrets
		}
		return nil, fmt.Errorf("%s %s: %w", strings.ToLower(req.Method), req.URL.Host, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer)) // what is lost of it changes nothing
	a := &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, short: e.answerText(resp.StatusCode, body)}
	if a.Status >= 200 && a.Status < 300 {
		return a, nil // it was taken, also where the rest of the answer is lost
	}
	return a, judgeStatus(a.Status, resp.Header.Get("Retry-After"), errors.New(a.String()))
}

// judgeStatus says of an answer that is not 2xx whether it is for good, and when to ask
// again.
func judgeStatus(status int, after string, err error) error {
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusTooEarly || status >= 500:
		if wait, ok := retry.After(after, time.Now(), maxRetryAfter); ok {
			return &Later{err, wait}
		}
		return err
	case status >= 300 && status < 400:
		return Refuse("%d %s: redirects are not followed: give the URL that it leads to", status, http.StatusText(status))
	}
	return &Refusal{err}
}

// PostJSON posts a value as JSON, without escaping < > & as HTML does.
func (e *Env) PostJSON(ctx context.Context, u *url.URL, header http.Header, v any) (*Answer, error) {
	return e.SendJSON(ctx, http.MethodPost, u, header, v)
}

// SendJSON is PostJSON with a method.
func (e *Env) SendJSON(ctx context.Context, method string, u *url.URL, header http.Header, v any) (*Answer, error) {
	body, err := encodeJSON(v)
	if err != nil {
		return nil, Refuse("encode: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("make the request: its method or URL cannot be used")
	}
	if header != nil {
		req.Header = header.Clone()
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return e.Do(req)
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// maxRetryAfter is how long a service may have us wait.
const maxRetryAfter = 24 * time.Hour

func (e *Env) answerText(status int, body []byte) string {
	text := e.Conceal(string(body))
	if len(body) == maxAnswer {
		text = text[:len(text)/2] // a secret may be cut at the end
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", status, http.StatusText(status), wire.Clip(Line(text), wire.MaxText)))
}
