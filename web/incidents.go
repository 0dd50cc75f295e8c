package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/internal/plural"
	"netmon/judge"
	"netmon/wire"
)

const (
	openShown  = 500                 // open incidents in a list
	lateShown  = 30                  // incidents that were over lately, below them
	pastOver   = 30 * 24 * time.Hour // how far back the past goes
	pastOnPage = 50
)

// Lists of incidents, by the word in the address.
const (
	showLate = ""     // open and over lately, live
	showOpen = "open" // live
	showAll  = "all"  // of 30 days, as of now
)

// incidentBody is one incident in the list.
type incidentBody struct {
	ID, Short, Severity, Word, Class, Mark string
	State                                  string // open, resolved or merged
	Members, Summary, Notices              string
	Opened, Lasted                         string // of one that is over
}

// Said says who acknowledged it, what mutes it, and the like; "" where there is nothing of that.
func (b incidentBody) Said() string {
	if b.Word == b.State {
		return ""
	}
	return b.Word
}

// incidents answers with the list that a request asks for.
func (s *Server) incidents(w http.ResponseWriter, r *http.Request) {
	switch r.FormValue("show") {
	case showAll:
		s.incidentsPast(w, r)
	case showOpen:
		s.page(w, r, "incidents "+showOpen)
	default:
		s.page(w, r, "incidents")
	}
}

// incidentsOf is the live page of incidents: the open ones, the worst first, and below
// them, unless only these are wanted, those that were over lately.
func incidentsOf(m Model, show string) frame {
	sn := m.Snapshot(view.Query{Limit: 1})
	l := sn.Incidents
	note := plural.Count(l.Open, "incident is", "incidents are") + " open."
	list := l.All[:min(l.Open, openShown)]
	if l.Open > openShown {
		note += fmt.Sprintf(" The first %d are listed.", openShown)
	}
	if show == showLate {
		list = slices.Concat(list, l.All[l.Open:min(len(l.All), l.Open+lateShown)])
	}
	switch {
	case l.Why != "":
		note = "Incidents cannot be read: " + console.Printable(l.Why)
	case !l.Read:
		note = "Incidents are being read."
	case l.Open == 0:
		note = "No incident is open."
	}
	f := frame{title: "Incidents", parts: []part{linkOf(m, sn), {ID: "count", Shape: "count", Body: countBody{Text: note}}}}
	for _, x := range list {
		b := incidentRow(x, l.Short)
		f.parts = append(f.parts, part{ID: "i-" + x.ID, Shape: "incident-row", Body: b, Listed: true, Cells: [cellsMost]Figured{orNone(sinceText(x.Opened, sn.At))}})
	}
	return f
}

func incidentRow(x *wire.Incident, short map[string]string) incidentBody {
	id := short[x.ID]
	if id == "" {
		id = x.ID
	}
	st := incidentState(x)
	b := incidentBody{ID: console.Printable(x.ID), Short: console.Printable(id), Severity: console.Printable(string(x.Severity)), State: console.Printable(string(x.State)), Word: console.IncidentWord(x, short),
		Members: console.MembersText(x), Summary: console.SummaryText(x), Notices: console.NotifiedText(x), Mark: st.Mark, Class: st.Class}
	if x.State != wire.IncidentOpen {
		b.Opened = stamp(x.Opened)
		b.Lasted = lasted(x)
	}
	return b
}

// lasted is how long an incident that is over was open.
func lasted(x *wire.Incident) string {
	if x.Resolved.IsZero() {
		return none
	}
	return console.Lasting(x.Resolved.Sub(x.Opened))
}

func incidentState(x *wire.Incident) stateView {
	switch {
	case x.State != wire.IncidentOpen:
		return stateOf(judge.Up)
	case x.Severity == wire.SeverityDown || x.Severity == wire.SeverityBroker || x.Severity == wire.SeverityDisk:
		return stateOf(judge.Down)
	case x.Severity == wire.SeverityUnknown:
		return stateOf(judge.Unknown)
	}
	return stateOf(judge.Degraded)
}

// pastView is the list of all incidents of 30 days.
type pastView struct {
	Filter       string
	Note         string
	Rows         []incidentBody
	Newer, Older string // addresses of the pages beside; "" for none
}

type incidentList struct {
	all   []wire.Incident
	short map[string]string
}

// incidentsPast answers with the incidents of 30 days, the newest first.
func (s *Server) incidentsPast(w http.ResponseWriter, r *http.Request) {
	filter := clip(strings.TrimSpace(r.FormValue("q")), filterMost)
	v := pastView{Filter: filter}
	got, err := s.past.ask(r.Context(), "incidents", 10*time.Second, func(ctx context.Context) (any, error) {
		all, short, err := s.o.Archive.PastIncidents(ctx, time.Now().Add(-pastOver))
		return incidentList{all, short}, err
	})
	if err != nil {
		v.Note = "Incidents cannot be read: " + console.Printable(err.Error())
		s.inner(w, r, http.StatusOK, "incidents", "Incidents", "incidents-past", v)
		return
	}
	list := got.(incidentList)
	words := strings.Fields(strings.ToLower(filter))
	var rows []*wire.Incident
	for i := range list.all {
		if incidentHas(&list.all[i], words) {
			rows = append(rows, &list.all[i])
		}
	}
	pages := max(1, (len(rows)+pastOnPage-1)/pastOnPage)
	page, _ := strconv.Atoi(r.FormValue("page")) // none is the first
	page = min(max(page, 1), pages)
	v.Note = plural.Count(len(rows), "incident", "incidents") + " of the last 30 days, the newest first."
	if pages > 1 {
		v.Note += fmt.Sprintf(" Page %d of %d.", page, pages)
	}
	address := func(n int) string {
		return "/incidents?" + url.Values{"show": {showAll}, "q": {filter}, "page": {strconv.Itoa(n)}}.Encode()
	}
	if page > 1 {
		v.Newer = address(page - 1)
	}
	if page < pages {
		v.Older = address(page + 1)
	}
	for _, x := range rows[(page-1)*pastOnPage : min(len(rows), page*pastOnPage)] {
		b := incidentRow(x, list.short)
		b.Opened, b.Lasted = stamp(x.Opened), lasted(x)
		if x.State == wire.IncidentOpen {
			b.Lasted = "open, " + console.Lasting(time.Since(x.Opened))
		}
		v.Rows = append(v.Rows, b)
	}
	s.inner(w, r, http.StatusOK, "incidents", "Incidents", "incidents-past", v)
}

// incidentHas says whether all words are in an incident's id, severity, state, summary or
// members.
func incidentHas(x *wire.Incident, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := []string{x.ID, string(x.Severity), string(x.State), console.SummaryText(x), console.IncidentWord(x, nil)}
	for i := range x.Members {
		text = append(text, x.Members[i].Name)
	}
	all := strings.ToLower(strings.Join(text, " "))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(all, word) })
}

// clip is at most so many bytes of what somebody typed.
func clip(text string, most int) string { return wire.Clip(text, most) }
