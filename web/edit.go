package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/wire"
)

// monitorActions are the pages that make and change monitors.
func (s *Server) monitorActions() []action {
	of := func(path string, show func(*acting) (form, error), do func(*acting) (outcome, error)) action {
		return action{path: path, page: "monitors", role: wire.RoleOperator, show: show, do: do}
	}
	return []action{
		of("/add", showAdd, doAdd),
		of("/monitors/{name}/edit", showEdit, doEdit),
		of("/monitors/{name}/run", showRun, doRun),
		of("/monitors/{name}/stop", showStop, doStop),
		of("/monitors/{name}/start", showStart, doStart),
		of("/monitors/{name}/rollback", showRollback, doRollback),
		of("/monitors/{name}/delete", showDelete, doDelete),
	}
}

// editing is one form of a monitor, a new one or one that is saved.
type editing struct {
	a     *acting
	world flow.World
	sheet *sheet
	store *console.Store
	saved *wire.Saved // nil: it is a new one
	of    string      // of which it is a copy; "" for none

	err      error             // what is wrong with it
	theirs   map[string]string // what somebody else made of fields meanwhile
	conflict *conflictView
	answers  []answerView
	cut      bool // not all agents answered in time
	command  string
	warnings []string
}

// editView is what the template of the form is given.
type editView struct {
	Title, Name, Of string // Name of the saved one
	Kind, Doc       string
	Revision        uint64
	Author, Change  string
	Fields          formFields
	Agents, Tags    []knownView
	Mistakes        []mistakeView
	Conflict        *conflictView
	Answers         []answerView
	Cut             bool
	Command         string
	Warnings        []string
	Back            string
}

// mistakeView is one mistake; ID is that of its field, "" where it is about none.
type mistakeView struct{ ID, Label, Text string }

// kindView is a kind to choose.
type kindView struct{ Name, Doc, Target, Example string }

type kindsView struct {
	Kinds []kindView
	Wrong string
}

// kindForm asks for the kind, with what is wrong with the one that was asked for.
func (s *Server) kindForm(wrong string) form {
	var v kindsView
	for _, usual := range []bool{true, false} { // the usual ones first
		for _, k := range s.o.Kinds {
			if k.Usual == usual {
				v.Kinds = append(v.Kinds, kindView{k.Name, k.Doc, k.Target, k.Example})
			}
		}
	}
	v.Wrong = wrong
	return form{"Add a monitor", "add-kind", v}
}

// openAdd begins with what is asked for; it is nil where that has no kind yet.
func openAdd(a *acting) (*editing, error) {
	e := &editing{a: a, of: a.value("of")}
	if err := e.read(); err != nil {
		return nil, err
	}
	base := wire.Saved{}
	name := a.r.URL.Query().Get("kind")
	if e.of != "" {
		m, err := e.store.Find(a, e.of)
		if err != nil {
			return nil, err
		}
		base, name = m, m.Kind
		base.Revision, base.Edition, base.Author, base.Change, base.Chosen = 0, 0, "", "", nil
	}
	k, ok := a.s.o.Kinds.Find(name)
	if !ok {
		return nil, nil
	}
	e.sheet = sheetOf(k, base)
	if e.of != "" {
		e.sheet.texts[fieldName] = e.copyName()
		return e, nil
	}
	e.sheet.texts[fieldOn] = wire.Everywhere
	e.sheet.texts[fieldEvery] = wire.Duration(max(wire.DefaultEvery, k.MinEvery)).String()
	for _, x := range e.world.Kinds {
		if x.Name == k.Name {
			e.sheet.texts[fieldTarget] = x.Propose
		}
	}
	return e, nil
}

// read reads what is known of the mesh.
func (e *editing) read() (err error) {
	cl := e.a.who.Client
	if e.store, err = cl.Monitors(e.a); err != nil {
		return err
	}
	monitors, err := e.store.List(e.a)
	if errors.Is(err, console.ErrUnreachable) { // one that cannot be read proposes nothing
		return err
	}
	agents, err := cl.Agents(e.a)
	if err != nil {
		return err
	}
	e.world = draft.World(e.a.s.o.Kinds, monitors, agents, e.a.s.o.Broker)
	return nil
}

// openEdit reads the monitor that the path names.
func openEdit(a *acting) (*editing, error) {
	e := &editing{a: a}
	if err := e.read(); err != nil {
		return nil, err
	}
	m, err := findMonitor(a, e.store)
	if err != nil {
		return nil, err
	}
	k, ok := a.s.o.Kinds.Find(m.Kind)
	if !ok {
		return nil, fmt.Errorf("monitor %q is of the kind %q, which this netmon does not know: update it to change the monitor here", m.Name, wire.Clip(m.Kind, wire.MaxToken))
	}
	e.saved, e.sheet = &m, sheetOf(k, m)
	return e, nil
}

// findMonitor is the saved monitor that the path names.
func findMonitor(a *acting, store *console.Store) (wire.Saved, error) {
	name := a.r.PathValue("name")
	if wire.CheckToken(name) != nil {
		return wire.Saved{}, errAbsent
	}
	return store.Find(a, name)
}

func showAdd(a *acting) (form, error) {
	e, err := openAdd(a)
	switch {
	case err != nil:
		return form{}, err
	case e == nil:
		wrong := ""
		if name := a.r.URL.Query().Get("kind"); name != "" {
			wrong = console.Printable(wire.Unknown("kind", name, strings.Split(a.s.o.Kinds.Names(), ", ")).Error())
		}
		return a.s.kindForm(wrong), nil
	}
	return e.form(), nil
}

func showEdit(a *acting) (form, error) {
	if asText(a) {
		return showText(a)
	}
	e, err := openEdit(a)
	if err != nil {
		return form{}, err
	}
	return e.form(), nil
}

