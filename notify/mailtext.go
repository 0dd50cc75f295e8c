package notify

import (
	"bytes"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// messageID names a mail by its key, so that one that is sent twice is known again.
func messageID(m *Message, from *mail.Address) string { return m.Key() + "@" + domain(from) }

// compose writes the mail: plain text and HTML, under the first one about the incident.
func (c *Mail) compose(m *Message, id, first string) ([]byte, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(c.from)
	msg.ToMailAddress(c.to...)
	msg.Subject(Line(m.Title))
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(id)
	if first != "" && first != id {
		msg.SetGenHeaderPreformatted(gomail.HeaderInReplyTo, "<"+first+">")
		msg.SetGenHeaderPreformatted(gomail.HeaderReferences, "<"+first+">")
	}
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("X-Netmon-Incident", m.Incident.ID)
	msg.SetGenHeader("X-Netmon-Reason", string(m.Notice.Reason))
	msg.SetGenHeader("X-Netmon-Key", m.Key())
	msg.SetBodyString(gomail.TypeTextPlain, strings.ReplaceAll(m.Text, "\n", "\r\n")+"\r\n")
	msg.AddAlternativeString(gomail.TypeTextHTML, mailHTML(m))
	var b bytes.Buffer
	_, err := msg.WriteTo(&b)
	return b.Bytes(), err
}

// mailHTML is the text as HTML. Everything in it is escaped.
func mailHTML(m *Message) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\r\n<html><head><meta charset=\"utf-8\"></head><body style=\"font-family:sans-serif\">\r\n")
	b.WriteString("<p><b>" + HTML(m.Title) + "</b></p>\r\n<p>")
	b.WriteString(strings.Join(htmlLines(m.Head, m.Link), "<br>\r\n") + "</p>\r\n")
	if len(m.Members) > 0 {
		b.WriteString("<ul>\r\n<li>" + strings.Join(htmlLines(m.Members, ""), "</li>\r\n<li>") + "</li>\r\n</ul>\r\n")
	}
	b.WriteString("</body></html>\r\n")
	return b.String()
}

func htmlLines(lines []string, link string) (out []string) {
	for _, line := range lines {
		if link != "" && line == link {
			out = append(out, `<a href="`+HTML(link)+`">`+HTML(link)+`</a>`)
			continue
		}
		out = append(out, HTML(line))
	}
	return out
}
