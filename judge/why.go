package judge

import (
	"fmt"
	"slices"
	"strings"

	"netmon/internal/plural"
	"netmon/wire"
)

// why says in one sentence why the monitor is in its state.
func (j *Judge) why(m *monitor, t *tally, d decision) string {
	switch d.state {
	case wire.VerdictUp:
		return t.whyUp()
	case wire.VerdictDown:
		return fmt.Sprintf("%s from %s", failureOf(t[saysDown]).noun, agentsOf(len(t[saysDown]), t.placed()))
	case wire.VerdictDegraded:
		return t.whyDegraded()
	}
	return t.whyUnknown(d)
}

func (t *tally) whyUp() string {
	seen := len(t[saysUp])
	text := "up, seen from " + agentsOf(seen, t.placed())
	if t.placed() == 1 {
		text = "up, seen from " + t[saysUp][0].a.id
	}
	if slow := t[saysSlow]; len(slow) > 0 {
		text += fmt.Sprintf("; %s %s", names(ids(slow)), plural.Of(len(slow), "finds it slow", "find it slow"))
	}
	return text
}

func (t *tally) whyDegraded() string {
	var parts []string
	for _, list := range [][]*series{t[saysDown], t[saysSlow]} {
		if len(list) > 0 {
			p := failureOf(list)
			parts = append(parts, fmt.Sprintf("%s %s", names(ids(list)), plural.Of(len(list), p.one, p.many)))
		}
	}
	if up := t[saysUp]; len(up) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s fine", names(ids(up)), plural.Of(len(up), "is", "are")))
	}
	return strings.Join(parts, ", ")
}

func (t *tally) whyUnknown(d decision) string {
	if t.placed() == 0 {
		return "no agent runs it"
	}
	if down := t[saysDown]; len(down) > 0 {
		return fmt.Sprintf("%s from %s, but the quorum needs %d", failureOf(down).noun, agentsOf(len(down), t.placed()), d.need)
	}
	if w := t[waiting]; len(w) > 0 {
		return "too few runs from " + names(ids(w)) + " yet"
	}
	var parts []string
	if p := t.parents(); len(p) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s down", names(p), plural.Of(len(p), "is", "are")))
	}
	var trouble []*series
	for _, s := range t[isAside] {
		if s.a.aside() {
			trouble = append(trouble, s)
		}
	}
	if len(trouble) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s trouble of %s own", names(ids(trouble)), plural.Of(len(trouble), "has", "have"), plural.Of(len(trouble), "its", "their")))
	}
	if s := t[isSilent]; len(s) > 0 {
		parts = append(parts, fmt.Sprintf("%s %s not measured it in time", names(ids(s)), plural.Of(len(s), "has", "have")))
	}
	if b := t[isBlind]; len(b) > 0 {
		parts = append(parts, fmt.Sprintf("%s cannot measure it%s", names(ids(b)), obstacle(b)))
	}
	return strings.Join(parts, ", ")
}

// obstacle is why those who are blind cannot measure, where it is the same for all.
func obstacle(blind []*series) string {
	f := blind[0].Last.Failure
	for _, s := range blind {
		if s.Refused || s.Last.Failure != f {
			return ""
		}
	}
	return ": " + strings.ReplaceAll(string(f), "_", " ")
}

// parents are the monitors because of which agents are set aside.
func (t *tally) parents() (out []string) {
	for _, s := range t[isAside] {
		if s.Parent != "" && !slices.Contains(out, s.Parent) {
			out = append(out, s.Parent)
		}
	}
	slices.Sort(out)
	return out
}

// failureOf is what fails in words: the failure that most of them see and, of several,
// that of the first agent.
func failureOf(list []*series) phrase {
	best, most := wire.Failure(""), 0
	for _, s := range list {
		f := s.failure()
		n := 0
		for _, o := range list {
			n += count(o.failure() == f)
		}
		if n > most {
			best, most = f, n
		}
	}
	p := phraseOf(best)
	if most < len(list) {
		p.noun = "bad, mostly " + p.noun + ","
		p.many = phraseOf("").many
	}
	return p
}

// failure is that of the newest run that was not good.
func (s *series) failure() wire.Failure {
	if s.Fail == nil {
		return ""
	}
	return s.Fail.Failure
}
