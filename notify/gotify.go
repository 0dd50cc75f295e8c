package notify

import (
	"context"
	"net/http"

	"netmon/wire"
)

// Gotify sends to an application of a Gotify server. https://gotify.net/api-docs
type Gotify struct {
	Server   Text   `json:"server" help:"such as https://gotify.example.org"`
	Token    Secret `json:"token" help:"of the application"`
	Priority *int   `json:"priority,omitempty" help:"0 to 10; default: 8 for down, 6 for what is nearly so, 5 and less else"`
}

func gotifyKind() Kind {
	return newKind("gotify", "sends to an application of Gotify", Gotify{})
}

// gotifyText bounds a message, for which Gotify documents no size: phones get it by a
// web socket, whole.
const gotifyText = 16 << 10

func (g *Gotify) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("server", g.Server, "https", "http"))
	p.Add("token", wantSecret(g.Token))
	if g.Priority != nil && (*g.Priority < 0 || *g.Priority > 10) {
		p.Addf("priority", "want 0 to 10, got %d", *g.Priority)
	}
	return p.Err()
}

// To is the server.
func (g *Gotify) To() []Text { return []Text{g.Server} }

type gotifyPost struct {
	Title    string                    `json:"title"`
	Message  string                    `json:"message"`
	Priority int                       `json:"priority"`
	Extras   map[string]map[string]any `json:"extras"`
}

// Send posts. Gotify has no field against repeats: what it keeps beside the message has
// the key.
func (g *Gotify) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(g.Server)
	if err != nil {
		return Receipt{}, err
	}
	token, err := For(env, g.Token, u)
	if err != nil {
		return Receipt{}, err
	}
	post := gotifyPost{
		Title: m.Title, Message: m.Fit(gotifyText, jsonLen), Priority: g.priority(m),
		Extras: map[string]map[string]any{
			"client::display": {"contentType": "text/plain"},
			"netmon::notice":  {"key": m.Key(), "incident": m.Incident.ID},
		},
	}
	if m.Link != "" {
		post.Extras["client::notification"] = map[string]any{"click": map[string]string{"url": m.Link}}
	}
	a, err := env.PostJSON(ctx, u.JoinPath("message"), http.Header{"X-Gotify-Key": {token}}, post)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}

func (g *Gotify) priority(m *Message) int {
	switch {
	case m.over():
		return 4 // it makes no sound
	case g.Priority != nil:
		return *g.Priority
	}
	return [...]int{3, 5, 6, 8}[m.level()]
}
