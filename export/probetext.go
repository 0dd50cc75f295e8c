package export

import "net/http"

// writeProbe answers with the samples of a result, without labels of their own: whoever scrapes
// says what it asked for.
func (s *Server) writeProbe(w http.ResponseWriter, r *http.Request, a answer) {
	s.o.Mesh.series.Respond(w, r, func(out *Writer) { s.samples(out, a) })
}

// probeText is what a scraper would get, as text.
func (s *Server) probeText(a answer) []byte {
	out := NewWriter(Text, nil)
	s.samples(out, a)
	return out.Bytes()
}

// samples writes the samples of a result, and who measured.
func (s *Server) samples(w *Writer, a answer) {
	s.mu.Lock()
	s.room = s.reader.Samples(s.room[:0], a.result)
	name := ""
	var l [1]Label
	for i := range s.room {
		x := &s.room[i]
		if x.Name != name {
			name = x.Name
			w.Family(name, s.help[name], Gauge)
		}
		if x.Label == "" {
			w.Sample(nil, x.Number)
			continue
		}
		l[0] = Label{x.Label, x.Value}
		w.Sample(l[:], x.Number)
	}
	s.mu.Unlock()
	if a.result.Failure != "" {
		w.begin(failureFamily)
		w.Sample(Labels{{failureLabel, failureText(a.result)}}, 1)
	}
	w.Family("netmon_probe_info", "1: the agent that measured, and the saved monitor whose last result this is; without one it was measured now.", Gauge)
	w.Sample(Labels{{"agent", a.result.Agent}, {"monitor", a.from}}, 1)
}

// helps are what is said of each family of results.
func (s *Server) helps() map[string]string {
	out := map[string]string{}
	for _, f := range sharedFamilies {
		out[f.name] = f.help
	}
	for _, k := range s.o.Mesh.kinds {
		for _, m := range k.Metrics {
			out[m.Name] = m.Help
		}
	}
	return out
}
