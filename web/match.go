package web

import (
	"net/http"
	"strings"

	"netmon/console/view"
)

// match answers with the ids of the rows that a filter leaves, so that a live page filters
// by the very words of the live screen: one function says what fits.
func (s *Server) match(w http.ResponseWriter, r *http.Request) {
	filter := clip(strings.TrimSpace(r.FormValue("q")), filterMost)
	sn := s.awake(r.Context()).Snapshot(view.Query{Filter: filter, Calm: true, Sort: view.ByName})
	ids := make([]string, len(sn.Monitors))
	for i := range sn.Monitors {
		ids[i] = "m-" + sn.Monitors[i].Name
	}
	answerJSON(w, http.StatusOK, ids)
}
