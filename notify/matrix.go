package notify

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"netmon/wire"
)

// Matrix sends into a room of Matrix. The notice's key is the transaction, so that one
// that comes twice is one event; an incident is a thread.
// https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
type Matrix struct {
	Server Text   `json:"server" help:"the homeserver, such as https://matrix.example.org"`
	Token  Secret `json:"token" help:"an access token of the user who sends, who has joined the room"`
	Room   string `json:"room" help:"id of the room, such as !abc:example.org; not an alias"`
}

func matrixKind() Kind {
	return newKind("matrix", "sends into a room of Matrix, in threads", Matrix{})
}

// matrixText is what each of the two forms of a text may take, in bytes of JSON: an
// event has 65,536.
const matrixText = 24 << 10

func (x *Matrix) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("server", x.Server, "https", "http"))
	p.Add("token", wantSecret(x.Token))
	if err := wantWord(x.Room); err != nil || x.Room[0] != '!' || len(x.Room) > 255 {
		p.Addf("room", "want the id of a room, such as !abc:example.org, got %q", wire.Clip(x.Room, wire.MaxToken))
	}
	return p.Err()
}

// To is the homeserver.
func (x *Matrix) To() []Text { return []Text{x.Server} }

type matrixEvent struct {
	Type     string           `json:"msgtype"`
	Body     string           `json:"body"`
	Format   string           `json:"format"`
	HTML     string           `json:"formatted_body"`
	Mentions struct{}         `json:"m.mentions"` // nobody
	Relates  *matrixRelation  `json:"m.relates_to,omitempty"`
	Netmon   matrixProvenance `json:"netmon"`
}

type matrixRelation struct {
	Type     string            `json:"rel_type"`
	Event    string            `json:"event_id"`
	Fallback bool              `json:"is_falling_back"`
	Reply    map[string]string `json:"m.in_reply_to"`
}

// matrixProvenance says in a form for programs what the text says to people.
type matrixProvenance struct {
	Incident string `json:"incident"`
	Reason   string `json:"reason"`
	Severity string `json:"severity"`
	State    string `json:"state"`
}

// Send puts an event into the room.
func (x *Matrix) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(x.Server)
	if err != nil {
		return Receipt{}, err
	}
	token, err := For(env, x.Token, u)
	if err != nil {
		return Receipt{}, err
	}
	u = u.JoinPath("_matrix", "client", "v3", "rooms", url.PathEscape(x.Room), "send", "m.room.message", url.PathEscape(m.Key()))
	a, err := env.SendJSON(ctx, http.MethodPut, u, http.Header{"Authorization": {"Bearer " + token}}, matrixEventOf(m))
	if err != nil {
		return Receipt{}, matrixError(a, err)
	}
	var r struct {
		Event string `json:"event_id"`
	}
	if err := a.Decode(&r); err != nil {
		return Receipt{}, err
	}
	if m.Thread != "" {
		return Receipt{Answer: a.String()}, nil
	}
	return Receipt{Answer: a.String(), Thread: r.Event}, nil
}

// matrixError says when to ask again, which is in the answer.
func matrixError(a *Answer, err error) error {
	var r struct {
		RetryAfter float64 `json:"retry_after_ms"`
	}
	if a == nil || json.Unmarshal(a.Body, &r) != nil {
		return err
	}
	return retryIn(err, r.RetryAfter/1000)
}

func matrixEventOf(m *Message) matrixEvent {
	html := func(s string) string { return strings.ReplaceAll(HTML(s), "\n", "<br>") }
	text := m.Fit(matrixText, func(s string) int { return max(jsonLen(s), jsonLen(html(s))) })
	e := matrixEvent{
		Type: "m.text", Format: "org.matrix.custom.html", // a m.notice would ring for nobody
		Body:   m.Title + "\n" + text,
		HTML:   "<strong>" + HTML(m.Title) + "</strong><br>" + html(text),
		Netmon: matrixProvenance{m.Incident.ID, string(m.Notice.Reason), string(m.Incident.Severity), string(m.Incident.State)},
	}
	if m.Link != "" {
		e.Body += "\n" + m.Link
		e.HTML += `<br><a href="` + HTML(m.Link) + `">open</a>`
	}
	if m.Thread != "" {
		e.Relates = &matrixRelation{"m.thread", m.Thread, true, map[string]string{"event_id": m.Thread}}
	}
	return e
}
