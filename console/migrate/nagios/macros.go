package nagios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// macros are what stands for $NAME$ in a command line.
type macros struct {
	host, service map[string]string // attributes; service is nil for a host's own check
	args          []string
	users         map[string]string // USER1 and so on
}

var macro = regexp.MustCompile(`\$([A-Za-z0-9_:]*)\$`)

// maxExpanded bounds a command line, bytes.
const maxExpanded = 64 << 10

// expand replaces the macros of a text, once: what they stand for is text.
func (m macros) expand(text string) (string, error) {
	var err error
	out := macro.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := m.value(strings.Trim(found, "$"))
		if !ok && err == nil {
			err = fmt.Errorf("the macro %s is known to Nagios alone, while it runs", found)
		}
		return value
	})
	if err == nil && len(out) > maxExpanded {
		err = fmt.Errorf("its command line is over %d bytes", maxExpanded)
	}
	return out, err
}

func (m macros) value(name string) (string, bool) {
	if n, ok := strings.CutPrefix(name, "ARG"); ok {
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > 32 {
			return "", false
		}
		if i > len(m.args) {
			return "", true
		}
		return m.args[i-1], true
	}
	if strings.HasPrefix(name, "USER") {
		value, ok := m.users[name]
		return value, ok
	}
	if variable, ok := strings.CutPrefix(name, "_HOST"); ok {
		return m.host["_"+strings.ToUpper(variable)], true
	}
	if variable, ok := strings.CutPrefix(name, "_SERVICE"); ok && m.service != nil {
		return m.service["_"+strings.ToUpper(variable)], true
	}
	if m.service != nil {
		switch name {
		case "SERVICEDESC":
			return m.service["service_description"], true
		case "SERVICEDISPLAYNAME":
			return first(m.service["display_name"], m.service["service_description"]), true
		case "SERVICENOTES":
			return m.service["notes"], true
		}
	}
	switch name {
	case "": // $$
		return "$", true
	case "HOSTADDRESS":
		return first(m.host["address"], m.host["host_name"]), true
	case "HOSTNAME":
		return m.host["host_name"], true
	case "HOSTALIAS":
		return first(m.host["alias"], m.host["host_name"]), true
	case "HOSTDISPLAYNAME":
		return first(m.host["display_name"], m.host["host_name"]), true
	case "HOSTNOTES":
		return m.host["notes"], true
	}
	return "", false
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// splitCommand cuts check_command at each !, which \! stands for, too.
func splitCommand(text string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == '!':
			i++
			part.WriteByte('!')
		case text[i] == '!':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(text[i])
		}
	}
	return append(parts, part.String())
}

// words splits a command line as the shell does. What only a shell can do is an error.
func words(text string) ([]string, error) {
	var all []string
	var b strings.Builder
	in, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\' && c != '`':
			b.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\'' || c == '"':
			in, quote = true, c
		case c == '\\' && i+1 < len(text):
			i++
			if quote == '"' && !strings.ContainsRune("$`\"\\\n", rune(text[i])) {
				b.WriteByte('\\')
			}
			in = true
			b.WriteByte(text[i])
		case c == ' ' || c == '\t' || c == '\n':
			if in {
				all = append(all, b.String())
				b.Reset()
			}
			in = false
		case strings.IndexByte("|&;<>`()", c) >= 0:
			return nil, fmt.Errorf("it needs a shell, for %q", c)
		default:
			in = true
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("its command line has a %c that is not closed", quote)
	}
	if in {
		all = append(all, b.String())
	}
	return all, nil
}
