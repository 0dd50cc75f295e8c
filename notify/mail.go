package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strings"

	"netmon/wire"
)

// Mail sends by SMTP. Messages about an incident are a thread, and each recipient has a
// fate of its own: who took a message is not sent it again because another one did not.
type Mail struct {
	Recipients List   `json:"to" help:"addresses, such as ops@example.org or Ops <ops@example.org>"`
	From       string `json:"from,omitempty" help:"address of the sender; default: user where that is an address, else netmon@ the domain of the first recipient"`
	Server     Text   `json:"server" help:"HOST:PORT, such as smtp.example.org:587"`
	TLS        string `json:"tls,omitempty" enum:"starttls,tls,none" help:"starttls, tls (from the first byte, usual on port 465) or none; default: starttls, on port 465 tls"`
	CA         Text   `json:"ca,omitempty" help:"certificates in PEM, as a reference, by which the server's is checked; default: those of the system"`
	User       string `json:"user,omitempty" help:"name to log in with"`
	Password   Secret `json:"password,omitempty" help:"password, or with xoauth2 the token"`
	Auth       string `json:"auth,omitempty" enum:"auto,plain,login,xoauth2,cram-md5,scram-sha-256" help:"auto, plain, login, xoauth2, cram-md5 or scram-sha-256"`
	Hello      string `json:"hello,omitempty" help:"name that this host calls itself; default: its name"`

	to   []*mail.Address
	from *mail.Address
}

func mailKind() Kind {
	return newKind("mail", "sends mail by SMTP, in threads", Mail{Auth: "auto"})
}

// maxRecipients bounds those of one channel.
const maxRecipients = 100

func (c *Mail) Validate() error {
	var p wire.Problems
	c.to = nil
	if len(c.Recipients) == 0 || len(c.Recipients) > maxRecipients {
		p.Addf("to", "want 1 to %d addresses, got %d", maxRecipients, len(c.Recipients))
	}
	for i, text := range c.Recipients {
		a, err := address(text)
		p.Add(fmt.Sprintf("to[%d]", i), err)
		if err == nil && slices.ContainsFunc(c.to, func(b *mail.Address) bool { return b.Address == a.Address }) {
			p.Addf(fmt.Sprintf("to[%d]", i), "%q is listed twice", a.Address)
		}
		if err == nil {
			c.to = append(c.to, a)
		}
	}
	p.Add("", c.checkFrom())
	dest, err := destinationOf(c.Server)
	p.Add("server", err)
	if c.TLS != "" {
		p.Add("tls", oneOf(c.TLS, "starttls", "tls", "none"))
	}
	p.Add("auth", oneOf(c.Auth, "auto", "plain", "login", "xoauth2", "cram-md5", "scram-sha-256"))
	if (c.User == "") != (c.Password == "") {
		p.Addf("user", "want user and password, or neither")
	}
	if Line(c.User) != c.User || len(c.User) > wire.MaxText {
		p.Addf("user", "want a name in one line, got %q", wire.Clip(c.User, wire.MaxToken))
	}
	if c.TLS == "none" && c.Password != "" && err == nil && !thisHost(dest.Host) {
		p.Addf("tls", "a password is not sent without TLS: want starttls or tls, got %q", c.TLS)
	}
	if c.Hello != "" && (Line(c.Hello) != c.Hello || strings.Contains(c.Hello, " ") || len(c.Hello) > 255) {
		p.Addf("hello", "want the name of a host, got %q", wire.Clip(c.Hello, wire.MaxText))
	}
	return p.Err()
}

func (c *Mail) checkFrom() error {
	text := c.From
	if text == "" && strings.Contains(c.User, "@") {
		text = c.User
	}
	if text == "" && len(c.to) > 0 {
		text = "netmon@" + domain(c.to[0])
	}
	if text == "" {
		return nil // there is no recipient, which was said
	}
	var err error
	if c.from, err = address(text); err != nil {
		return &wire.FieldError{Path: "from", Err: err}
	}
	if c.from.Name == "" {
		c.from.Name = "netmon"
	}
	return nil
}

func address(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || Line(text) != text || len(text) > 320 || domain(a) == "" || strings.ContainsAny(a.Address, " <>\"") {
		return nil, fmt.Errorf("want an address such as ops@example.org, got %q", wire.Clip(text, wire.MaxText))
	}
	return a, nil
}

func domain(a *mail.Address) string { return a.Address[strings.LastIndex(a.Address, "@")+1:] }