func doAdd(a *acting) (outcome, error) {
	e, err := openAdd(a)
	switch {
	case err != nil:
		return outcome{}, err
	case e == nil:
		return outcome{}, errors.New("choose the kind first")
	}
	e.sheet.take(a.r.PostForm.Get)
	m, err := e.made()
	if err != nil {
		return outcome{}, e.again(err)
	}
	if a.value("do") == "measure" {
		return outcome{}, e.again(e.measure(m))
	}
	save := a.who.Ops.Add
	if e.of != "" {
		save = func(ctx context.Context, m wire.Saved) (console.Outcome, error) {
			return a.who.Ops.Copy(ctx, e.of, m)
		}
	}
	out, err := save(a, m)
	if err != nil {
		return outcome{}, e.again(err)
	}
	return e.saidOf(out, m), nil
}

func doEdit(a *acting) (outcome, error) {
	if asText(a) {
		return doText(a)
	}
	e, err := openEdit(a)
	if err != nil {
		return outcome{}, err
	}
	e.sheet.take(a.r.PostForm.Get)
	e.sheet.texts[fieldName] = e.saved.Name
	if read := a.revision(); read != e.saved.Revision {
		return outcome{}, e.again(e.meanwhile(read))
	}
	m, err := e.made()
	if err != nil {
		return outcome{}, e.again(err)
	}
	if a.value("do") == "measure" {
		return outcome{}, e.again(e.measure(m))
	}
	out, err := a.who.Ops.EditAs(a, m, e.changeText())
	if err != nil {
		return outcome{}, e.again(err)
	}
	return e.saidOf(out, m), nil
}

// made is the monitor that the form makes, with the command that does the same.
func (e *editing) made() (wire.Saved, error) {
	x := e.sheet
	proposed := ""
	if x.texts[fieldName] == "" {
		proposed = e.world.FreeName(x.kind.Name, x.texts[fieldTarget])
		x.texts[fieldName] = proposed
	}
	m, err := x.monitor(e.a.s.o.Kinds)
	if err != nil {
		if proposed != "" {
			x.texts[fieldName] = ""
		}
		return m, err
	}
	m.Monitor = m.Monitor.WithDefaults()
	if e.saved == nil {
		line, ok := draft.AddLine(e.a.s.o.Kinds, m)
		if e.command = line; !ok {
			e.command = ""
		}
	} else {
		e.command = e.setLine(m)
	}
	if e.saved == nil || string(e.saved.Options) != string(m.Options) {
		e.warnings = draft.PlainSecrets(e.a.s.o.Kinds, m)
	}
	return m, nil
}

// again shows the form with what was typed, and what is wrong with it.
func (e *editing) again(err error) error {
	if exists, ok := errors.AsType[*console.ExistsError](err); ok {
		err = &wire.FieldError{Path: fieldName, Err: exists}
	}
	e.err = err
	return &again{form: e.form(), err: err}
}

// copyName is a free name for a copy.
func (e *editing) copyName() string {
	w := e.world
	w.Name = func(_, of string) string { return of }
	return w.FreeName("", e.of)
}

// form is the form as it is now.
func (e *editing) form() form {
	wrong := map[string]string{}
	v := editView{Title: "Add a monitor", Of: e.of, Kind: e.sheet.kind.Name, Doc: e.sheet.kind.Doc, Agents: knownAgents(e.world), Tags: knownTags(e.world), Back: "/",
		Conflict: e.conflict, Answers: e.answers, Cut: e.cut, Command: e.command, Warnings: e.warnings}
	if e.of != "" {
		v.Title = "Duplicate " + e.of
	}
	if m := e.saved; m != nil {
		v.Title, v.Name, v.Revision, v.Back = "Edit "+m.Name, m.Name, m.Revision, pathTo("monitors", m.Name)
		v.Author, v.Change = console.AuthorText(m.Author), console.Printable(m.Change)
	}
	var about []mistakeView // no field
	texts := map[string][]string{}
	for _, x := range wire.FieldErrors(e.err) {
		text, field := console.Printable(x.Err.Error()), e.sheet.fieldOf(x.Path)
		if field == "" {
			about = append(about, mistakeView{Label: console.Printable(x.Path), Text: text})
			continue
		}
		texts[field] = append(texts[field], text)
		wrong[field] = strings.Join(texts[field], "; ")
	}
	v.Fields = e.sheet.fields(e.world, wrong, e.theirs)
	for _, f := range v.Fields.All() {
		for _, text := range texts[f.Name] {
			v.Mistakes = append(v.Mistakes, mistakeView{f.ID, f.Label, text})
		}
	}
	v.Mistakes = append(v.Mistakes, about...)
	return form{v.Title, "edit", v}
}

// saidOf is what came of saving m.
func (e *editing) saidOf(out console.Outcome, m wire.Saved) outcome {
	out.Warnings = append(out.Warnings, e.warnings...)
	o := outcomeOf(out, m.Name)
	o.Command = e.command
	return o
}

// outcomeOf is what came of a change of a monitor, in the words of the commands.
func outcomeOf(out console.Outcome, name string) outcome {
	var b bytes.Buffer
	out.Lines(&b)
	list := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	o := outcome{Title: list[0], Bad: out.Err() != nil, Next: pathTo("monitors", name), Word: "Look at " + name}
	for _, line := range list[1:] {
		o.Lines = append(o.Lines, strings.TrimPrefix(line, "  "))
	}
	if out.NotAsked != nil {
		o.Lines = append(o.Lines, "the agents could not be asked: "+console.Printable(out.NotAsked.Error()))
	}
	return o
}
