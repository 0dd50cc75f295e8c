package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"netmon/console"
)

// whole is a page of a feed as it is sent, for all who ask while nothing changed.
type whole struct {
	tag    string
	plain  []byte
	packed []byte // by gzip
}

// pageView is what the template of a page is given.
type pageView struct {
	Page    string // which one
	Title   string
	Feed    string // where what changes comes from
	Parts   map[string]template.HTML
	Rows    []template.HTML
	Filter  string
	Name    string // of what the page is about
	Broker  string
	Version string
	At      string
	Tabs    []tab
	tag     string // of what the feed has

	Plot    *plotView
	Outages []outageView
	Uptime  string
	NoPast  string
	Config  string
	History []revisionView
	Chains  []chainView
	Chained string // why they cannot be read

	Inner template.HTML // of a page that is made for one reader
}

// Kept are the revisions of what the page is about.
func (v pageView) Kept() revisionsView { return revisionsView{Name: v.Name, List: v.History} }

// Chosen is the tab that the page is under.
func (v pageView) Chosen() string {
	switch v.Page {
	case "monitor":
		return "monitors"
	case "incident":
		return "incidents"
	}
	return v.Page
}

type tab struct{ Path, Word, Page string }

var tabs = []tab{{"/", "Monitors", "monitors"}, {"/matrix", "Matrix", "matrix"}, {"/agents", "Agents", "agents"}, {"/incidents", "Incidents", "incidents"}, {"/silences", "Silences", "silences"}, {"/audit", "Audit", "audit"}}

type outageView struct {
	Since, Until, Long, Blame string
	Open                      bool
}

type revisionView struct {
	Edition    uint64
	At, Author string
	Change     string
	Back       bool // it can be restored
}

// page answers with the page of a key.
func (s *Server) page(w http.ResponseWriter, r *http.Request, key string) {
	if filter := strings.TrimSpace(r.FormValue("q")); key == "monitors" && filter != "" {
		s.filtered(w, r, filter)
		return
	}
	f, err := s.feed(r.Context(), key)
	switch {
	case errors.Is(err, errAbsent):
		s.absent(w, r, key)
		return
	case errors.Is(err, errFull):
		s.full(w)
		return
	case err != nil:
		s.broken(w, r, err)
		return
	}
	page, err := s.made(r, f, key)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	page.send(w, r, http.StatusOK)
}

// made is the page of a feed: one that is kept, or a new one.
func (s *Server) made(r *http.Request, f *feed, key string) (*whole, error) {
	what, name, about := strings.Cut(key, " ")
	if !about { // nothing is on the page but what the feed has
		f.making.Lock()
		defer f.making.Unlock()
		if page := f.kept(); page != nil {
			return page, nil
		}
	}
	v := f.view(what, name)
	v.Broker, v.Version, v.Name, v.At, v.Tabs = s.o.Broker, s.o.Version, name, stamp(time.Now()), tabs
	if what == "monitor" {
		s.withPast(r, &v)
	}
	page, err := s.whole(v)
	if err == nil && !about {
		f.keep(page)
	}
	return page, err
}

// kept is the page that was made last, if it is of now or of a moment ago: who gets it, gets
// what changed since as all viewers do. It is nil where there is none.
func (f *feed) kept() *whole {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.page != nil && (f.page.tag == f.tag() || time.Since(f.paged) < f.s.o.pace) {
		return f.page
	}
	return nil
}

// keep keeps a page.
func (f *feed) keep(p *whole) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.page, f.paged = p, time.Now()
}

// view is what viewers of the feed have, for a page.
func (f *feed) view(what, name string) pageView {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := pageView{Page: what, tag: f.tag(), Title: f.state.title, Feed: fmt.Sprintf("/events?page=%s&name=%s&feed=%s&v=%d", what, name, f.id, f.version), Parts: map[string]template.HTML{}}
	v.add(&f.state)
	return v
}

// add adds the parts of a state.
func (v *pageView) add(s *state) {
	for _, id := range s.fixed {
		v.Parts[id] = s.html(id)
	}
	for _, id := range s.order {
		v.Rows = append(v.Rows, s.html(id))
	}
}

func (f *feed) tag() string { return fmt.Sprintf(`"%s-%d"`, f.id, f.version) }

