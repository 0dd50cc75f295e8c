package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"netmon/console"
	"netmon/wire"
)

const (
	formWithin = 30 * time.Second // for one change
	formMost   = 256 << 10        // bytes of a form
	doneMost   = 10               // outcomes that a session keeps
)

// action is a page that changes something: a form, and what becomes of it.
type action struct {
	path string    // with the names of what it is about in braces
	page string    // tab that it is under
	role wire.Role // least that may
	// show makes the form, of the request's path and query.
	show func(a *acting) (form, error)
	// do carries the form out. An error is shown above the form that show makes of the same
	// request, or, of [again], that one.
	do func(a *acting) (outcome, error)
}

// acting is one request of somebody for a page that changes something.
type acting struct {
	context.Context
	s       *Server
	r       *http.Request
	session *session
	who     *Actor // in whose name
}

// value is a field of the form, or of the query.
func (a *acting) value(name string) string { return a.r.FormValue(name) }

// revision is the one that the form was made of; 0 where it names none.
func (a *acting) revision() uint64 {
	n, _ := strconv.ParseUint(a.r.PostForm.Get("revision"), 10, 64)
	return n
}

// form is what a person fills in.
type form struct {
	title    string
	template string
	data     any
}

// outcome is what came of a change.
type outcome struct {
	Title string
	Lines []string
	Bad   bool   // it is not so everywhere
	Next  string // path of where one goes from here
	Word  string // for Next
	// Command does the same; "" where none does.
	Command string
	At      string

	number int
}

// again is a form to be shown in place of the first one, with what is wrong in it; without
// an err nothing is, and it only shows more.
type again struct {
	form
	err error
}

func (a *again) Error() string {
	if a.err == nil {
		return "look at it first"
	}
	return a.err.Error()
}
func (a *again) Unwrap() error { return a.err }

// formView is what the template of a form is given.
type formView struct {
	CSRF  string
	Path  string // to which the form goes
	Error []string
	Data  any
}

// act answers for one action.
func (s *Server) act(x action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := s.allowed(w, r, x.page, x.role)
		if who == nil {
			return
		}
		if r.Method == http.MethodPost {
			s.change(w, r, x, who)
			return
		}
		a, cancel := s.acting(r, who)
		defer cancel()
		f, err := x.show(a)
		if err != nil {
			s.refuse(w, r, x.page, err)
			return
		}
		s.showForm(w, r, http.StatusOK, x, f, who, nil)
	}
}

// allowed is the session of a request, if its role is this one or more; else it says why
// not, and returns nil.
func (s *Server) allowed(w http.ResponseWriter, r *http.Request, page string, least wire.Role) *session {
	who := sessionOf(r)
	if who == nil {
		s.signInFirst(w, r)
		return nil
	}
	if !who.may(least) {
		s.say(w, r, http.StatusForbidden, page, "This needs another role", fmt.Sprintf("%s is a %s here, and this takes an %s. An admin sees roles with netmon access ls.", console.AuthorText(who.name), who.who.Role, least))
		return nil
	}
	return who
}

func (s *Server) acting(r *http.Request, who *session) (*acting, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), formWithin)
	stop := context.AfterFunc(who.ctx, cancel)
	return &acting{Context: ctx, s: s, r: r, session: who, who: &who.who}, func() { stop(); cancel() }
}

// change carries out a form that somebody sent.
func (s *Server) change(w http.ResponseWriter, r *http.Request, x action, who *session) {
	if !s.readForm(w, r, who) {
		return
	}
	a, cancel := s.acting(r, who)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(formWithin + writeWithin)) // where the connection has one
	out, err := x.do(a)
	if err == nil {
		n := who.keep(out)
		http.Redirect(w, r, fmt.Sprintf("/done/%d", n), http.StatusSeeOther)
		return
	}
	var f form
	if other, ok := errors.AsType[*again](err); ok {
		f, err = other.form, other.err
	} else if shown, showErr := x.show(a); showErr == nil {
		f = shown
	} else {
		s.refuse(w, r, x.page, err)
		return
	}
	s.showForm(w, r, codeOf(err), x, f, who, err)
}

