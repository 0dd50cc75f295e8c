package web

import (
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/draft"
	"netmon/console/flow"
	"netmon/probes"
	"netmon/wire"
)

// fieldView is one field of a form, as its template is given it.
type fieldView struct {
	ID, Name, Label string
	Help            string
	Text            string
	Usual           string     // what it is where nothing is typed
	Choices         []wordView // it is one of these; none: it is typed
	Known           []wordView // that are typed often
	Area            int        // lines; 0: it has one
	Fixed           bool       // it is shown, and stays as it is
	Elsewhere       string     // where that can be changed; "": nowhere yet
	Wrong           string     // what is wrong with it
	Theirs          string     // what somebody else made of it meanwhile
}

type wordView struct {
	Value, Text string
	Chosen      bool
}

// Described are the ids of the texts about it.
func (f fieldView) Described() string {
	var ids []string
	for suffix, there := range map[string]bool{"-h": f.Help != "", "-m": f.Wrong != "", "-t": f.Theirs != ""} {
		if there {
			ids = append(ids, f.ID+suffix)
		}
	}
	slices.Sort(ids)
	slices.Reverse(ids) // what is wrong comes first
	return strings.Join(ids, " ")
}

// groupView is fields that belong together.
type groupView struct {
	Title, Help string
	Fields      []fieldView
}

// formFields are the fields of a sheet.
type formFields struct {
	Target, Name, Every, Timeout, On, Except, Tags fieldView

	Main   []fieldView // options that matter to most, and those that are set
	Groups []groupView // the other ones
	More   int         // how many these are
	Judged []fieldView
	Odd    bool // something in Judged is set, or wrong
}

// All are the fields in the order of the form.
func (f *formFields) All() []fieldView {
	list := []fieldView{f.Target, f.Name, f.Every, f.Timeout, f.On, f.Except}
	list = append(list, f.Main...)
	for _, g := range f.Groups {
		list = append(list, g.Fields...)
	}
	return append(append(list, f.Judged...), f.Tags)
}

// fields are those of the sheet; wrong and theirs say more about some of them.
func (x *sheet) fields(w flow.World, wrong, theirs map[string]string) formFields {
	of := func(name, label, help, usual string) fieldView {
		v := fieldView{ID: fieldID(name), Name: name, Label: label, Help: help, Usual: usual, Text: x.texts[name], Wrong: wrong[name], Theirs: theirs[name], Fixed: x.fixed[name]}
		if v.Fixed {
			if v.Text = console.PrintableText(v.Text); x.base.Revision != 0 {
				v.Elsewhere = "?as=yaml"
			}
		}
		return v
	}
	every := wire.Duration(max(wire.DefaultEvery, x.kind.MinEvery))
	shown, err := wire.ParseDuration(x.texts[fieldEvery])
	if err != nil || shown <= 0 {
		shown = every.Std()
	}
	timeout := wire.Monitor{Every: wire.Duration(shown)}.WithDefaults().Timeout
	f := formFields{
		Target:  of(fieldTarget, "Target", x.kind.Target+", such as "+x.kind.Example, x.kind.Example),
		Name:    of(fieldName, "Name", "of A-Z a-z 0-9 _ -; left out, it is made from kind and target", ""),
		Every:   of(fieldEvery, "Every", "time from one run to the next, such as 500ms, 10s or 1m"+leastEvery(x.kind), every.String()),
		Timeout: of(fieldTimeout, "Timeout", "how long a run waits for the target, such as 500ms or 2s", timeout.String()),
		On:      of(fieldOn, "Agents", "all; names and labels by commas, such as paris,region=eu; or some of them, such as 3 of region=eu", wire.Everywhere),
		Except:  of(fieldExcept, "Except", "agents that do not run it, written as above", "none"),
		Tags:    of(fieldTags, "Tags", "NAME=VALUE, one to a line; lists, rules and silences choose by them", ""),
	}
	f.Tags.Area = max(2, lines(f.Tags.Text))
	for _, r := range draft.RuleFlags() {
		v := of(r.Name, r.Name, strings.ReplaceAll(r.Help, "`", ""), r.Default)
		v.Known = wordsOf(r.Words)
		f.Judged = append(f.Judged, v)
	}
	f.Judged = append(f.Judged,
		of(fieldDepends, "depends on", "monitors without which it cannot be reached, by commas; while one of them is down, it takes the blame", "none"),
		of(fieldSLO, "objective", "percent of the time in which it shall not be down, such as 99.9, or 99.9/90d over another time than 30d; its error budget is watched", "none"))
	f.Odd = slices.ContainsFunc(f.Judged, func(v fieldView) bool { return v.Text != "" || v.Wrong != "" || v.Theirs != "" })
	x.options(&f, of)
	return f
}