func destinationOf(t Text) (Destination, error) {
	if strings.Contains(string(t), "${") || strings.Contains(string(t), "://") {
		return Destination{}, fmt.Errorf("want HOST:PORT such as smtp.example.org:587, got %q", wire.Clip(string(t), wire.MaxText))
	}
	if t == "" {
		return Destination{}, errors.New("is missing: want HOST:PORT such as smtp.example.org:587")
	}
	place, err := parseDestination(string(t))
	if err != nil {
		return Destination{}, fmt.Errorf("want HOST:PORT such as smtp.example.org:587, got %q", wire.Clip(string(t), wire.MaxText))
	}
	return place, nil
}

func thisHost(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// To is the server.
func (c *Mail) To() []Text { return []Text{c.Server} }

// secured is how TLS is used.
func (c *Mail) secured(port uint16) string {
	switch {
	case c.TLS != "":
		return c.TLS
	case port == 465:
		return "tls"
	}
	return "starttls"
}

// mailThread is what a channel keeps of an incident: the first message that somebody
// took, and who took the newest one while others have not.
type mailThread struct {
	first string   // its Message-ID, without brackets
	key   string   // of the message that some took
	done  []string // marks of those who took it, or never will
}

func parseThread(text string) (t mailThread) {
	words := strings.Fields(text)
	if len(words) > 0 {
		t.first = strings.TrimPrefix(words[0], "-")
	}
	if len(words) > 2 {
		t.key, t.done = words[1], words[2:]
	}
	return t
}

func (t mailThread) String() string {
	first := t.first
	if first == "" {
		first = "-"
	}
	if t.key == "" {
		return first
	}
	return strings.Join(append([]string{first, t.key}, t.done...), " ")
}

// mark stands for a recipient.
func mark(a *mail.Address) string {
	sum := sha256.Sum256([]byte(strings.ToLower(a.Address)))
	return hex.EncodeToString(sum[:4])
}

// Send sends to those who have not got the message yet. When some have and others are to
// be asked again, the receipt that comes with the error says who has.
func (c *Mail) Send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	t := parseThread(m.Thread)
	if t.key != m.Key() {
		t.key, t.done = "", nil
	}
	var todo []*mail.Address
	for _, a := range c.to {
		if !slices.Contains(t.done, mark(a)) {
			todo = append(todo, a)
		}
	}
	if len(todo) == 0 { // some took it, and the others are not recipients any more
		return Receipt{Answer: "all recipients were accepted", Thread: mailThread{first: t.first}.String()}, nil
	}
	id := messageID(m, c.from)
	text, err := c.compose(m, id, t.first)
	if err != nil {
		return Receipt{}, Refuse("compose the mail: %w", err)
	}
	fates, err := c.transmit(ctx, env, todo, text)
	if err != nil {
		return Receipt{}, err
	}
	return combineFates(t, m.Key(), id, len(c.to)-len(todo), fates)
}

// fate is what became of one recipient.
type fate struct {
	to  *mail.Address
	err error // nil: the server took it for them
}

// combineFates makes one outcome of those of the recipients; before had it, or never
// will, already.
func combineFates(t mailThread, key, id string, before int, fates []fate) (Receipt, error) {
	var later, never, took []string
	var pause *Later
	for _, f := range fates {
		var refusal *Refusal
		switch {
		case f.err == nil:
			took = append(took, f.to.Address)
		case errors.As(f.err, &refusal):
			never = append(never, f.to.Address+": "+f.err.Error())
		default:
			later = append(later, f.to.Address+": "+f.err.Error())
			errors.As(f.err, &pause)
		}
		if f.err == nil || refusal != nil {
			t.done = append(t.done, mark(f.to))
		}
	}
	if len(took) > 0 && t.first == "" {
		t.first = id
	}
	all := before + len(fates)
	switch {
	case len(later) > 0:
		t.key = key
		if len(t.done) == 0 {
			t.key = ""
		}
		return Receipt{Thread: t.String()}, fmt.Errorf("%d of %d recipients: %s", len(later), all, strings.Join(later, "; "))
	case len(took) == 0 && before == 0:
		return Receipt{}, Refuse("%s", strings.Join(never, "; "))
	}
	answer := fmt.Sprintf("accepted for %d of %d", all-len(never), all)
	if len(never) > 0 {
		answer += ", refused for " + strings.Join(never, "; ")
	}
	return Receipt{Answer: answer, Thread: mailThread{first: t.first}.String()}, nil
}
