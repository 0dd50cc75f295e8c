package status

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"netmon/console"
	"netmon/wire"
)

// Tags by which a monitor gets onto the page.
const (
	DefaultTag = "status-page" // its value is the heading under which the monitor stands
	NameTag    = "status-name" // what visitors read in place of the monitor's name
)

// Bounds of a page.
const (
	MaxServices  = 500
	MaxIncidents = 500 // in the past of 90 days
	MaxTitle     = 200 // bytes
	Days         = 90
)

// Options of a page.
type Options struct {
	Title string // at the top; "Status" where it is ""
	Tag   string // monitors with this tag are public; DefaultTag where it is ""
	URL   string // where visitors find the page; "" where that is not known
	Show  Show
}

// Show says what else visitors see.
type Show struct {
	Targets bool // what is measured
	Agents  bool // from where a service is not reached
	Reasons bool // the judge's sentence, which may hold addresses, agents and error texts
}

// ParseShow reads a list such as targets,agents.
func ParseShow(list []string) (s Show, err error) {
	for _, word := range list {
		switch strings.TrimSpace(word) {
		case "targets":
			s.Targets = true
		case "agents":
			s.Agents = true
		case "reasons":
			s.Reasons = true
		default:
			return s, fmt.Errorf("want some of targets, agents and reasons, got %q", word)
		}
	}
	return s, nil
}

// Validate reports every mistake, by the name of the field.
func (o *Options) Validate() error {
	var p wire.Problems
	if len(o.Title) > MaxTitle {
		p.Addf("title", "is %d bytes long: want at most %d", len(o.Title), MaxTitle)
	}
	if o.Tag != "" {
		p.Add("tag", wire.CheckToken(o.Tag))
	}
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			p.Addf("url", "want the address of the page, such as https://status.example.org/, got %q", wire.Clip(o.URL, 200))
		}
	}
	return p.Err()
}

// withDefaults is what holds where nothing was given.
func (o Options) withDefaults() Options {
	o.Title, o.Tag = console.Printable(cmp.Or(o.Title, "Status")), cmp.Or(o.Tag, DefaultTag)
	if o.URL != "" && !strings.HasSuffix(o.URL, "/") {
		o.URL += "/"
	}
	return o
}

// public says whether a monitor is on the page, and under which heading. A person who
// writes no means no.
func (o *Options) public(m *wire.Saved) (heading string, is bool) {
	value, is := m.Tags[o.Tag]
	switch word := strings.ToLower(strings.TrimSpace(value)); {
	case slices.Contains([]string{"", "no", "off", "false", "0", "private", "hidden", "none"}, word):
		return "", false
	case slices.Contains([]string{"yes", "on", "true", "1", "public"}, word):
		return "", is
	}
	return console.Printable(strings.TrimSpace(value)), is
}

// chosen is a monitor that is public.
type chosen struct {
	saved         *wire.Saved
	heading, name string
	slug, id      string
}

// choose are the public monitors by heading and name, those without a heading first, and
// how many more there are than a page may have.
func (o *Options) choose(all []wire.Saved) (list []chosen, more int) {
	for i := range all {
		if heading, is := o.public(&all[i]); is {
			name := cmp.Or(strings.TrimSpace(all[i].Tags[NameTag]), all[i].Name)
			list = append(list, chosen{saved: &all[i], heading: heading, name: console.Printable(name)})
		}
	}
	slices.SortFunc(list, func(a, b chosen) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.heading), strings.ToLower(b.heading)), cmp.Compare(a.heading, b.heading),
			cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name), cmp.Compare(a.saved.Name, b.saved.Name))
	})
	if more = len(list) - MaxServices; more > 0 {
		list = list[:MaxServices]
	}
	names, slugs := map[string]map[string]bool{}, map[string]bool{}
	for i := range list {
		c := &list[i]
		if names[c.heading] == nil {
			names[c.heading] = map[string]bool{}
		}
		c.name = unused(names[c.heading], c.name, func(s string, n int) string { return fmt.Sprintf("%s (%d)", s, n) })
		c.id = publicID("service", c.heading+"\x00"+c.name)
		c.slug = unused(slugs, cmp.Or(slug(c.name), c.id), func(s string, n int) string { return fmt.Sprintf("%s-%d", s, n) })
	}
	return list, max(0, more)
}

// unused is a word, or another one made of it, that was not there before.
func unused(there map[string]bool, word string, another func(word string, n int) string) string {
	first := word
	for n := 2; there[word]; n++ {
		word = another(first, n)
	}
	there[word] = true
	return word
}
