package judge_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// words is a line that is read word by word; a mistake ends its reading.
type words struct {
	rest []string
	line int
	text string
}

type mistake struct{ error }

func fail(format string, args ...any) { panic(mistake{fmt.Errorf(format, args...)}) }

func must(err error) {
	if err != nil {
		fail("%w", err)
	}
}

func (w *words) next(what string) string {
	if len(w.rest) == 0 {
		fail("want %s at the end of the line", what)
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

func (w *words) accept(word string) bool {
	if len(w.rest) == 0 || w.rest[0] != word {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

func (w *words) want(word string) {
	if got := w.next(word); got != word {
		fail("want %s, got %q", word, got)
	}
}

func (w *words) end() {
	if len(w.rest) > 0 {
		fail("want the end of the line, got %q", w.rest[0])
	}
}

func (w *words) duration() time.Duration { return duration(w.next("a time such as 90s")) }

func duration(word string) time.Duration {
	d, err := time.ParseDuration(word)
	if err != nil || d < 0 && !strings.HasPrefix(word, "-") {
		fail("want a time such as 90s or 1h30m, got %q", word)
	}
	return d
}

func (w *words) number() int {
	word := w.next("a number")
	n, err := strconv.Atoi(word)
	if err != nil {
		fail("want a number, got %q", word)
	}
	return n
}

// matchMonitors are the declared monitors that a list of names and patterns means.
func (s *scenario) matchMonitors(list string) []string { return match("monitor", list, s.monitors) }

func (s *scenario) matchAgents(list string) []string {
	var ids []string
	for _, a := range s.agents {
		ids = append(ids, a.id)
	}
	return match("agent", list, ids)
}

func match(what, list string, names []string) (out []string) {
	for _, part := range split(list) {
		if part == "all" {
			part = "*"
		}
		found := false
		for _, pattern := range expand(part) {
			for _, name := range names {
				if ok, _ := path.Match(pattern, name); ok {
					out, found = append(out, name), true
				}
			}
		}
		if !found {
			fail("no %s %q is declared above", what, part)
		}
	}
	return out
}

var span = regexp.MustCompile(`^([A-Za-z_-]*)(\d+)\.\.[A-Za-z_-]*(\d+)$`)

// expand makes m1, m2, m3 of m1..m3.
func expand(name string) (out []string) {
	m := span.FindStringSubmatch(name)
	if m == nil {
		return []string{name}
	}
	from, _ := strconv.Atoi(m[2])
	to, _ := strconv.Atoi(m[3])
	for i := from; i <= to; i++ {
		out = append(out, m[1]+strconv.Itoa(i))
	}
	return out
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func (w *words) oneOf(list ...string) string {
	want := strings.Join(list, " or ")
	word := w.next(want)
	if !slices.Contains(list, word) {
		fail("want %s, got %q", want, word)
	}
	return word
}
