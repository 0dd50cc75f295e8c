package nagios

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// object is one define block: its attributes as they stand there.
type object struct {
	kind  string // host, service, command, ...
	at    migrate.Place
	attrs map[string]string
}

func (o *object) get(name string) string { return o.attrs[name] }

// isTemplate says whether it is there for others to use alone.
func (o *object) isTemplate() bool { return o.get("register") == "0" }

// maxObjects bounds what the files define, and what follows from them.
const maxObjects = 100_000

// parseObjects reads the define blocks of an object file. What is not one is a mistake.
func parseObjects(f migrate.File) ([]*object, error) {
	var all []*object
	var open *object
	mistake := func(line int, text, format string, args ...any) error {
		return &safeyaml.Mistake{Path: f.Path, Line: line, What: fmt.Errorf(format, args...), Text: text}
	}
	for n, text := range lines(string(f.Data)) {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' || text[0] == ';' {
			continue
		}
		if len(text) > maxLine {
			return nil, mistake(n, "", "the line is over %d bytes", maxLine)
		}
		if open == nil {
			rest, ok := strings.CutPrefix(text, "define")
			kind, more, brace := strings.Cut(strings.TrimSpace(rest), "{")
			kind = strings.TrimSpace(kind)
			if !ok || !brace || kind == "" || strings.ContainsAny(kind, " \t") {
				return nil, mistake(n, text, "want define TYPE {")
			}
			if len(all) == maxObjects {
				return nil, mistake(n, "", "over %d objects", maxObjects)
			}
			open = &object{kind, migrate.Place{Path: f.Path, Line: n}, map[string]string{}}
			all = append(all, open)
			if text = strings.TrimSpace(uncomment(more)); text == "" {
				continue
			}
		}
		text = strings.TrimSpace(uncomment(text))
		if text == "}" {
			open = nil
			continue
		}
		name, value := cutSpace(text)
		if name != "" {
			open.attrs[alias(name)] = value
		}
	}
	if open != nil {
		return nil, mistake(open.at.Line, "", "define %s { has no }", open.kind)
	}
	return all, nil
}

// alias is the one name of what has two.
func alias(name string) string {
	if strings.HasPrefix(name, "_") {
		return strings.ToUpper(name) // variables of one's own know no case
	}
	switch name {
	case "normal_check_interval":
		return "check_interval"
	case "retry_check_interval":
		return "retry_interval"
	case "description":
		return "service_description"
	case "host", "hosts":
		return "host_name"
	case "hostgroup", "hostgroups_name":
		return "hostgroup_name"
	case "host_groups":
		return "hostgroups"
	case "service_groups":
		return "servicegroups"
	}
	return name
}

// uncomment cuts what comes after ; unless a backslash stands before that.
func uncomment(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == ';':
			i++
			b.WriteByte(';')
		case text[i] == ';':
			return b.String()
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

func cutSpace(text string) (name, value string) {
	i := strings.IndexAny(text, " \t")
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimSpace(text[i:])
}

// maxLine bounds a line that others are joined to, bytes: what comes behind that is the next
// one.
const maxLine = 1 << 20

// lines are those of a file by number, with those joined that end in a backslash.
func lines(data string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n, first := 0, 0
		var held strings.Builder
		for line := range strings.Lines(data) {
			n++
			line = strings.TrimRight(line, "\r\n")
			if held.Len() == 0 {
				first = n
			}
			if rest, ok := strings.CutSuffix(line, `\`); ok && !strings.HasSuffix(rest, `\`) && held.Len() < maxLine {
				held.WriteString(rest + " ")
				continue
			}
			if held.Len() > 0 {
				held.WriteString(line)
				line = held.String()
				held.Reset()
			}
			if !yield(first, line) {
				return
			}
		}
		if held.Len() > 0 {
			yield(first, held.String())
		}
	}
}

// maxUse is how deep templates may use templates.
const maxUse = 64

// maxInherited bounds what all objects have together, attributes with those of their
// templates.
const maxInherited = 3_000_000

// inheritance works out what objects have from templates, each template once.
type inheritance struct {
	templates map[string]*object
	full      map[*object]map[string]string
	attrs     int // so far
}

// of is the object with what its templates say (Nagios, "Object Inheritance"): the
// object's own value counts, then that of the first template which has one. null is none;
// a value that begins with + adds to the inherited one. path is the templates that led there.
func (h *inheritance) of(o *object, path []string) (map[string]string, error) {
	if full, ok := h.full[o]; ok {
		return full, nil
	}
	if len(path) > maxUse {
		return nil, fmt.Errorf("%s: templates use templates over %d deep", o.at, maxUse)
	}
	full := maps.Clone(o.attrs)
	for name := range strings.SplitSeq(o.get("use"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		t, ok := h.templates[o.kind+" "+name]
		if !ok {
			return nil, fmt.Errorf("%s: use: there is no template %q for a %s in the files given", o.at, name, o.kind)
		}
		if slices.Contains(path, name) {
			return nil, fmt.Errorf("%s: use: template %q uses itself", o.at, name)
		}
		inherited, err := h.of(t, append(path, name))
		if err != nil {
			return nil, err
		}
		if h.attrs += 1 + len(inherited); h.attrs > maxInherited {
			return nil, fmt.Errorf("%s: use: with their templates, the objects have over %d attributes: give fewer files at once", o.at, maxInherited)
		}
		for k, v := range inherited {
			if err := merge(full, k, v); err != nil {
				return nil, fmt.Errorf("%s: %w", o.at, err)
			}
		}
	}
	h.full[o] = full
	return full, nil
}

// merge gives full an inherited attribute.
func merge(full map[string]string, k, v string) error {
	own, has := full[k]
	switch {
	case k == "name" || k == "register" || k == "use":
	case !has:
		full[k] = v
	case strings.HasPrefix(own, "+") && v != "" && v != "null":
		plus := ""
		if rest, more := strings.CutPrefix(v, "+"); more {
			plus, v = "+", rest
		}
		if full[k] = plus + v + "," + own[1:]; len(full[k]) > maxLine {
			return fmt.Errorf("%s: with what templates add to it, it has over %d bytes", k, maxLine)
		}
	}
	return nil
}

// resolve puts into each object what its templates say.
func resolve(all []*object) []error {
	h := inheritance{map[string]*object{}, map[*object]map[string]string{}, 0}
	for _, o := range all {
		if name := o.get("name"); name != "" {
			if _, ok := h.templates[o.kind+" "+name]; !ok {
				h.templates[o.kind+" "+name] = o
			}
		}
	}
	var errs []error
	full := make([]map[string]string, len(all))
	for i, o := range all {
		attrs, err := h.of(o, nil)
		if err != nil {
			errs = append(errs, err)
			attrs = o.attrs
		}
		full[i] = attrs
		if h.attrs > maxInherited {
			return errs
		}
	}
	for i, o := range all {
		o.attrs = full[i]
		for k, v := range o.attrs {
			if v == "null" {
				o.attrs[k] = ""
			} else if len(v) > 1 && v[0] == '+' && listAttr(k) {
				o.attrs[k] = v[1:]
			}
		}
	}
	return errs
}

// listAttr says whether an attribute takes names, which + adds to.
func listAttr(name string) bool {
	return strings.HasSuffix(name, "s") || strings.HasSuffix(name, "_name") || strings.HasPrefix(name, "_")
}
