package web

import "slices"

// actions are all pages that change something.
func (s *Server) actions() []action {
	return slices.Concat(s.monitorActions(), incidentActions(), silenceActions())
}
