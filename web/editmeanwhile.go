package web

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/monitorfile"
	"netmon/console/shellwords"
	"netmon/wire"
)

// conflictView is what somebody else changed while a form was filled in.
type conflictView struct {
	Author, At, Change string
	Revision           uint64 // as people count
	Lines              []diffLine
	Mine               bool // both changed a field: the form keeps what was typed
	Text               bool // the form is a text, which is not merged
}

// diffLine is a line that one revision has and the other has not.
type diffLine struct {
	Mark, Class, Text string
}

// differences are the lines of a file in which two monitors differ.
func differences(was, is *wire.Saved) ([]diffLine, error) {
	var b bytes.Buffer
	if err := monitorfile.Diff(&b, console.Plan{Changes: []console.Change{{Was: was, Is: is}}}); err != nil {
		return nil, err
	}
	var list []diffLine
	for line := range strings.Lines(b.String()) {
		mark, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if mark != "" || !ok { // the monitor's name
			continue
		}
		mark, text, _ = strings.Cut(strings.TrimPrefix(text, " "), " ")
		list = append(list, diffLine{mark, map[string]string{"-": "gone", "+": "new"}[mark], console.Printable(text)})
	}
	return list, nil
}

// conflictOf says who changed the monitor since it was read at a revision, and what. old is
// nil where that revision is not kept any more.
func conflictOf(a *acting, store *console.Store, now wire.Saved, read uint64) (v *conflictView, old *wire.Saved, err error) {
	list, err := store.History(a, now.Name)
	if err != nil {
		return nil, nil, err
	}
	v = &conflictView{Author: console.AuthorText(now.Author), Change: console.Printable(now.Change), Revision: now.Edition}
	for _, r := range list {
		switch r.Revision {
		case read:
			old = r.Saved
		case now.Revision:
			v.At = stamp(r.At)
		}
	}
	if old != nil {
		v.Lines, err = differences(old, &now)
	}
	return v, old, err
}

// meanwhile takes over what somebody else changed since the form was made, but for fields
// that were changed here, too, and says so.
func (e *editing) meanwhile(read uint64) error {
	v, old, err := conflictOf(e.a, e.store, *e.saved, read)
	if err != nil {
		return err
	}
	e.conflict, e.theirs = v, map[string]string{}
	mine, now := e.sheet.texts, e.sheet
	was := map[string]string{} // of the revision that was read
	if old != nil {
		was = sheetOf(now.kind, *old).was
	}
	for field, text := range now.was {
		before, known := was[field]
		switch {
		case mine[field] == text, now.fixed[field]:
			now.texts[field] = text
		case known && mine[field] == before:
			now.texts[field] = text
		case !known || before != text:
			e.theirs[field] = text
			if v.Mine = true; text == "" {
				e.theirs[field] = none
			}
		}
	}
	return fmt.Errorf("%w: look at what is new, and send the form again", console.ErrConflict)
}

// fileField is what a file calls the field of a form.
func fileField(field string) string {
	switch field {
	case fieldOn:
		return "agents"
	case fieldTarget, fieldName, fieldEvery, fieldTimeout, fieldExcept, fieldTags, fieldSLO, fieldDepends:
		return field
	}
	for _, f := range draft.RuleFlags() {
		if f.Name == field {
			return "verdict." + field
		}
	}
	return strings.TrimPrefix(field, "o.")
}

// changeText is what the history says of the change. Values may be secrets.
func (e *editing) changeText() string {
	var names []string
	for _, field := range e.sheet.changed() {
		names = append(names, fileField(field))
	}
	return wire.Clip("set "+strings.Join(names, ", "), wire.MaxText)
}

// setLine is the command that makes the saved monitor m; "" where there is none.
func (e *editing) setLine(m wire.Saved) string {
	fields := e.sheet.changed()
	if len(fields) == 0 {
		return ""
	}
	args := []string{"netmon", "set", m.Name}
	var list []monitorfile.Assignment
	for _, field := range fields {
		for _, a := range e.assignments(field) {
			list = append(list, a)
			args = append(args, shellwords.Quote(a.Field+"="+a.Text))
		}
	}
	made, err := monitorfile.Set(*e.saved, list, console.Checks{Monitor: e.a.s.o.Kinds.CheckMonitor})
	if err != nil || !console.Same(made, m) {
		return "" // set takes no such value
	}
	return strings.Join(args, " ")
}

// assignments are what netmon set is given for a field that was changed.
func (e *editing) assignments(field string) (list []monitorfile.Assignment) {
	name, text := fileField(field), e.sheet.texts[field]
	if field == fieldTags || e.sheet.typeOf(field) == "map" {
		was, is := pairs(e.sheet.was[field]), pairs(text)
		for _, key := range slices.Sorted(maps.Keys(was)) {
			if _, stays := is[key]; !stays {
				list = append(list, monitorfile.Assignment{Field: name + "." + key, Unset: true})
			}
		}
		for _, key := range slices.Sorted(maps.Keys(is)) {
			if before, ok := was[key]; !ok || before != is[key] {
				list = append(list, monitorfile.Assignment{Field: name + "." + key, Text: is[key], Unset: is[key] == ""})
			}
		}
		return list
	}
	switch {
	case field == fieldDepends:
		text = strings.Join(words(text), ",")
	case e.sheet.typeOf(field) == "list":
		text = strings.ReplaceAll(text, "\n", ",")
	}
	return []monitorfile.Assignment{{Field: name, Text: text, Unset: text == ""}}
}

// pairs are the lines NAME=VALUE of a text.
func pairs(text string) map[string]string {
	of := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			of[name] = value
		}
	}
	return of
}
