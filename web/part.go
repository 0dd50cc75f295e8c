package web

import (
	"bytes"
	"encoding/json"
	"html/template"
	"slices"
	"time"
)

// How often what changes all the time is shown again, so that a page stays calm and small.
const (
	figuresEach = 5 * time.Second
	linesEach   = 30 * time.Second // sparklines
)

// part is a piece of a page that changes by itself. Its HTML is the template of that name,
// given the part.
type part struct {
	ID     string
	Shape  string             // name of the template
	Body   any                // comparable; a change is shown at once
	Draw   func() string      // makes Line, where that costs something; nil: it is there
	Line   string             // a sparkline, or what else changes all the time; shown again now and then
	Cells  [cellsMost]Figured // figures; shown again every few seconds
	Listed bool               // it is one of the rows of the page, whose order may change
}

const cellsMost = 6

// Figured is the text of one figure.
type Figured = string

// frame is a page at one moment.
type frame struct {
	title string
	parts []part
}

// shown is a part as viewers have it.
type shown struct {
	part
	html            string
	linesAt, cellAt time.Time
}

// event is what is sent to viewers: parts that are other ones now.
type event struct {
	Version uint64                        `json:"v"`
	HTML    map[string]string             `json:"h,omitempty"` // by id
	Cells   map[string][cellsMost]Figured `json:"c,omitempty"` // by id
	Order   []string                      `json:"o,omitempty"` // of all rows, where it changed
	Title   string                        `json:"t,omitempty"`
}

func (e *event) empty() bool {
	return len(e.HTML) == 0 && len(e.Cells) == 0 && e.Order == nil && e.Title == ""
}

// state is what viewers of a feed have.
type state struct {
	title string
	of    map[string]*shown
	order []string // of the rows
	fixed []string // of the parts that are none
}

// take makes the state that of a frame, and returns what is another one then.
func (s *state) take(f frame, now time.Time) (event, error) {
	e := event{HTML: map[string]string{}, Cells: map[string][cellsMost]Figured{}}
	if s.of == nil {
		s.of = map[string]*shown{}
	}
	if s.title != f.title {
		s.title, e.Title = f.title, f.title
	}
	order, fixed := make([]string, 0, len(f.parts)), []string{}
	for i := range f.parts {
		p := &f.parts[i]
		if p.Listed {
			order = append(order, p.ID)
		} else {
			fixed = append(fixed, p.ID)
		}
		was := s.of[p.ID]
		switch {
		case was == nil, was.Shape != p.Shape, was.Body != p.Body, now.Sub(was.linesAt) >= linesEach && was.Line != p.line():
			p.Line = p.line()
			text, err := render(p)
			if err != nil {
				return e, err
			}
			s.of[p.ID] = &shown{part: *p, html: text, linesAt: now, cellAt: now}
			e.HTML[p.ID] = text
		case was.Cells != p.Cells && now.Sub(was.cellAt) >= figuresEach:
			was.Cells, was.cellAt, was.html = p.Cells, now, ""
			e.Cells[p.ID] = p.Cells
		}
	}
	if !slices.Equal(order, s.order) {
		e.Order = order
		there := make(map[string]bool, len(order))
		for _, id := range order {
			there[id] = true
		}
		for _, id := range s.order {
			if !there[id] {
				delete(s.of, id)
			}
		}
	}
	s.order, s.fixed = order, fixed
	return e, nil
}

// html is a part as it is now.
func (s *state) html(id string) (template.HTML, error) {
	x := s.of[id]
	if x.html == "" { // figures changed since
		text, err := render(&x.part)
		if err != nil {
			return "", err
		}
		x.html = text
	}
	return template.HTML(x.html), nil // #nosec G203 -- made by html/template
}

// all is the whole state as an event.
func (s *state) all() (event, error) {
	e := event{HTML: map[string]string{}, Order: s.order, Title: s.title}
	for _, list := range [][]string{s.fixed, s.order} {
		for _, id := range list {
			text, err := s.html(id)
			if err != nil {
				return e, err
			}
			e.HTML[id] = string(text)
		}
	}
	return e, nil
}

// line is its line, drawn now.
func (p *part) line() string {
	if p.Draw != nil {
		return p.Draw()
	}
	return p.Line
}

func render(p *part) (string, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, p.Shape, p)
	return b.String(), err
}

// encode is an event as viewers get it: one message of text/event-stream.
func (e *event) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("data: ")
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
