package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"netmon/wire"
)

// render writes the title and the text of a message, by the channel's templates where
// it has some. What one of them cannot write of this message is the default, and noted.
func (c *channel) render(m *Message, now time.Time) {
	d := dataOf(m, c.texts.zone, now)
	m.At, m.Zone = now, c.texts.zone
	m.Title, m.Head, m.Members = defaultTitle(&d), defaultHead(&d), defaultMembers(&d)
	m.Text = fitLines(m.Head, m.Members, c.kind.MaxText)
	d.Title, d.Text = m.Title, m.Text
	if t := c.texts.title; t != nil {
		text, err := t.execute(&d)
		if text = Line(text); err != nil {
			m.note("title", err)
		} else if text != "" {
			m.Title = wire.Clip(text, maxTitle)
		}
	}
	if t := c.texts.text; t != nil {
		text, err := t.execute(&d)
		if err != nil {
			m.note("text", err)
			return
		}
		m.Text = wire.Clip(strings.Trim(Plain(text), "\n"), c.kind.MaxText)
		m.Head, m.Members = strings.Split(m.Text, "\n"), nil
	}
}

// note notes what is wrong with a template of the channel: somebody has to learn of the
// incident anyway.
func (m *Message) note(field string, err error) {
	m.mistakes = append(m.mistakes, field+": "+err.Error())
}

// maxMistake leaves room for what the other side said, in bytes.
const maxMistake = 500

// send sends a message, and says with the answer what was wrong with its templates.
func (c *channel) send(ctx context.Context, env *Env, m *Message) (Receipt, error) {
	r, err := c.sender.Send(ctx, env, m)
	if err != nil || len(m.mistakes) == 0 {
		return r, err
	}
	r.Mistake = wire.Clip(env.Short("sent with the default in place of "+strings.Join(m.mistakes, "; ")), maxMistake)
	r.Answer = strings.TrimSuffix(r.Mistake+"; "+r.Answer, "; ")
	return r, nil
}

func defaultTitle(d *Data) string {
	title := d.Status + ": " + d.Summary
	if d.Mesh != "" && d.Mesh != "netmon" {
		title = "[" + d.Mesh + "] " + title
	}
	return wire.Clip(title, maxTitle)
}

func defaultHead(d *Data) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case d.Test:
		add("This is a test of the channel %s: nothing is wrong.", d.Channel)
	case d.Summary != "":
		add("%s", d.Summary)
	}
	if d.Resolved != "" {
		add("From %s to %s, %s.", d.Opened, d.Resolved, d.Lasts)
	} else {
		add("Since %s, for %s.", d.Opened, d.Lasts)
	}
	if d.Cause != "" {
		add("In common: %s.", d.Cause)
	}
	if d.Blame != "" {
		fault, uncertain := d.Blame, ""
		if d.BlameWhy != "" {
			fault += ": " + d.BlameWhy
		}
		if !d.BlameSure && d.Blame != string(wire.BlameUnclear) {
			uncertain = " (not sure)"
		}
		add("Fault: %s%s", fault, uncertain)
	}
	if d.Acked {
		text := fmt.Sprintf("Acknowledged by %s at %s", d.AckBy, d.AckAt)
		if d.AckText != "" {
			text += ": " + Line(d.AckText)
		}
		add("%s", text)
	}
	if len(d.Muted) > 0 {
		add("Muted by %s.", strings.Join(d.Muted, ", "))
	}
	told := "Sent because " + d.Because
	if d.Rule != "" {
		told += ", by the rule " + d.Rule
	}
	add("%s. Incident %s.", told, d.ID)
	if d.Link != "" {
		add("%s", d.Link)
	}
	if d.Total > 1 && d.Wrong > 0 {
		add("%d of %d are wrong now:", d.Wrong, d.Total)
	} else if d.Total > 1 {
		add("All %d have recovered:", d.Total)
	}
	return out
}

func defaultMembers(d *Data) (out []string) {
	for _, m := range d.Members {
		out = append(out, m.Line)
	}
	if d.More > 0 {
		out = append(out, moreLine(d.More))
	}
	return out
}

func moreLine(n int) string { return fmt.Sprintf("and %d more", n) }

// fitLines joins lines into a text of at most so many bytes: those of members are left
// out from the end, and counted.
func fitLines(head, members []string, most int) string {
	text := strings.Join(head, "\n")
	if full := strings.Join(append(append([]string{}, head...), members...), "\n"); len(full) <= most {
		return full
	}
	const room = len("\nand 1000000 more")
	for n, line := range members {
		if len(text)+1+len(line)+room > most {
			text += "\n" + moreLine(len(members)-n)
			break
		}
		text += "\n" + line
	}
	return wire.Clip(text, most)
}
