package web

// actions are all pages that change something.
func (s *Server) actions() []action {
	return nil
}
