package migrate

import (
	"strings"
	"unicode"

	"netmon/wire"
)

// Tag adds a tag. The name gets the characters that tags have; a value that no tag can have
// is lost.
func (m *Monitor) Tag(name, value string) {
	name = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, name), "-")
	value = strings.TrimSpace(Redact(strings.ToValidUTF8(value, "\ufffd")))
	if value == "" {
		return
	}
	if name == "" {
		name = "tag"
	}
	if wire.CheckTags(map[string]string{name: value}) != nil {
		value = strings.TrimSpace(wire.Clip(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, value), wire.MaxToken))
	}
	err := wire.CheckTags(map[string]string{name: value})
	if err == nil && len(m.Tags) == wire.MaxTags {
		m.Lose("tag %s: a monitor has at most %d", name, wire.MaxTags)
		return
	}
	if err != nil {
		m.Lose("tag %s: %s", name, oneLine(err))
		return
	}
	if m.Tags == nil {
		m.Tags = map[string]string{}
	}
	m.Tags[name] = value
}