// options are the fields of the options, those of Main first in its order.
func (x *sheet) options(f *formFields, of func(name, label, help, usual string) fieldView) {
	var rest []probes.Field
	all := formOptions(x.kind)
	view := func(o probes.Field) fieldView {
		v := of(optionField(o.Path), o.Path, o.Help, o.Default)
		switch {
		case o.Type == "yes/no":
			v.Choices = choices(v.Text, "no, the default", "yes", "no")
			if o.Default == "true" {
				v.Choices[0].Text = "yes, the default"
			}
		case o.Closed:
			usual := "the default"
			if o.Default != "" {
				usual = o.Default + ", the default"
			}
			v.Choices = choices(v.Text, usual, o.Words...)
		case severalLines(o) || strings.Contains(v.Text, "\n"):
			v.Area = min(max(2, lines(v.Text)), 12)
			v.Help += map[string]string{"list": "; one to a line", "map": "; NAME=VALUE, one to a line"}[o.Type]
		default:
			v.Known = wordsOf(o.Words)
		}
		return v
	}
	for _, path := range x.kind.Main {
		if i := slices.IndexFunc(all, func(o probes.Field) bool { return o.Path == path }); i >= 0 {
			f.Main = append(f.Main, view(all[i]))
		}
	}
	for _, o := range all {
		v := view(o)
		switch {
		case slices.Contains(x.kind.Main, o.Path):
		case len(x.kind.Main) == 0, v.Text != "", v.Wrong != "", v.Fixed, v.Theirs != "":
			f.Main = append(f.Main, v)
		default:
			rest = append(rest, o)
		}
	}
	f.More = len(rest)
	f.Groups = grouped(x.kind, rest, view)
}

// grouped puts options together: the kind's own first, then those of each object, then what
// every kind has.
func grouped(k probes.Kind, list []probes.Field, view func(probes.Field) fieldView) []groupView {
	common := probes.CommonOptions()
	isCommon := func(path string) bool {
		return slices.ContainsFunc(common, func(o probes.Field) bool { return o.Path == path })
	}
	titles := []string{""} // of the kind's own
	of := map[string][]fieldView{}
	for _, o := range list {
		title, _, inner := strings.Cut(o.Path, ".")
		switch {
		case isCommon(o.Path):
			title = "\x00"
		case !inner:
			title = ""
		case !slices.Contains(titles, title):
			titles = append(titles, title)
		}
		of[title] = append(of[title], view(o))
	}
	var out []groupView
	for _, title := range append(titles, "\x00") {
		g := groupView{Title: title, Fields: of[title]}
		switch title {
		case "":
			g.Title = k.Name
		case "\x00":
			g.Title = "every kind"
		default:
			for _, o := range k.Options {
				if o.Path == title {
					g.Help = o.Help
				}
			}
		}
		if len(g.Fields) > 0 {
			out = append(out, g)
		}
	}
	return out
}

func fieldID(name string) string { return "f-" + strings.ReplaceAll(name, ".", "-") }

func leastEvery(k probes.Kind) string {
	if k.MinEvery == 0 {
		return ""
	}
	return "; at least " + wire.Duration(k.MinEvery).String() + " for " + k.Name
}

func lines(text string) int { return strings.Count(text, "\n") + 1 }

// choices are words to choose from, with what no choice is first; what is chosen is among
// them.
func choices(chosen, usual string, words ...string) []wordView {
	list := []wordView{{"", usual, chosen == ""}}
	if chosen != "" && !slices.Contains(words, chosen) {
		words = append([]string{chosen}, words...)
	}
	for _, w := range words {
		list = append(list, wordView{w, w, w == chosen})
	}
	return list
}

func wordsOf(words []string) (list []wordView) {
	for _, w := range words {
		list = append(list, wordView{Value: w})
	}
	return list
}

// knownView is what may stand in a field: an agent, a label or a tag.
type knownView struct {
	Word  string
	State stateView // of an agent
	Text  string
}

// knownMost is how many of a sort are offered.
const knownMost = 24

// knownAgents are the agents and labels by which one can choose.
func knownAgents(w flow.World) (list []knownView) {
	count := map[string]int{}
	for _, a := range w.Agents {
		for k, v := range a.Labels {
			count[k+"="+v]++
		}
		if len(list) >= knownMost {
			continue
		}
		v := knownView{Word: a.ID, State: stateView{"●", "online", "up"}}
		if !a.Online {
			v.State, v.Text = stateView{"✕", "offline", "down"}, "offline"
		}
		list = append(list, v)
	}
	labels := slices.Sorted(maps.Keys(count))
	for _, l := range labels[:min(len(labels), knownMost)] {
		if console.Printable(l) == l {
			list = append(list, knownView{Word: l})
		}
	}
	return list
}

func knownTags(w flow.World) (list []knownView) {
	for _, tag := range w.Tags[:min(len(w.Tags), knownMost)] {
		if console.Printable(tag) == tag {
			list = append(list, knownView{Word: tag})
		}
	}
	return list
}
