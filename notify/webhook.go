package notify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"netmon/wire"
)

// Webhook sends a Payload, or what a template makes of the message, to a URL.
type Webhook struct {
	URL     Text            `json:"url" help:"where to"`
	Method  string          `json:"method,omitempty" enum:"POST,PUT,PATCH" help:"POST, PUT or PATCH"`
	Headers map[string]Text `json:"headers,omitempty" help:"more headers, such as Authorization: \"Bearer ${env:NETMON_SECRET_HOOK}\""`
	Secret  Secret          `json:"secret,omitempty" help:"signs each message in the header Netmon-Signature"`
	Type    string          `json:"type,omitempty" help:"Content-Type of the body"`
	Body    string          `json:"body,omitempty" help:"template of the body; default: the JSON below"`

	body *textTemplate
}

func webhookKind() Kind {
	return newKind("webhook", "sends JSON, or a body of your own, to a URL", Webhook{Method: http.MethodPost, Type: "application/json"})
}

// Headers that the request itself, or netmon, sets.
var ownHeaders = []string{"Connection", "Content-Length", "Content-Type", "Host", "Idempotency-Key", "Netmon-Signature", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func (w *Webhook) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("url", w.URL, "https", "http"))
	p.Add("method", oneOf(w.Method, http.MethodPost, http.MethodPut, http.MethodPatch))
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		at := "headers." + wire.Clip(name, wire.MaxToken)
		switch canonical := http.CanonicalHeaderKey(name); {
		case !httpguts.ValidHeaderFieldName(name):
			p.Addf(at, "want the name of a header, got %q", wire.Clip(name, wire.MaxToken))
		case slices.Contains(ownHeaders, canonical):
			p.Addf(at, "netmon sets this one itself")
		case !httpguts.ValidHeaderFieldValue(string(w.Headers[name])):
			p.Addf(at, "want text in one line, got %q", wire.Clip(string(w.Headers[name]), wire.MaxText))
		}
	}
	if !httpguts.ValidHeaderFieldValue(w.Type) || !strings.Contains(w.Type, "/") {
		p.Addf("type", "want a media type such as application/json, got %q", wire.Clip(w.Type, wire.MaxText))
	}
	if w.Body != "" {
		t, err := parseTemplate(w.Body, w.isJSON())
		w.body = t
		p.Add("body", err)
		if err == nil && w.isJSON() {
			p.Add("body", w.tryJSON())
		}
	}
	return p.Err()
}

func (w *Webhook) isJSON() bool { return strings.Contains(w.Type, "json") }

// tryJSON says whether the template makes JSON.
func (w *Webhook) tryJSON() error {
	for _, m := range samples() {
		d := dataOf(m, time.UTC, m.Incident.At)
		d.Title, d.Text = "a \"title\"", "a\ntext"
		text, err := w.body.execute(&d)
		if err != nil {
			return err
		}
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return fmt.Errorf("its output for a message that is %s is not JSON: %w", m.Notice.Reason, err)
		}
	}
	return nil
}

// To is the URL.
func (w *Webhook) To() []Text { return []Text{w.URL} }

// Send posts.
func (w *Webhook) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(w.URL)
	if err != nil {
		return Receipt{}, err
	}
	body, kind, err := w.make(m)
	if err != nil {
		return Receipt{}, err
	}
	req, err := http.NewRequestWithContext(ctx, w.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Receipt{}, errors.New("make the request: its method or URL cannot be used")
	}
	for name, value := range w.Headers {
		text, err := For(env, value, u)
		if err != nil {
			return Receipt{}, err
		}
		if !httpguts.ValidHeaderFieldValue(text) {
			return Receipt{}, fmt.Errorf("header %s: its secret holds what a header cannot, such as a line end", name)
		}
		req.Header.Set(name, text)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Idempotency-Key", m.Key())
	if w.Secret != "" {
		secret, err := For(env, w.Secret, u)
		if err != nil {
			return Receipt{}, err
		}
		req.Header.Set("Netmon-Signature", sign(secret, time.Now(), body))
	}
	a, err := env.Do(req)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}

// make is the body, and its type. Where the channel's template cannot make one of this
// message it is the default, in JSON.
func (w *Webhook) make(m *Message) (body []byte, kind string, err error) {
	if w.body != nil {
		body, err := w.own(m)
		if err == nil {
			return body, w.Type, nil
		}
		m.note("body", err)
		if !w.isJSON() {
			kind = "application/json"
		}
	}
	if body, err = encodeJSON(payloadOf(m)); err != nil {
		return nil, "", Refuse("encode: %w", err)
	}
	return body, cmp.Or(kind, w.Type), nil
}

// own is what the channel's template makes of a message.
func (w *Webhook) own(m *Message) ([]byte, error) {
	d := dataOf(m, m.zone(), m.At)
	d.Title, d.Text = m.Title, m.Text
	text, err := w.body.execute(&d)
	if err != nil {
		return nil, err
	}
	if w.isJSON() && !json.Valid([]byte(text)) {
		return nil, errors.New("the template's output for this message is not JSON")
	}
	return []byte(text), nil
}

// sign is the header by which a receiver knows that a message is netmon's, and new: the
// time, and the HMAC-SHA256 of the time, a dot and the body.
func sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
