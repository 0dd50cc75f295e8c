package web

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console"
	"netmon/console/draft"
	"netmon/probes"
	"netmon/wire"
)

// sheet is a monitor as the texts of a form. What nobody changes there stays as it is, be it
// something that no text gives.
type sheet struct {
	kind  probes.Kind
	base  wire.Saved        // what the texts are about; of a new monitor, what it is a copy of
	was   map[string]string // its texts, by field
	texts map[string]string // as they are in the form
	fixed map[string]bool   // options that the form shows and does not change
}

// The fields of a form, but for options, of which each is one: optionField.
const (
	fieldTarget  = "target"
	fieldName    = "name"
	fieldEvery   = "every"
	fieldTimeout = "timeout"
	fieldOn      = "on"
	fieldExcept  = "except"
	fieldTags    = "tags"
	fieldSLO     = "slo"
	fieldDepends = "depends_on"
)

func optionField(path string) string { return "o." + path }

// sheetOf is a monitor as a form shows it.
func sheetOf(k probes.Kind, m wire.Saved) *sheet {
	x := &sheet{kind: k, base: m, fixed: map[string]bool{}}
	x.was = map[string]string{fieldTarget: m.Target, fieldName: m.Name, fieldExcept: m.Except.String(),
		fieldTags: strings.Join(console.TagsOf([]wire.Saved{m}), "\n"), fieldDepends: strings.Join(m.DependsOn, ", "),
		fieldEvery: "", fieldTimeout: "", fieldSLO: ""}
	if m.Every != 0 {
		x.was[fieldEvery] = m.Every.String()
	}
	if m.Timeout != 0 && m.Timeout != (wire.Monitor{Every: m.Every}).WithDefaults().Timeout {
		x.was[fieldTimeout] = m.Timeout.String()
	}
	if x.was[fieldOn] = m.Agents.String(); m.Agents == nil && m.Every != 0 {
		x.was[fieldOn] = wire.Everywhere
	}
	if m.SLO != nil {
		x.was[fieldSLO] = m.SLO.String()
	}
	for _, f := range draft.RuleFlags() {
		x.was[f.Name] = f.Text(m.Verdict)
	}
	texts, rest := draft.OptionTexts(k, m.Options)
	for _, o := range formOptions(k) {
		text, ok := fieldText(o, texts[o.Path])
		x.was[optionField(o.Path)] = text
		if !ok || slices.Contains(rest, o.Path) || slices.Contains(rest, "options") {
			x.fixed[optionField(o.Path)] = true
		}
	}
	x.texts = maps.Clone(x.was)
	return x
}

// formOptions are the options of a kind that have a field.
func formOptions(k probes.Kind) (list []probes.Field) {
	for _, o := range k.Options {
		if !strings.Contains(o.Path, "[]") && o.Type != "object" {
			list = append(list, o)
		}
	}
	return list
}

// typeOf is the type of the option of a field; "" of what is no option.
func (x *sheet) typeOf(field string) string {
	for _, o := range x.kind.Options {
		if optionField(o.Path) == field {
			return o.Type
		}
	}
	return ""
}

// severalLines says whether the field of an option has a line for each value, or is long.
func severalLines(o probes.Field) bool {
	return o.Type == "list" || o.Type == "map" || o.Type == "objects"
}

// fieldText is the text of an option's field. It is not ok where a browser would send
// another one back.
func fieldText(o probes.Field, texts []string) (text string, ok bool) {
	text = strings.Join(texts, "\n")
	lines := strings.Split(text, "\n")
	switch o.Type {
	case "list", "map":
		ok = len(lines) == max(1, len(texts)) && (len(texts) == 0 || !slices.Contains(lines, ""))
	default:
		ok = true
	}
	return text, ok && !slices.ContainsFunc(lines, func(l string) bool { return console.Printable(l) != l })
}

// take reads what somebody sent.
func (x *sheet) take(value func(field string) string) {
	for field := range x.was {
		if !x.fixed[field] {
			x.texts[field] = strings.ReplaceAll(value(field), "\r\n", "\n")
		}
	}
	for field, text := range x.texts {
		if !strings.HasPrefix(field, "o.") {
			x.texts[field] = strings.TrimSpace(text)
		}
	}
	for _, o := range formOptions(x.kind) {
		if field := optionField(o.Path); severalLines(o) && !x.fixed[field] {
			x.texts[field] = strings.Trim(x.texts[field], "\n")
		}
	}
}

// changed are the fields with another text than the monitor has, sorted.
func (x *sheet) changed() (fields []string) {
	for field, text := range x.texts {
		if text != x.was[field] {
			fields = append(fields, field)
		}
	}
	slices.Sort(fields)
	return fields
}

// monitor is what the texts make. The error holds every mistake, by the path of a monitor's
// field.
func (x *sheet) monitor(kinds probes.List) (wire.Saved, error) {
	m := x.base
	m.Kind, m.Chosen = x.kind.Name, nil
	var p wire.Problems
	is := map[string]bool{}
	for _, field := range x.changed() {
		is[field] = true
	}
	text := func(field string) string { return x.texts[field] }
	if is[fieldTarget] {
		m.Target = text(fieldTarget)
	}
	if is[fieldName] {
		m.Name = text(fieldName)
	}
	if is[fieldEvery] || is[fieldTimeout] {
		m.Every, m.Timeout = duration(&p, fieldEvery, text(fieldEvery)), duration(&p, fieldTimeout, text(fieldTimeout))
	}
	x.placed(&m, &p, is)
	if is[fieldTags] {
		m.Tags = x.tags(&p)
	}
	x.judged(&m, &p, is)
	changed := map[string][]string{}
	for _, o := range formOptions(x.kind) {
		if field := optionField(o.Path); is[field] {
			changed[o.Path] = optionTexts(o, text(field))
		}
	}
	options, err := draft.WithOptions(x.kind, m.Options, changed)
	p.Add("", err)
	if err == nil {
		m.Options = options
	}
	p.Add("", m.Validate())
	p.Add("", kinds.CheckMonitor(m.Monitor.WithDefaults()))
	return m, x.once(p.Err())
}

