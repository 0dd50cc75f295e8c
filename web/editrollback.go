package web

import (
	"errors"
	"fmt"
	"strconv"

	"netmon/console"
	"netmon/wire"
)

// revisionsView is what the list of a monitor's revisions is given.
type revisionsView struct {
	Name string
	List []revisionView
	Back string // "" where the monitor is deleted
}

// past reads the revisions of the monitor of the path; now is nil where it is deleted.
func revisionsOf(a *acting) (list []console.Revision, now *wire.Saved, err error) {
	name := a.r.PathValue("name")
	if wire.CheckToken(name) != nil {
		return nil, nil, errAbsent
	}
	store, err := a.who.Client.Monitors(a)
	if err != nil {
		return nil, nil, err
	}
	if list, err = store.History(a, name); err != nil {
		return nil, nil, err
	}
	m, err := store.Get(a, name)
	switch {
	case errors.Is(err, console.ErrNotFound):
		return list, nil, nil
	case err != nil:
		return nil, nil, err
	}
	return list, &m, nil
}

// revisionViews are revisions as pages list them.
func revisionViews(list []console.Revision) (views []revisionView) {
	for i := range list {
		r := &list[i]
		v := revisionView{Edition: r.Edition, At: stamp(r.At), Author: console.AuthorText(r.Author), Change: "deleted"}
		switch {
		case r.Problem != nil:
			v.Change = "cannot be read: " + console.Printable(r.Problem.Error())
		case r.Saved != nil:
			v.Change, v.Back = console.Printable(r.Saved.Change), i > 0
		}
		views = append(views, v)
	}
	return views
}

func showRollback(a *acting) (form, error) {
	list, now, err := revisionsOf(a)
	if err != nil {
		return form{}, err
	}
	name := a.r.PathValue("name")
	back := ""
	if now != nil {
		back = pathTo("monitors", name)
	}
	to, err := strconv.ParseUint(a.r.URL.Query().Get("to"), 10, 64)
	if err != nil {
		return form{"History of " + name, "revisions", revisionsView{name, revisionViews(list), back}}, nil
	}
	for _, r := range list {
		if r.Edition != to || r.Saved == nil {
			continue
		}
		v := askView{Name: name, Title: fmt.Sprintf("Roll %s back to revision %d", name, to), Button: "Roll back", To: to, Back: pathTo("monitors", name)}
		text := fmt.Sprintf("Revision %d was saved by %s: %s.", to, console.AuthorText(r.Author), console.Printable(r.Saved.Change))
		if v.Text = []string{text, "It is saved once more, as a new revision."}; now != nil {
			v.Revision = now.Revision
			text = fmt.Sprintf("What changes of revision %d, which is saved now:", now.Edition)
			if console.Same(*now, *r.Saved) {
				text = "It is like that already: nothing would change."
			}
			v.Text = append(v.Text, text)
		} else {
			v.Text = append(v.Text, "It is deleted now, and comes back.")
		}
		if v.Lines, err = differences(now, r.Saved); err != nil {
			return form{}, err
		}
		return form{v.Title, "ask", v}, nil
	}
	return form{}, &console.RevisionError{Monitor: name, Revision: to}
}

func doRollback(a *acting) (outcome, error) {
	name := a.r.PathValue("name")
	to, err := strconv.ParseUint(a.r.URL.Query().Get("to"), 10, 64)
	if err != nil {
		return outcome{}, errors.New("to which revision? choose one")
	}
	_, now, err := revisionsOf(a)
	if err != nil {
		return outcome{}, err
	}
	was := uint64(0)
	if now != nil {
		was = now.Revision
	}
	if read, _ := strconv.ParseUint(a.value("revision"), 10, 64); read != was {
		author := ""
		if now != nil {
			author = " by " + console.AuthorText(now.Author)
		}
		return outcome{}, fmt.Errorf("%w%s: what would change is shown as it is now", console.ErrConflict, author)
	}
	out, err := a.who.Ops.Rollback(a, name, to)
	if err != nil {
		return outcome{}, err
	}
	o := outcomeOf(out, name)
	o.Command = fmt.Sprintf("netmon rollback %s --to %d", name, to)
	return o, nil
}
