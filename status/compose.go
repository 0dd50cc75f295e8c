package status

import (
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/wire"
)

// Compose makes the page of what is known. What is not chosen is not in it.
func Compose(f Facts, o Options) Page {
	o = o.withDefaults()
	list, more := o.choose(f.Monitors)
	p := Page{Title: o.Title, URL: o.URL, At: f.At.UTC(), ID: publicID("page", o.Title+"\x00"+o.URL), Blind: f.Blind, Since: f.Since.UTC(), Services: len(list), More: more, Past: f.Past.covers(list), Read: f.Read}
	if f.Since.IsZero() {
		p.Since = time.Time{}
	}
	planned := plannedOf(&f, list)
	refs := map[string]Ref{}
	for i := range list {
		c := &list[i]
		ref := Ref{ID: c.id, Slug: c.slug, Name: c.name}
		refs[c.saved.Name] = ref
		if n := len(p.Sections); n == 0 || p.Sections[n-1].Heading != c.heading {
			p.Sections = append(p.Sections, Section{ID: publicID("section", c.heading), Heading: c.heading})
		}
		in := &p.Sections[len(p.Sections)-1]
		in.Services = append(in.Services, serviceOf(&f, &o, c, planned.now(c.saved.Name, f.At)))
	}
	p.Maintenance = planned.occurrences(refs, f.Past)
	p.Incidents = incidentsOf(&f, refs, planned)
	p.summarise()
	return p
}

// serviceOf is how one service is.
func serviceOf(f *Facts, o *Options, c *chosen, maintenance bool) Service {
	s := Service{ID: c.id, Slug: c.slug, Name: c.name, Heading: c.heading}
	r := f.Rows[c.saved.Name]
	if !f.Blind {
		s.State = stateOf(r.State, r.Verdict)
	}
	if s.State != Unknown {
		s.Since = r.Since.UTC()
	}
	if s.State.Wrong() {
		s.Reason = reasonOf(r.Verdict)
	}
	switch {
	case s.State != Unknown && maintenance:
		s.State, s.Since, s.Reason = Maintenance, time.Time{}, ""
	case f.Blind:
	case paused(&r) || c.saved.Paused:
		s.Reason = "it is not watched at this time"
	}
	s.Days, s.Uptime = f.Past.of(c.saved.Name, f.At, s.State)
	s.Notes = notesOf(o, c.saved, &r, s.State)
	return s
}

// notesOf is what the owner of the page chose to show.
func notesOf(o *Options, m *wire.Saved, r *view.Row, is State) (notes []string) {
	if o.Show.Targets {
		notes = append(notes, console.Printable(m.Target))
	}
	if r.Verdict == nil || !is.Wrong() {
		return notes
	}
	if o.Show.Agents {
		if list := slices.Concat(r.Verdict.Quorum.Down, r.Verdict.Quorum.Slow); len(list) > 0 {
			notes = append(notes, "seen from "+console.Printable(strings.Join(list, ", ")))
		}
	}
	if o.Show.Reasons && r.Verdict.Why != "" {
		notes = append(notes, console.Printable(r.Verdict.Why))
	}
	return notes
}
