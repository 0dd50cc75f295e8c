package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"netmon/internal/retry"
	"netmon/wire"
)

// Telegram sends as a bot into a chat. What follows is a reply to the first message
// about an incident. https://core.telegram.org/bots/api#sendmessage
type Telegram struct {
	Token  Secret `json:"token" help:"of the bot, which @BotFather gives"`
	Chat   string `json:"chat" help:"id of the chat, such as -1001234567890, or @channel"`
	Topic  int64  `json:"topic,omitempty" help:"message_thread_id of a topic, in groups that have them"`
	Silent bool   `json:"silent,omitempty" help:"without a sound, but for what is down"`
	Server Text   `json:"server,omitempty" help:"where the API is"`
}

func telegramKind() Kind {
	return newKind("telegram", "sends as a bot into a chat of Telegram", Telegram{Server: "https://api.telegram.org"})
}

// telegramText is the size of a message, in units of UTF-16, once its HTML is read.
const telegramText = 4096

func (t *Telegram) Validate() error {
	var p wire.Problems
	p.Add("token", wantSecret(t.Token))
	p.Add("chat", wantWord(t.Chat))
	if t.Chat != "" && t.Chat[0] != '@' {
		if _, err := strconv.ParseInt(t.Chat, 10, 64); err != nil {
			p.Addf("chat", "want a number, or @channel, got %q", wire.Clip(t.Chat, wire.MaxToken))
		}
	}
	if t.Topic < 0 {
		p.Addf("topic", "want more than 0, got %d", t.Topic)
	}
	p.Add("", checkURL("server", t.Server, "https", "http"))
	return p.Err()
}

// To is the API.
func (t *Telegram) To() []Text { return []Text{t.Server} }

// telegramPost is a sendMessage. Links in it show nothing of where they lead.
type telegramPost struct {
	Chat    string          `json:"chat_id"`
	Topic   int64           `json:"message_thread_id,omitempty"`
	Text    string          `json:"text"`
	Parse   string          `json:"parse_mode"`
	Preview map[string]bool `json:"link_preview_options"`
	Silent  bool            `json:"disable_notification,omitempty"`
	Reply   *telegramReply  `json:"reply_parameters,omitempty"`
}

type telegramReply struct {
	Message int64 `json:"message_id"`
	Anyway  bool  `json:"allow_sending_without_reply"` // where somebody deleted it
}

// Send sends. Telegram has no field against repeats.
func (t *Telegram) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	u, err := env.URL(t.Server)
	if err != nil {
		return Receipt{}, err
	}
	token, err := For(env, t.Token, u)
	if err != nil {
		return Receipt{}, err
	}
	post := telegramPost{
		Chat: t.Chat, Topic: t.Topic, Parse: "HTML", Preview: map[string]bool{"is_disabled": true},
		Silent: t.Silent && (m.over() || m.level() < levelError),
		Text:   "<b>" + HTML(m.Title) + "</b>\n",
	}
	room := telegramText - utf16Len(m.Title) - 1
	link := ""
	if m.Link != "" {
		link = "\n<a href=\"" + HTML(m.Link) + "\">open</a>"
		room -= len("\nopen")
	}
	post.Text += HTML(m.Fit(room, utf16Len)) + link
	if id, err := strconv.ParseInt(m.Thread, 10, 64); err == nil {
		post.Reply = &telegramReply{id, true}
	}
	a, err := env.PostJSON(ctx, u.JoinPath(url.PathEscape("bot"+token), "sendMessage"), nil, post)
	if err != nil {
		return Receipt{}, telegramError(a, err)
	}
	var r struct {
		OK     bool `json:"ok"`
		Result struct {
			Message int64 `json:"message_id"`
		} `json:"result"`
		Description string `json:"description"`
	}
	if err := a.Decode(&r); err != nil {
		return Receipt{}, err
	}
	if !r.OK {
		return Receipt{}, Refuse("telegram answers %q", env.Short(r.Description))
	}
	id := strconv.FormatInt(r.Result.Message, 10)
	if m.Thread != "" {
		return Receipt{Answer: "ok " + id}, nil
	}
	return Receipt{Answer: "ok " + id, Thread: id}, nil
}

// telegramError says when to ask again, or where the chat went, which is in the
// answer's parameters.
func telegramError(a *Answer, err error) error {
	if a == nil {
		return err
	}
	var r struct {
		Parameters struct {
			RetryAfter float64 `json:"retry_after"`
			MigratedTo int64   `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	if json.Unmarshal(a.Body, &r) != nil {
		return err
	}
	return retryIn(movedTo(err, r.Parameters.MigratedTo), r.Parameters.RetryAfter)
}

func movedTo(err error, chat int64) error {
	var refusal *Refusal
	if chat == 0 || !errors.As(err, &refusal) {
		return err
	}
	return Refuse("%w: the chat is %d now: write that as chat", refusal.Err, chat)
}

// retryIn makes a [Later] of an answer whose body says in how many seconds to ask again,
// where no header did. What was refused stays so.
func retryIn(err error, seconds float64) error {
	var refusal *Refusal
	var later *Later
	if seconds <= 0 || errors.As(err, &refusal) || errors.As(err, &later) {
		return err
	}
	after, _ := retry.After(fmt.Sprint(seconds), time.Time{}, maxRetryAfter)
	return &Later{err, after}
}
