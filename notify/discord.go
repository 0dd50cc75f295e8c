package notify

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"netmon/wire"
)

// Discord posts by a webhook of a channel. In a forum channel an incident is a thread.
// https://discord.com/developers/docs/resources/webhook#execute-webhook
type Discord struct {
	URL      Text   `json:"url" help:"the webhook, as a reference"`
	Username string `json:"username,omitempty" help:"the name that the posts are from"`
	Thread   string `json:"thread,omitempty" help:"id of an existing thread in the channel"`
	Forum    bool   `json:"forum,omitempty" help:"the channel is a forum: each incident gets a thread"`
}

func discordKind() Kind {
	return newKind("discord", "posts to Discord by a webhook", Discord{Username: "netmon"})
}

// Sizes that Discord documents, in characters; all of an embed has 6,000.
const (
	discordTitle  = 256
	discordText   = 4096
	discordThread = 100
	discordName   = 80
)

func (d *Discord) Validate() error {
	var p wire.Problems
	p.Add("", checkURL("url", d.URL, "https", "http"))
	if low := strings.ToLower(d.Username); len([]rune(d.Username)) > discordName || Line(d.Username) != d.Username || strings.Contains(low, "discord") || strings.Contains(low, "clyde") {
		p.Addf("username", "want at most %d characters without the words discord and clyde, got %q", discordName, wire.Clip(d.Username, 2*discordName))
	}
	if strings.Trim(d.Thread, "0123456789") != "" || len(d.Thread) > wire.MaxToken {
		p.Addf("thread", "want the digits of an id, got %q", wire.Clip(d.Thread, wire.MaxToken))
	}
	if d.Thread != "" && d.Forum {
		p.Addf("forum", "want thread or forum, not both")
	}
	return p.Err()
}

// To is the webhook.
func (d *Discord) To() []Text { return []Text{d.URL} }

// Send posts, and waits until Discord has stored it. It has no field against repeats.
func (d *Discord) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(d.URL)
	if err != nil {
		return Receipt{}, err
	}
	post := d.post(m)
	thread := d.Thread
	if d.Forum {
		thread = m.Thread
	}
	r, err := discordCall(ctx, env, u, thread, post)
	if r.Code == discordNoThread && d.Forum && thread != "" {
		r, err = discordCall(ctx, env, u, "", post) // somebody deleted the thread: this begins another
	}
	if err != nil {
		return Receipt{}, err
	}
	out := Receipt{Answer: "200 OK " + Line(r.ID)}
	if d.Forum {
		out.Thread = r.Channel
	}
	return out, nil
}

// discordNoThread is the code of "Unknown Channel", which a thread is, too.
const discordNoThread = 10003

type discordAnswer struct {
	ID      string `json:"id"`
	Channel string `json:"channel_id"` // a thread is one
	Code    int    `json:"code"`
}

func discordCall(ctx context.Context, env *Env, u *url.URL, thread string, post discordPost) (r discordAnswer, err error) {
	q := u.Query()
	q.Set("wait", "true")
	to := *u
	if thread != "" {
		q.Set("thread_id", thread)
		post.Thread = ""
	}
	to.RawQuery = q.Encode()
	a, err := env.PostJSON(ctx, &to, nil, post)
	if a != nil {
		_ = json.Unmarshal(a.Body, &r) // an answer without JSON has no code and no id
	}
	return r, err
}

// discordPost notifies nobody whom a text mentions.
type discordPost struct {
	Username string          `json:"username,omitempty"`
	Mentions discordMentions `json:"allowed_mentions"`
	Embeds   []discordEmbed  `json:"embeds"`
	Thread   string          `json:"thread_name,omitempty"`
}

type discordMentions struct {
	Parse []string `json:"parse"`
}

type discordEmbed struct {
	Title  string            `json:"title"`
	Text   string            `json:"description"`
	URL    string            `json:"url,omitempty"`
	Color  int               `json:"color"`
	Time   time.Time         `json:"timestamp"`
	Footer map[string]string `json:"footer"`
}

func (d *Discord) post(m *Message) discordPost {
	post := discordPost{
		Username: d.Username,
		Mentions: discordMentions{Parse: []string{}},
		Embeds: []discordEmbed{{
			Title: fitEscaped(m.Title, discordTitle, Markdown, utf16Len),
			Text:  Markdown(m.Fit(discordText, sizeOf(Markdown, utf16Len))),
			URL:   m.Link, Color: m.color(), Time: m.At.UTC(),
			Footer: map[string]string{"text": cutUnits(m.Mesh+" · "+m.Incident.ID, discordTitle)},
		}},
	}
	if d.Forum {
		post.Thread = cutUnits(m.Title, discordThread)
	}
	return post
}

// cutUnits is Cut for services that count in units of UTF-16.
func cutUnits(s string, most int) string {
	for n := most; utf16Len(s) > most; n-- {
		s = Cut(s, n)
	}
	return s
}

// fitEscaped escapes as much of one line as there is room for afterwards.
func fitEscaped(s string, most int, escape func(string) string, size func(string) int) string {
	return escape(cutLines([]string{s}, most, sizeOf(escape, size)))
}
