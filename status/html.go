package status

import (
	"bytes"
	"embed"
	"html/template"
	"slices"
	"time"
)

//go:embed templates
var templateFiles embed.FS

// pageView is what a template gets: the page, and where in it we are.
type pageView struct {
	*Page
	Root    string // of links: "" or ../
	Here    string // the file
	Name    string // of the title of the window
	Service *Service
	Stories []Incident   // those that this page shows
	Active  []Occurrence // in the same way
	Plans   []Occurrence
	assets  map[string]string
}

func (v *pageView) Asset(name string) string { return v.Root + v.assets[name] }

// When is a time as an element.
func (v *pageView) When(t time.Time) template.HTML {
	if t.IsZero() {
		return ""
	}
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + momentText(t, v.At) + `</time>`) // #nosec G203 -- digits and words of ours
}

func (v *pageView) Strip(s *Service) template.HTML { return stripOf(&s.Days) }
func (v *pageView) Uptime(s *Service) string       { return uptimeText(s.Uptime) }
func (v *pageView) Rows(s *Service) []dayRow       { return rowsOf(&s.Days, v.At) }
func (v *pageView) Took(x Incident) string         { return lengthText(x.Ended.Sub(x.Began)) }
func (v *pageView) First(s *Service) string        { return dayText(s.Days[0].Date, v.At) }

// Long says that an incident has more to it than its title.
func (v *pageView) Long(x Incident) bool {
	return len(x.Updates) > 1 || x.Updates[0].Text != x.Title+"."
}

// Times are those of a maintenance in words.
func (v *pageView) Times(o Occurrence) template.HTML {
	switch o.Phase(v.At) {
	case "in_progress":
		return "Under way until " + v.When(o.To)
	case "scheduled":
		return "Planned: " + v.When(o.From) + ", for " + template.HTML(lengthText(o.To.Sub(o.From))) // #nosec G203 -- digits and words of ours
	}
	return v.When(o.From) + ", for " + template.HTML(lengthText(o.To.Sub(o.From))) // #nosec G203 -- digits and words of ours
}

// Banner is the class of the headline.
func (v *pageView) Banner() string {
	if v.Blind || v.Services == 0 {
		return Unknown.Class()
	}
	return v.State.Class()
}

// Mark stands before the headline.
func (v *pageView) Mark() string {
	if v.Blind || v.Services == 0 {
		return Unknown.Mark()
	}
	return v.State.Mark()
}

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// html renders one template of a page.
func (v *pageView) html(name string) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, v)
	return b.Bytes(), err
}

// recent is how far back the first page shows what is over.
const recent = 14 * 24 * time.Hour

func (p *Page) storiesSince(from time.Time) (list []Incident) {
	for i := range p.Incidents {
		if x := &p.Incidents[i]; x.Open() || x.Ended.After(from) {
			list = append(list, *x)
		}
	}
	return list
}

func (p *Page) storiesOf(s *Service) (list []Incident) {
	for i := range p.Incidents {
		if slices.ContainsFunc(p.Incidents[i].Services, func(r Ref) bool { return r.ID == s.ID }) {
			list = append(list, p.Incidents[i])
		}
	}
	return list
}

func (p *Page) plans(phases ...string) (list []Occurrence) {
	for i := range p.Maintenance {
		if slices.Contains(phases, p.Maintenance[i].Phase(p.At)) {
			list = append(list, p.Maintenance[i])
		}
	}
	return list
}
