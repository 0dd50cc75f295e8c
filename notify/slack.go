package notify

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// Slack posts into a channel of Slack: by an incoming webhook, or as a bot, whose
// messages about an incident are a thread. https://docs.slack.dev/messaging
type Slack struct {
	URL     Text   `json:"url,omitempty" help:"the incoming webhook, as a reference; or token and channel"`
	Token   Secret `json:"token,omitempty" help:"of a bot, xoxb-..., with the scope chat:write"`
	Channel string `json:"channel,omitempty" help:"with token: id of the channel, such as C0123456789, or #name"`
	Server  Text   `json:"server,omitempty" help:"with token: where the API is"`
}

func slackKind() Kind {
	return newKind("slack", "posts to Slack by a webhook, or as a bot in threads", Slack{Server: "https://slack.com"})
}

// Sizes that Slack documents, in characters. The text of a block is 3,000.
const (
	slackTitle = 300
	slackText  = 3000
)

func (s *Slack) Validate() error {
	var p wire.Problems
	switch {
	case s.URL == "" && s.Token == "":
		p.Addf("url", "is missing: want url, or token and channel")
	case s.URL != "" && s.Token != "":
		p.Addf("url", "want url, or token and channel, not both")
	case s.URL != "":
		p.Add("", checkURL("url", s.URL, "https", "http"))
		if s.Channel != "" {
			p.Addf("channel", "a webhook has a channel of its own, got %q", wire.Clip(s.Channel, wire.MaxToken))
		}
	default:
		p.Add("", checkURL("server", s.Server, "https", "http"))
		p.Add("channel", wantWord(s.Channel))
	}
	return p.Err()
}

// To is the webhook, or the API.
func (s *Slack) To() []Text {
	if s.URL != "" {
		return []Text{s.URL}
	}
	return []Text{s.Server}
}

// Send posts. Slack has no field against repeats: a bot's message carries the key in
// its metadata.
func (s *Slack) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	if s.URL != "" {
		u, err := env.URL(s.URL)
		if err != nil {
			return Receipt{}, err
		}
		a, err := env.PostJSON(ctx, u, nil, s.post(m))
		if err != nil {
			return Receipt{}, err
		}
		return Receipt{Answer: a.String()}, nil
	}
	return s.sendAsBot(ctx, env, m)
}

func (s *Slack) sendAsBot(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(s.Server)
	if err != nil {
		return Receipt{}, err
	}
	token, err := For(env, s.Token, u)
	if err != nil {
		return Receipt{}, err
	}
	u = u.JoinPath("api", "chat.postMessage")
	post := s.post(m)
	post.Channel, post.Thread = s.Channel, m.Thread
	post.Broadcast = m.Thread != "" && (m.over() || m.Notice.Reason == wire.ReasonEscalated) // the channel sees it beside the thread
	post.Metadata = &slackMetadata{"netmon_notice", map[string]string{"key": m.Key(), "incident": m.Incident.ID}}
	r, err := slackCall(ctx, env, u, token, post)
	if err == nil && slices.Contains(slackNoThread, r.Error) {
		// Somebody deleted what the thread hangs on: this begins another.
		post.Thread, post.Broadcast = "", false
		r, err = slackCall(ctx, env, u, token, post)
	}
	if err != nil {
		return Receipt{}, err
	}
	switch {
	case r.OK && post.Thread == "":
		return Receipt{Answer: "ok " + r.TS, Thread: r.TS}, nil
	case r.OK:
		return Receipt{Answer: "ok " + r.TS}, nil
	case slices.Contains(slackLater, r.Error):
		return Receipt{}, fmt.Errorf("slack answers %q", Line(r.Error))
	}
	return Receipt{}, Refuse("slack answers %q", env.Short(r.Error))
}

// Errors that Slack sends with 200: those that pass, and those about the thread alone.
var (
	slackLater    = []string{"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "internal_error", "fatal_error", "request_timeout", "team_added_to_org"}
	slackNoThread = []string{"thread_not_found", "message_not_found", "cannot_reply_to_message", "invalid_thread_ts"}
)

type slackAnswer struct {
	OK    bool   `json:"ok"`
	Error string `json:"error"`
	TS    string `json:"ts"`
}

func slackCall(ctx context.Context, env *Env, u *url.URL, token string, post slackPost) (r slackAnswer, err error) {
	header := http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json; charset=utf-8"}}
	a, err := env.PostJSON(ctx, u, header, post)
	if err == nil {
		err = a.Decode(&r)
	}
	return r, err
}

// slackPost is what both ways take. Its texts are not parsed for markup, links to names
// or mentions.
type slackPost struct {
	Channel     string            `json:"channel,omitempty"`
	Text        string            `json:"text"` // the title, and what notifications show
	Markdown    bool              `json:"mrkdwn"`
	Parse       string            `json:"parse"`
	LinkNames   bool              `json:"link_names"`
	UnfurlLinks bool              `json:"unfurl_links"`
	UnfurlMedia bool              `json:"unfurl_media"`
	Attachments []slackAttachment `json:"attachments"`
	Thread      string            `json:"thread_ts,omitempty"`
	Broadcast   bool              `json:"reply_broadcast,omitempty"`
	Metadata    *slackMetadata    `json:"metadata,omitempty"`
}

type slackMetadata struct {
	Type    string            `json:"event_type"`
	Payload map[string]string `json:"event_payload"`
}

type slackAttachment struct {
	Color    string       `json:"color"`
	Fallback string       `json:"fallback"`
	Blocks   []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type     string          `json:"type"`
	Text     *slackTextPart  `json:"text,omitempty"`
	Elements []slackTextPart `json:"elements,omitempty"`
}

type slackTextPart struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji *bool  `json:"emoji,omitempty"` // of plain_text
}

func (s *Slack) post(m *Message) slackPost {
	title, no := slackEscape(Cut(m.Title, slackTitle)), false
	footer := m.Mesh + " · " + m.At.UTC().Format(time.RFC3339) + " · " + m.Incident.ID
	foot := []slackTextPart{{Type: "plain_text", Text: slackEscape(footer), Emoji: &no}}
	if m.Link != "" {
		foot = append(foot, slackTextPart{Type: "mrkdwn", Text: "<" + slackLink(m.Link) + "|open>"})
	}
	return slackPost{
		Text: title, Parse: "none",
		Attachments: []slackAttachment{{
			Color: fmt.Sprintf("#%06X", m.color()), Fallback: title,
			Blocks: []slackBlock{
				{Type: "section", Text: &slackTextPart{Type: "plain_text", Text: slackEscape(m.Fit(slackText, sizeOf(slackEscape, utf16Len))), Emoji: &no}},
				{Type: "context", Elements: foot},
			},
		}},
	}
}

// slackEscape escapes the three characters that begin links and mentions, such as
// <!channel>.
func slackEscape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// slackLink keeps a URL from ending the link that it is in.
func slackLink(s string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C").Replace(s)
}
