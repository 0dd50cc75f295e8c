package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"netmon/console"
	"netmon/internal/plural"
	"netmon/wire"
)

const (
	auditOnPage = 100
	filterMost  = 200 // bytes of what somebody filters by
)

// auditView is the page of who changed what.
type auditView struct {
	Filter   string
	Nameless bool // the mesh has no identities: nobody is verified
	Rows     []auditRow
	Older    string // address of the page behind; "" where there is none
	First    string // address of the first page, where this is another one
	Note     string
}

type auditRow struct {
	At, Who, Did, What, Where, Text string
	Refused                         bool
}

// audit answers with who changed what, the newest first, as the session's own identity may
// read it.
func (s *Server) audit(w http.ResponseWriter, r *http.Request) {
	who := s.allowed(w, r, "audit", wire.RoleOperator)
	if who == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), pastWithin)
	defer cancel()
	filter := clip(strings.TrimSpace(r.FormValue("q")), filterMost)
	before, _ := strconv.ParseUint(r.FormValue("before"), 10, 64) // none is the newest
	p, err := who.who.Client.SearchAudit(ctx, console.AuditSearch{Before: before, Most: auditOnPage, Text: filter})
	if err != nil {
		s.refuse(w, r, "audit", err)
		return
	}
	address := func(before uint64) string {
		q := url.Values{}
		if filter != "" {
			q.Set("q", filter)
		}
		if before > 0 {
			q.Set("before", strconv.FormatUint(before, 10))
		}
		return "/audit?" + q.Encode()
	}
	v := auditView{Filter: filter, Nameless: s.o.Lend == nil}
	for i := range p.Lines {
		v.Rows = append(v.Rows, auditLine(&p.Lines[i].Audit))
	}
	if p.Older > 0 {
		v.Older = address(p.Older)
	}
	if before > 0 {
		v.First = address(0)
	}
	switch {
	case len(v.Rows) == 0 && p.Older > 0:
		v.Note = fmt.Sprintf("None of the newest %s has these words.", plural.Count(p.Looked, "line", "lines"))
	case len(v.Rows) == 0 && filter != "":
		v.Note = "No line has these words."
	case len(v.Rows) == 0:
		v.Note = "Nothing is recorded yet."
	default:
		v.Note = plural.Count(len(v.Rows), "line", "lines") + ", the newest first."
	}
	s.inner(w, r, http.StatusOK, "audit", "Audit", "audit", v)
}

func auditLine(e *wire.Audit) auditRow {
	x := auditRow{At: stamp(e.At), Who: console.AuthorText(e.By), Did: console.Printable(e.Did), What: console.Printable(console.ShortList(e.What, 20)), Where: console.Printable(e.Where), Text: console.Printable(e.Detail), Refused: !e.OK}
	if e.Error != "" {
		x.Text = strings.Trim(x.Text+" · refused: "+console.Printable(e.Error), " ·")
	}
	return x
}