// readForm reads the form of a request, and says whether it is one of ours. What is not is
// answered.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request, who *session) bool {
	if !who.pace.Allow() {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "too many changes at once: try again in a few seconds", http.StatusTooManyRequests)
		return false
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(writeWithin)) // where the connection has one
	if err := r.ParseForm(); err != nil {
		code := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			code = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "the form cannot be read: "+console.Printable(err.Error()), code)
		return false
	}
	if !who.owns(r.PostForm.Get("csrf")) {
		s.say(w, r, http.StatusForbidden, "", "This form is too old", "It was made before you signed in, or by somebody else. Go back, reload the page, and send it again.")
		return false
	}
	return true
}

// codeOf is the status of an answer that says what went wrong.
func codeOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, console.ErrNotFound), errors.Is(err, console.ErrNoSetting), errors.Is(err, errAbsent), isA[*console.RevisionError](err):
		return http.StatusNotFound
	case errors.Is(err, console.ErrConflict), errors.Is(err, errOver), isA[*console.ExistsError](err):
		return http.StatusConflict
	case errors.Is(err, console.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, console.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// keep notes what came of a change, and returns its number.
func (x *session) keep(o outcome) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.last++
	o.number, o.At = x.last, stamp(time.Now())
	if x.done = append(x.done, o); len(x.done) > doneMost {
		x.done = x.done[1:]
	}
	return o.number
}

// done shows what came of a change.
func (s *Server) done(w http.ResponseWriter, r *http.Request) {
	who := sessionOf(r)
	n, err := strconv.Atoi(r.PathValue("number"))
	if who == nil || err != nil {
		s.notFound(w, r)
		return
	}
	who.mu.Lock()
	var o *outcome
	for i := range who.done {
		if who.done[i].number == n {
			o = &who.done[i]
		}
	}
	who.mu.Unlock()
	if o == nil {
		s.notFound(w, r)
		return
	}
	s.inner(w, r, http.StatusOK, "", o.Title, "done", *o)
}

// showForm answers with a form, and what was wrong with it.
func (s *Server) showForm(w http.ResponseWriter, r *http.Request, code int, x action, f form, who *session, err error) {
	v := formView{CSRF: who.csrf, Path: r.URL.RequestURI(), Data: f.data}
	if err != nil {
		v.Error = problems(err)
	}
	s.inner(w, r, code, x.page, f.title, f.template, v)
}

// problems are what an error says, a line each.
func problems(err error) (lines []string) {
	for _, e := range wire.FieldErrors(err) {
		lines = append(lines, console.Printable(e.Error()))
	}
	if lines == nil {
		lines = []string{console.Printable(err.Error())}
	}
	return lines
}

// refuse says why there is no form.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, page string, err error) {
	code := codeOf(err)
	if code == http.StatusUnprocessableEntity {
		code = http.StatusBadGateway
	}
	s.say(w, r, code, page, "This cannot be done now", problems(err)...)
}

// say answers with a few sentences.
func (s *Server) say(w http.ResponseWriter, r *http.Request, code int, page, title string, lines ...string) {
	s.inner(w, r, code, page, title, "said", outcome{Title: title, Lines: lines})
}

// inner answers with a page for one reader: nothing of it is kept, here or there.
func (s *Server) inner(w http.ResponseWriter, r *http.Request, code int, page, title, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		s.broken(w, r, err)
		return
	}
	v := pageView{Page: page, Title: title, Inner: template.HTML(b.String()), At: stamp(time.Now()), Tabs: tabs} // #nosec G203 -- made by html/template
	if s.o.Open || sessionOf(r) != nil {
		v.Broker, v.Version = s.o.Broker, s.o.Version
	}
	w.Header().Set("Cache-Control", "no-store")
	s.answer(w, r, code, "page", v, "")
}

// pathTo is the path of a page about something of a name.
func pathTo(page, name string) string { return "/" + page + "/" + url.PathEscape(name) }
