package prometheus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

// sslRequest is what asks PostgreSQL for TLS, in the base64 that YAML has for bytes.
const sslRequest = "AAAACATSFi8="

// event is a part of a dialogue: what is waited for, or what is sent.
type event struct {
	expect, hex string
	send        string
	starttls    bool
}

func (c *check) tcp(f *migrate.Fields) error {
	c.m.Kind, c.m.Target = "tcp", c.target
	c.network(f)
	secure := f.Bool("tls", false)
	list := f.Objects("query_response")
	upgrades := false
	for _, q := range list {
		upgrades = upgrades || q.Bool("starttls", false)
	}
	if secure || upgrades {
		c.tls(f.Object("tls_config"))
	}
	f.Skip("tls_config")
	switch {
	case secure && len(list) == 0:
		c.m.Kind = "tls"
	case secure:
		c.o.Set("security", "tls")
	}
	events, err := c.events(list)
	if err != nil {
		return err
	}
	if upgrades && !secure {
		if events, err = c.starttls(events); err != nil {
			return err
		}
	}
	c.dialogue(events)
	return nil
}

// events are the parts of query_response, in the order in which they happen.
func (c *check) events(list []*migrate.Fields) (out []event, err error) {
	for i, q := range list {
		at := fmt.Sprintf("module %s: query_response[%d]", c.name, i)
		expect, send := q.Text("expect"), q.Text("send")
		if q.Has("labels") {
			q.Skip("labels")
			c.m.Lose("%s.labels: netmon has no labels of what a target says; see keep", at)
		}
		if send != sslRequest {
			send = c.m.Sent(send)
		}
		if expect != "" {
			re, err := syntax.Parse(expect, syntax.Perl&^syntax.OneLine) // ^ and $ at every line
			if err != nil {
				return nil, fmt.Errorf("%s.expect: %w", at, err)
			}
			changed := !withinLine(re)
			if send != "" {
				var used bool
				send, used = c.useCaptures(q.Text("send"), re, i)
				changed = changed || used
			}
			if changed {
				expect = re.String()
			}
			out = append(out, event{expect: expect})
		}
		if bytes := q.Text("expect_bytes"); bytes != "" {
			out = append(out, event{hex: hex.EncodeToString([]byte(bytes))})
		}
		if send != "" {
			end := "\n"
			if send == sslRequest {
				end = ""
			}
			out = append(out, event{send: send + end})
		}
		if q.Bool("starttls", false) {
			out = append(out, event{starttls: true})
		}
	}
	return out, nil
}

// withinLine takes the ends of lines out of what an expression may take, and says whether
// there were none: blackbox_exporter compares each line by itself, netmon the text of several.
func withinLine(tree *syntax.Regexp) bool {
	was := true
	switch tree.Op {
	case syntax.OpAnyChar:
		tree.Op, was = syntax.OpAnyCharNotNL, false
	case syntax.OpCharClass:
		var ranges []rune
		for i := 0; i < len(tree.Rune); i += 2 {
			lo, hi := tree.Rune[i], tree.Rune[i+1]
			for _, end := range []rune{'\n', '\r'} {
				if lo <= end && end <= hi {
					was = false
					if lo < end {
						ranges = append(ranges, lo, end-1)
					}
					lo = end + 1
				}
			}
			if lo <= hi {
				ranges = append(ranges, lo, hi)
			}
		}
		tree.Rune = ranges
	}
	for _, sub := range tree.Sub {
		was = withinLine(sub) && was
	}
	return was
}

var reference = regexp.MustCompile(`\$\$|\$\{(\w+)\}|\$(\w+)`)

// useCaptures gives the groups of an expression that what is sent refers to names of netmon's,
// and says whether there are any. The references are those of Go's Regexp.Expand.
func (c *check) useCaptures(send string, re *syntax.Regexp, i int) (_ string, any bool) {
	most := re.MaxCap()
	used := map[int]string{}
	var out, plain strings.Builder
	end := 0
	for _, at := range reference.FindAllStringIndex(send, -1) {
		plain.WriteString(send[end:at[0]])
		end = at[1]
		text := send[at[0]:at[1]]
		if text == "$$" {
			plain.WriteString("$")
			continue
		}
		n, err := strconv.Atoi(strings.Trim(text, "${}"))
		if err != nil || n < 1 || n > most {
			continue // a group that is none is nothing
		}
		used[n] = fmt.Sprintf("c%d_%d", i+1, n)
		out.WriteString(c.m.Sent(plain.String()) + "${capture:" + used[n] + "}")
		plain.Reset()
	}
	plain.WriteString(send[end:])
	out.WriteString(c.m.Sent(plain.String()))
	nameGroups(re, used)
	return out.String(), len(used) > 0
}

func nameGroups(re *syntax.Regexp, names map[int]string) {
	if re.Op == syntax.OpCapture {
		re.Name = names[re.Cap]
	}
	for _, sub := range re.Sub {
		nameGroups(sub, names)
	}
}

// starttls finds the protocol in which TLS is asked for: netmon speaks it itself.
func (c *check) starttls(events []event) ([]event, error) {
	at, protocol := 0, ""
	var first string
	for i, e := range events {
		word := strings.ToUpper(strings.TrimSpace(e.send))
		switch {
		case e.starttls:
			at = i
		case word == sslRequestUpper:
			protocol = "postgres"
		case word == "STARTTLS":
			protocol = "smtp"
		case strings.HasSuffix(word, " STARTTLS"):
			protocol = "imap"
		case word == "STLS":
			protocol = "pop3"
		case word == "AUTH TLS":
			protocol = "ftp"
		case strings.HasPrefix(word, "<STARTTLS"):
			protocol = "xmpp-client"
		}
		if i == 0 && e.expect != "" {
			first = e.expect
		}
	}
	if protocol == "" {
		return nil, errors.New("module " + c.name + ": starttls: netmon does not know the protocol in which it is asked for")
	}
	c.o.Set("starttls", protocol)
	if first != "" && protocol != "postgres" {
		c.o.Set("expect.banner", first)
	}
	c.m.Note("netmon asks for TLS itself (%s), as the steps before starttls do", protocol)
	return events[at+1:], nil
}

var sslRequestUpper = strings.ToUpper(sslRequest)

// dialogue makes steps, each of what is sent and the answer to it.
func (c *check) dialogue(events []event) {
	var steps []map[string]any
	waits := false // for an answer to the last step
	for i, e := range events {
		switch {
		case e.send != "" && waits && steps[len(steps)-1]["send"] != nil:
			last := steps[len(steps)-1]
			last["send"] = last["send"].(string) + e.send
		case e.send != "":
			steps = append(steps, map[string]any{"send": e.send})
			waits = true
		case i == 0 && e.expect != "" && c.o["starttls"] == nil:
			c.o.Set("expect.banner", e.expect)
		default:
			if !waits {
				steps = append(steps, map[string]any{})
			}
			if e.hex != "" {
				steps[len(steps)-1]["expect_hex"] = e.hex
			} else {
				steps[len(steps)-1]["expect"] = e.expect
			}
			waits = false
		}
	}
	if len(steps) > 0 {
		c.o.Set("steps", steps)
	}
}