// tags reads one of each line: a value may have spaces and commas. A line that looks like
// several is taken for none, unless it was saved so.
func (x *sheet) tags(p *wire.Problems) map[string]string {
	var list []string
	for line := range strings.SplitSeq(x.texts[fieldTags], "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := words(line)
		if len(parts) > 1 && !slices.ContainsFunc(parts, func(w string) bool { return !strings.Contains(w, "=") }) && !slices.Contains(strings.Split(x.was[fieldTags], "\n"), line) {
			p.Addf("tags", "want each tag on a line of its own, got %q", wire.Clip(line, 2*wire.MaxToken))
			continue
		}
		list = append(list, line)
	}
	tags, err := console.ParseTags("tags", list, false)
	p.Add("", err)
	return tags
}

// placed reads where it runs.
func (x *sheet) placed(m *wire.Saved, p *wire.Problems, is map[string]bool) {
	var err error
	if is[fieldOn] {
		if m.Agents = nil; x.texts[fieldOn] != "" {
			m.Agents, err = wire.ParsePlacement(x.texts[fieldOn])
			p.Add("agents", err)
		}
	}
	if is[fieldExcept] {
		if m.Except = nil; x.texts[fieldExcept] != "" {
			m.Except, err = wire.ParseSelectors(x.texts[fieldExcept])
			p.Add("except", err)
		}
	}
}

// judged reads how it is judged.
func (x *sheet) judged(m *wire.Saved, p *wire.Problems, is map[string]bool) {
	if slices.ContainsFunc(draft.RuleFlags(), func(f draft.RuleFlag) bool { return is[f.Name] }) {
		rule, err := draft.Rule(func(flag string) (string, bool) { return x.texts[flag], x.texts[flag] != "" })
		for _, e := range wire.FieldErrors(err) {
			p.Add("verdict."+strings.TrimPrefix(e.Path, "--"), e.Err)
		}
		m.Verdict = rule
	}
	if is[fieldSLO] {
		if m.SLO = nil; x.texts[fieldSLO] != "" {
			slo, err := wire.ParseSLO(x.texts[fieldSLO])
			p.Add("slo", err)
			m.SLO = &slo
		}
	}
	if is[fieldDepends] {
		m.DependsOn = words(x.texts[fieldDepends])
	}
}

// once leaves of each field that has one value the first mistake, since what could not be read
// is not missing as well, and quotes durations as people typed them.
func (x *sheet) once(err error) error {
	var p wire.Problems
	said := map[string]bool{}
	for _, e := range wire.FieldErrors(err) {
		at := x.fieldOf(e.Path)
		several := at == "" || at == fieldTags || at == fieldDepends || strings.HasPrefix(at, "o.")
		if said[e.Error()] || said[at] && !several {
			continue
		}
		said[e.Error()], said[at] = true, true
		p.Add(e.Path, wire.AsWritten(e.Err, x.texts[at]))
	}
	return p.Err()
}

// fieldOf is the field of the form that a mistake is about; "" for none.
func (x *sheet) fieldOf(path string) string {
	path = strings.TrimPrefix(path, "--")
	if option, ok := strings.CutPrefix(path, "options."); ok {
		best := ""
		for _, o := range formOptions(x.kind) {
			if rest, under := strings.CutPrefix(option, o.Path); under && len(o.Path) > len(best) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				best = o.Path
			}
		}
		if best == "" {
			return ""
		}
		return optionField(best)
	}
	if strings.Contains(path, fieldDepends) { // of what is saved together, NAME.depends_on[0]
		return fieldDepends
	}
	first, rest, _ := strings.Cut(path, ".")
	first, _, _ = strings.Cut(first, "[")
	switch {
	case first == "agents":
		first = fieldOn
	case first == "verdict":
		first, _, _ = strings.Cut(rest, ".")
	}
	if _, ok := x.was[first]; ok {
		return first
	}
	return ""
}

// optionTexts are the values that the text of a field holds.
func optionTexts(o probes.Field, text string) (texts []string) {
	switch {
	case text == "":
		return nil
	case o.Type != "list" && o.Type != "map":
		return []string{text}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			texts = append(texts, line)
		}
	}
	return texts
}

// words are those of a text, by spaces or commas.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' || r == '\t' })
}

// duration reads one; no text is none.
func duration(p *wire.Problems, field, text string) wire.Duration {
	if text == "" {
		return 0
	}
	d, err := wire.ParseDuration(text)
	switch {
	case err != nil:
		p.Add(field, fmt.Errorf("want a duration such as 500ms, 10s or 1m, got %q", wire.Clip(text, 60)))
	case d == 0:
		p.Add(field, errors.New(`want more than 0, got "`+wire.Clip(text, 60)+`": leave it out for the default`))
	}
	return wire.Duration(d)
}
