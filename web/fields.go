package web

import (
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/timetext"
	"netmon/wire"
)

// beside are the mistakes of an error by the field that they stand beside: of match.tags.team
// that is tags.
func beside(err error) map[string]string {
	wrong := map[string]string{}
	for _, e := range wire.FieldErrors(err) {
		field, rest, _ := strings.Cut(strings.TrimPrefix(e.Path, "match."), ".")
		field, _, _ = strings.Cut(field, "[")
		text := e.Err.Error()
		if rest != "" {
			text = rest + ": " + text
		}
		if wrong[field] != "" {
			text = wrong[field] + "; " + text
		}
		wrong[field] = console.Printable(text)
	}
	return wrong
}

// zoneOf is the zone of times that a form has without one: its reader's, where the browser
// says it, else that of this computer.
func zoneOf(a *acting) *time.Location {
	name := a.value("zone")
	if name == "" || len(name) > wire.MaxToken {
		return time.Local
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.Local
	}
	return loc
}

func zoneText(a *acting) string {
	if loc := zoneOf(a); loc != time.Local {
		return loc.String()
	}
	return timetext.Zone(time.Now())
}

// readTime reads a time to come of a form; the zero time where there is none.
func readTime(a *acting, p *wire.Problems, field string, now time.Time) time.Time {
	text := strings.TrimSpace(a.value(field))
	if text == "" {
		return time.Time{}
	}
	t, err := timetext.Parse(text, now.In(zoneOf(a)), timetext.Coming)
	if err != nil {
		p.Add(field, err)
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

// listOf are the words of a field, between spaces or commas.
func listOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\r' || r == '\t' })
}
