package web

import (
	"fmt"
	"strconv"
	"strings"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/monitorfile"
	"netmon/internal/safeyaml"
	"netmon/wire"
)

// textView is what the form of a monitor as text is given.
type textView struct {
	Name     string
	Text     string
	Rows     int
	Revision uint64
	Mistakes []textMistake
	Conflict *conflictView
	Back     string
}

// textMistake is one mistake; Line is 0 where it is not known.
type textMistake struct {
	Line int
	Text string
}

// asText says that the whole monitor is asked for as the text of a file.
func asText(a *acting) bool { return a.r.URL.Query().Get("as") == "yaml" }

func textForm(m wire.Saved, text string) textView {
	return textView{Name: m.Name, Text: text, Rows: min(max(14, lines(text)+3), 40), Revision: m.Revision, Back: pathTo("monitors", m.Name)}
}

func (v textView) form() form { return form{"Edit " + v.Name, "edit-text", v} }

func showText(a *acting) (form, error) {
	store, err := a.who.Client.Monitors(a)
	if err != nil {
		return form{}, err
	}
	m, err := findMonitor(a, store)
	if err != nil {
		return form{}, err
	}
	text, err := a.s.o.Write(m)
	if err != nil {
		return form{}, err
	}
	return textForm(m, text).form(), nil
}

func doText(a *acting) (outcome, error) {
	store, err := a.who.Client.Monitors(a)
	if err != nil {
		return outcome{}, err
	}
	was, err := findMonitor(a, store)
	if err != nil {
		return outcome{}, err
	}
	text := strings.ReplaceAll(a.r.PostForm.Get("text"), "\r\n", "\n")
	v := textForm(was, text)
	if read, _ := strconv.ParseUint(a.value("revision"), 10, 64); read != was.Revision {
		if v.Conflict, _, err = conflictOf(a, store, was, read); err != nil {
			return outcome{}, err
		}
		v.Conflict.Text = true
		return outcome{}, &again{form: v.form(), err: fmt.Errorf("%w: look at what is new, take over what you want of it, and send the text again", console.ErrConflict)}
	}
	is, err := monitorfile.ParseDraft("line", text, was.Name, console.Checks{Monitor: a.s.o.Kinds.CheckMonitor})
	if err != nil {
		for _, m := range safeyaml.Mistakes(err) {
			v.Mistakes = append(v.Mistakes, textMistake{m.Line, console.Printable(strings.TrimPrefix(m.Short(), "monitors[0]."))})
		}
		return outcome{}, &again{form: v.form(), err: err}
	}
	is.Revision = was.Revision
	out, err := a.who.Ops.Edit(a, *is)
	if err != nil {
		return outcome{}, &again{form: v.form(), err: err}
	}
	if string(was.Options) != string(is.Options) {
		out.Warnings = append(out.Warnings, draft.PlainSecrets(a.s.o.Kinds, *is)...)
	}
	o := outcomeOf(out, was.Name)
	o.Command = "netmon edit " + was.Name
	return o, nil
}
