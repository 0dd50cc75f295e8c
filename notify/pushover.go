package notify

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// Pushover sends to a user's or group's phones. With emergency, what is down rings until
// somebody takes note of it there, here, or it is over. https://pushover.net/api
type Pushover struct {
	Token     Secret        `json:"token" help:"of the application"`
	User      Secret        `json:"user" help:"the key of the user or group"`
	Device    List          `json:"device,omitempty" help:"names of devices; default: all"`
	Emergency bool          `json:"emergency,omitempty" help:"what is down rings again every retry, until somebody acknowledges it"`
	Retry     wire.Duration `json:"retry,omitempty" zero:"no" help:"of emergency: at least 30s"`
	Expire    wire.Duration `json:"expire,omitempty" zero:"no" help:"of emergency: for how long, at most 3h"`
	Sound     string        `json:"sound,omitempty" help:"name of a sound"`
	Server    Text          `json:"server,omitempty" help:"where the API is"`
}

func pushoverKind() Kind {
	return newKind("pushover", "sends to phones by Pushover", Pushover{Retry: wire.Duration(time.Minute), Expire: wire.Duration(time.Hour), Server: "https://api.pushover.net"})
}

// Sizes that Pushover documents, in characters.
const (
	pushoverTitle = 250
	pushoverText  = 1024
	pushoverURL   = 512
)

func (o *Pushover) Validate() error {
	var p wire.Problems
	p.Add("token", wantSecret(o.Token))
	p.Add("user", wantSecret(o.User))
	for _, d := range o.Device {
		if err := wire.CheckToken(d); err != nil || len(d) > 25 {
			p.Addf("device", "want names of at most 25 letters, digits, - and _, got %q", wire.Clip(d, wire.MaxToken))
		}
	}
	if o.Retry < wire.Duration(30*time.Second) || o.Retry > wire.Duration(3*time.Hour) {
		p.Addf("retry", "want 30s to 3h, got %q", o.Retry)
	}
	if o.Expire < o.Retry || o.Expire > wire.Duration(3*time.Hour) {
		p.Addf("expire", "want retry to 3h, got %q", o.Expire)
	}
	if o.Sound != "" {
		p.Add("sound", wantWord(o.Sound))
	}
	p.Add("", checkURL("server", o.Server, "https", "http"))
	return p.Err()
}

// To is the API.
func (o *Pushover) To() []Text { return []Text{o.Server} }

// Send posts a form. What rang as an emergency is silenced once somebody acknowledges
// the incident, or it is over. Pushover has no field against repeats.
func (o *Pushover) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(o.Server)
	if err != nil {
		return Receipt{}, err
	}
	token, err := For(env, o.Token, u)
	if err != nil {
		return Receipt{}, err
	}
	user, err := For(env, o.User, u)
	if err != nil {
		return Receipt{}, err
	}
	if o.Emergency && (m.over() || m.acknowledged()) {
		cancel := url.Values{"token": {token}}
		_, err := pushoverCall(ctx, env, u.JoinPath("1", "receipts", "cancel_by_tag", url.PathEscape(m.Incident.ID)+".json"), cancel)
		if refused := new(*Refusal); err != nil && !errors.As(err, refused) { // what cannot be silenced is sent anyway
			return Receipt{}, err
		}
	}
	a, err := pushoverCall(ctx, env, u.JoinPath("1", "messages.json"), o.form(m, token, user))
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}

func pushoverCall(ctx context.Context, env *Env, u *url.URL, form url.Values) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := env.Do(req)
	if err != nil {
		return nil, err
	}
	var r struct {
		Status int `json:"status"`
	}
	if err := a.Decode(&r); err != nil {
		return nil, err
	}
	if r.Status != 1 {
		return nil, Refuse("%s", a)
	}
	return a, nil
}

func (o *Pushover) form(m *Message, token, user string) url.Values {
	form := url.Values{
		"token": {token}, "user": {user},
		"title": {cutUnits(m.Title, pushoverTitle)}, "message": {m.Fit(pushoverText, utf16Len)},
		"timestamp": {strconv.FormatInt(m.At.Unix(), 10)}, "priority": {strconv.Itoa(o.priority(m))},
	}
	if form.Get("priority") == "2" {
		form.Set("retry", strconv.Itoa(int(time.Duration(o.Retry).Seconds())))
		form.Set("expire", strconv.Itoa(int(time.Duration(o.Expire).Seconds())))
		form.Set("tags", m.Incident.ID)
	}
	if len(o.Device) > 0 {
		form.Set("device", strings.Join(o.Device, ","))
	}
	if o.Sound != "" {
		form.Set("sound", o.Sound)
	}
	if m.Link != "" && len(m.Link) <= pushoverURL {
		form.Set("url", m.Link)
		form.Set("url_title", "open")
	}
	return form
}

func (o *Pushover) priority(m *Message) int {
	switch {
	case m.over(), m.acknowledged():
		return 0
	case m.level() == levelCritical && o.Emergency:
		return 2
	case m.level() >= levelError:
		return 1
	}
	return 0
}
