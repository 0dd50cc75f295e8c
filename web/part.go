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
	Shape  string        // name of the template
	Body   any           // comparable; a change is shown at once
	Draw   func() string // makes Line, where that costs something; nil: it is there
	Line   string        // a sparkline, or what else changes all the time; shown again now and then
	Write  func() cells  // makes Cells, where that costs something; nil: they are there
	Cells  cells         // figures; shown again every few seconds
	Listed bool          // it is one of the rows of the page, whose order may change
}

const cellsMost = 6

// Figured is the text of one figure.
type Figured = string

// cells are the figures of a part.
type cells = [cellsMost]Figured

// frame is a page at one moment.
type frame struct {
	title string
	parts []part
}

// shown is a part as viewers have it.
type shown struct {
	part
	text             string // its HTML, with a mark in place of each cell
	linesAt, cellsAt time.Time
}

// cellMark stands for the first cell in the text of a part, the next bytes for the next ones:
// so what changes all the time is put into what was rendered. No text of others has them:
// they are control characters.
const cellMark = 1

// event is what is sent to viewers: parts that are other ones now.
type event struct {
	Version uint64            `json:"v"`
	HTML    map[string]string `json:"h,omitempty"` // by id
	Cells   map[string]cells  `json:"c,omitempty"` // by id
	Order   []string          `json:"o,omitempty"` // of all rows, where it changed
	Title   string            `json:"t,omitempty"`
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
	e := event{HTML: map[string]string{}, Cells: map[string]cells{}}
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
		if s.of[p.ID] == nil {
			s.of[p.ID] = newShown(i, now)
		}
		if err := s.takePart(p, &e, now); err != nil {
			return e, err
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

// takePart adds to e what of a part is another one than viewers have. What costs something
// is made when it is due, and not before.
func (s *state) takePart(p *part, e *event, now time.Time) error {
	x := s.of[p.ID]
	other := x.Shape != p.Shape || x.Body != p.Body
	if now.Sub(x.linesAt) >= linesEach {
		x.linesAt = now
		other = other || x.Line != p.line()
	}
	switch {
	case other:
		p.Line, p.Cells = p.line(), p.cells()
		text, err := render(p)
		if err != nil {
			return err
		}
		x.part, x.text = *p, text
		x.Draw, x.Write = nil, nil // they hold all rows of that moment
		e.HTML[p.ID] = x.html()
	case now.Sub(x.cellsAt) >= figuresEach:
		x.cellsAt = now
		if c := p.cells(); x.Cells != c {
			x.Cells, e.Cells[p.ID] = c, c
		}
	}
	return nil
}

// newShown is the i-th part of a page before its first frame. What is shown now and then
// comes at a phase of its own: all at once would hold up what is news.
func newShown(i int, now time.Time) *shown {
	const phases = 64
	back := time.Duration(i % phases)
	return &shown{linesAt: now.Add(-linesEach * back / phases), cellsAt: now.Add(-figuresEach * back / phases)}
}

// html is a part as it is now.
func (s *state) html(id string) template.HTML {
	return template.HTML(s.of[id].html()) // #nosec G203 -- made by html/template, and escaped cells
}

// html is its text with the cells where their marks are.
func (x *shown) html() string {
	b := make([]byte, 0, len(x.text)+cellsMost*len("100.0 ms"))
	from := 0
	for i := range len(x.text) {
		if c := x.text[i] - cellMark; c < cellsMost {
			b = append(append(b, x.text[from:i]...), template.HTMLEscapeString(x.Cells[c])...)
			from = i + 1
		}
	}
	return string(append(b, x.text[from:]...))
}

// all is the whole state as an event.
func (s *state) all() event {
	e := event{HTML: map[string]string{}, Order: s.order, Title: s.title}
	for _, list := range [][]string{s.fixed, s.order} {
		for _, id := range list {
			e.HTML[id] = s.of[id].html()
		}
	}
	return e
}

// line is its line, drawn now.
func (p *part) line() string {
	if p.Draw != nil {
		return p.Draw()
	}
	return p.Line
}

// cells are its figures as they are now.
func (p *part) cells() cells {
	if p.Write != nil {
		return p.Write()
	}
	return p.Cells
}

// render is the text of a part.
func render(p *part) (string, error) {
	marked := *p
	for i := range marked.Cells {
		marked.Cells[i] = string(rune(cellMark + i))
	}
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, p.Shape, &marked)
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
