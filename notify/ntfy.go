package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"netmon/wire"
)

// Ntfy publishes to a topic of ntfy.sh or another server. https://docs.ntfy.sh/publish
type Ntfy struct {
	Topic    string `json:"topic" help:"whoever knows it can read it, where the server has no access control"`
	Token    Secret `json:"token,omitempty" help:"an access token, tk_..."`
	User     string `json:"user,omitempty" help:"with password, in place of token"`
	Password Secret `json:"password,omitempty" help:"of user"`
	Priority int    `json:"priority,omitempty" help:"1 to 5; default: 5 for down, 4 for what is nearly so, 3 else"`
	Tags     List   `json:"tags,omitempty" help:"tags and emojis beside those of the state"`
	Update   bool   `json:"update,omitempty" help:"one notification for an incident, which changes; default: one for each message"`
	Server   Text   `json:"server,omitempty" help:"where the server is"`
}

func ntfyKind() Kind {
	return newKind("ntfy", "publishes to a topic of ntfy", Ntfy{Server: "https://ntfy.sh"})
}

// Sizes: a message of over 4,096 bytes becomes an attachment, and JSON of over twice
// that is refused.
const (
	ntfyText  = 4096
	ntfyJSON  = 2*4096 - 2800 // of the message; the rest is for the other fields
	ntfyTitle = 250
	ntfyClick = 1000
)

func (n *Ntfy) Validate() error {
	var p wire.Problems
	if err := wire.CheckToken(n.Topic); err != nil || len(n.Topic) > 64 {
		p.Addf("topic", "want 1 to 64 of A-Z, a-z, 0-9, - and _, got %q", wire.Clip(n.Topic, wire.MaxToken))
	}
	if n.Token != "" && n.User != "" {
		p.Addf("user", "want token, or user and password, not both: got %q", wire.Clip(n.User, wire.MaxToken))
	}
	p.Add("", checkUser(n.User, n.Password))
	if n.Priority < 0 || n.Priority > 5 {
		p.Addf("priority", "want 1 to 5, got %d", n.Priority)
	}
	for _, tag := range n.Tags {
		if err := wantWord(tag); err != nil {
			p.Addf("tags", "%w", err)
		}
	}
	p.Add("", checkURL("server", n.Server, "https", "http"))
	return p.Err()
}

// checkUser says what is wrong with a user and password that go into a header.
func checkUser(user string, password Secret) error {
	var p wire.Problems
	switch {
	case user == "" && password != "":
		p.Addf("user", "is missing: password is of one")
	case user != "" && password == "":
		p.Add("password", wantSecret(password))
	}
	if Line(user) != user || strings.Contains(user, ":") || len(user) > wire.MaxText {
		p.Addf("user", "want a name without colons, got %q", wire.Clip(user, wire.MaxToken))
	}
	return p.Err()
}

// authorize makes the header for a token, or for a user and password.
func authorize(env *Env, u *url.URL, token Secret, user string, password Secret) (http.Header, error) {
	header := http.Header{}
	switch {
	case token != "":
		v, err := For(env, token, u)
		if err != nil {
			return nil, err
		}
		header.Set("Authorization", "Bearer "+v)
	case user != "":
		v, err := For(env, password, u)
		if err != nil {
			return nil, err
		}
		env.keepOut(user + ":" + v) // which is in base64 there
		r := http.Request{Header: header}
		r.SetBasicAuth(user, v)
	}
	return header, nil
}

// To is the server.
func (n *Ntfy) To() []Text { return []Text{n.Server} }

type ntfyPost struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"`
	Tags     []string `json:"tags,omitempty"`
	Click    string   `json:"click,omitempty"`
	Sequence string   `json:"sequence_id"` // what comes twice under one replaces the first; servers before 2.16 do not know it
}

// Send publishes to the root of the server, where it takes JSON.
func (n *Ntfy) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(n.Server)
	if err != nil {
		return Receipt{}, err
	}
	header, err := authorize(env, u, n.Token, n.User, n.Password)
	if err != nil {
		return Receipt{}, err
	}
	key := m.Key()
	if n.Update {
		key = m.Incident.ID
	}
	post := ntfyPost{
		Topic: n.Topic, Title: Cut(m.Title, ntfyTitle), Priority: n.priority(m), Sequence: shortKey(key, 64),
		Message: m.Fit(ntfyText, func(s string) int { return max(len(s), jsonLen(s)*ntfyText/ntfyJSON) }),
		Tags:    append([]string{ntfyTag(m)}, n.Tags...),
	}
	if len(m.Link) <= ntfyClick {
		post.Click = m.Link
	}
	a, err := env.PostJSON(ctx, u, header, post)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{Answer: a.String()}, nil
}

func (n *Ntfy) priority(m *Message) int {
	switch {
	case m.over():
		return 3 // it wakes nobody
	case n.Priority > 0:
		return n.Priority
	}
	return [...]int{3, 3, 4, 5}[m.level()]
}

// ntfyTag is the name of an emoji.
func ntfyTag(m *Message) string {
	switch {
	case m.over():
		return "white_check_mark"
	case m.acknowledged():
		return "eyes"
	}
	return [...]string{"information_source", "warning", "warning", "rotating_light"}[m.level()]
}

// shortKey is a key that a service takes at most so many bytes of: a longer one is
// replaced by its hash, which is the same each time.
func shortKey(key string, most int) string {
	if len(key) <= most {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}