// filtered is the list of the monitors that a filter leaves. It is made for one reader.
func (s *Server) filtered(w http.ResponseWriter, r *http.Request, filter string) {
	if len(filter) > 200 {
		filter = filter[:200]
	}
	v := pageView{Page: "monitors", Feed: "/events?page=monitors", Filter: filter, Parts: map[string]template.HTML{}, Broker: s.o.Broker, Version: s.o.Version, At: stamp(time.Now()), Tabs: tabs}
	var st state
	fr := monitorsOf(s.awake(r.Context()), filter)
	_, err := st.take(fr, time.Now())
	v.add(&st)
	v.Title = fr.title
	var p *whole
	if err == nil {
		p, err = s.whole(v)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	p.send(w, r, http.StatusOK)
}

// withPast adds what history and the store say of a monitor.
func (s *Server) withPast(r *http.Request, v *pageView) {
	d := s.detail(r.Context(), v.Name)
	plot := s.plotView(r, plotAsked(r, v.Name), d)
	v.Plot = &plot
	var err error
	if v.Chains, err = s.chains(r.Context(), v.Name, d); err != nil {
		v.Chained = console.Printable(err.Error())
	}
	row, err := s.uptime(r.Context(), v.Name)
	switch {
	case err != nil:
		v.NoPast = console.Printable(err.Error())
	case row != nil:
		if row.Uptime != nil {
			v.Uptime = console.PercentText(row.Uptime)
		}
		for i := len(row.Outages) - 1; i >= 0 && len(v.Outages) < 20; i-- {
			o := row.Outages[i]
			long := console.Lasting(o.Until.Sub(o.Since))
			v.Outages = append(v.Outages, outageView{stamp(o.Since), stamp(o.Until), long, console.Printable(string(o.Blame)), o.Open})
		}
	}
	list, err := s.revisions(r.Context(), v.Name)
	if err != nil {
		return // it was started by hand, or deleted a moment ago
	}
	v.History = revisionViews(list[:min(len(list), 10)])
	if len(list) > 0 && list[0].Saved != nil {
		if text, err := s.o.Write(*list[0].Saved); err == nil {
			v.Config = console.PrintableText(text)
		}
	}
}

// whole renders a page.
func (s *Server) whole(v pageView) (*whole, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, "page", v); err != nil {
		return nil, err
	}
	p := &whole{plain: b.Bytes()}
	if v.Name == "" { // else there is more on it than the feed has
		p.tag = v.tag
	}
	p.packed = packed(p.plain)
	return p, nil
}

// packed is a text by gzip.
func packed(text []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, 5)
	_, _ = w.Write(text) // to memory
	_ = w.Close()
	return b.Bytes()
}

// send answers with the page, or with word that the reader has it.
func (p *whole) send(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-cache")
	}
	if p.tag != "" {
		h.Set("ETag", p.tag)
		if r.Header.Get("If-None-Match") == p.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	body := p.plain
	if takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = p.packed
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection has one
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // who does not read it is gone
	}
}

func takesGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// answer renders one template.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, code int, name string, data any, tag string) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		s.broken(w, r, err)
		return
	}
	p := &whole{tag: tag, plain: b.Bytes()}
	p.packed = packed(p.plain)
	p.send(w, r, code)
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request) { s.absent(w, r, "") }

// absent says that there is no page of that key; none is for an address that is of no page.
func (s *Server) absent(w http.ResponseWriter, r *http.Request, key string) {
	what, name, _ := strings.Cut(key, " ")
	s.answer(w, r, http.StatusNotFound, "absent", pageView{Page: what, Name: name, Title: "Not found", Broker: s.o.Broker, Version: s.o.Version, At: stamp(time.Now()), Tabs: tabs}, "")
}

func (s *Server) full(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "10")
	w.Header().Set("Connection", "close") // else it would keep one of the connections as well
	http.Error(w, fmt.Sprintf("%d pages are live already: try again in a few seconds", s.o.Viewers), http.StatusServiceUnavailable)
}

func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.o.Log.Error("a page cannot be made", "path", r.URL.Path, "error", err)
	http.Error(w, "this page cannot be made: the log of netmon says why", http.StatusInternalServerError)
}
