package export

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"netmon/probes"
	"netmon/wire"
)

// want is what a question comes to: a saved monitor, or a measurement.
type want struct {
	saved   *wire.Saved // nil: nobody saved what is asked for
	monitor wire.Monitor
	placed  *wire.Saved // whose name the module is, if it is one
}

// resolve finds what a question asks for. A saved monitor by its name and target comes first, then
// any one that measures the target as the module does, by the same options.
func (s *Server) resolve(saved []wire.Saved, q question) (want, error) {
	named := slices.IndexFunc(saved, func(m wire.Saved) bool { return m.Name == q.module })
	if named >= 0 {
		m := &saved[named]
		if q.hostname == "" && (q.target == m.Target || q.target == "" && !s.isModule(q.module)) {
			return want{saved: m}, nil
		}
	}
	if q.target == "" {
		return want{}, refuse(http.StatusBadRequest, "target: is missing: want /probe?target=TARGET&module=MODULE, such as target=https://example.com and module=http_2xx")
	}
	k, options, err := s.module(q)
	if err == nil {
		w := want{monitor: measured(k, q, options)}
		if q.hostname == "" {
			for i := range saved {
				if x := &saved[i]; x.Target == q.target && x.Kind == k.Name && !x.Paused && k.SameOptions(x.Target, x.Options, options) {
					w.saved = x
					break
				}
			}
		}
		return w, nil
	}
	if named < 0 || s.isModule(q.module) {
		return want{}, err
	}
	return s.like(&saved[named], q)
}

// isModule says whether a module is one of a kind.
func (s *Server) isModule(name string) bool {
	return slices.ContainsFunc(s.kinds, func(k probes.Kind) bool { _, ok := k.ModuleOf(name); return ok })
}

// module is the kind that measures the target by a module's name, and by which options.
func (s *Server) module(q question) (probes.Kind, json.RawMessage, error) {
	var first error
	for _, k := range s.kinds {
		m, ok := k.ModuleOf(q.module)
		if !ok {
			continue
		}
		options, err := m.With(nil, q.hostname)
		if err == nil {
			err = s.kinds.CheckMonitor(measured(k, q, options))
		}
		if err == nil {
			return k, options, nil
		}
		if first == nil {
			first = &refusal{http.StatusBadRequest, err}
		}
	}
	if first == nil {
		first = refuse(http.StatusBadRequest, "module: %w; or the name of a saved monitor: netmon get monitors lists them", wire.Unknown("module", q.module, s.moduleNames()))
	}
	return probes.Kind{}, nil, first
}

// moduleNames are those of all kinds, each once.
func (s *Server) moduleNames() (names []string) {
	for _, k := range s.kinds {
		names = append(names, k.Name)
		for _, m := range k.Modules {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// measured is the monitor that an agent is asked to measure.
func measured(k probes.Kind, q question, options json.RawMessage) wire.Monitor {
	return wire.Monitor{Name: "probe", Kind: k.Name, Target: q.target, Options: options, Every: wire.Duration(wire.MaxEvery), Timeout: wire.Duration(q.timeout)}
}

// like is another target measured as a saved monitor is, for no longer than that may take. What is or
// may be a secret goes to the target that it was saved for, and nowhere else.
func (s *Server) like(m *wire.Saved, q question) (want, error) {
	k, ok := s.kinds.Find(m.Kind)
	if !ok {
		return want{}, refuse(http.StatusBadRequest, "module: the monitor %q is of the kind %q, which this netmon does not know", m.Name, m.Kind)
	}
	hidden, err := s.kinds.Confidential(m.Monitor)
	if err != nil {
		return want{}, &refusal{http.StatusBadRequest, err}
	}
	if len(hidden) > 0 && q.target != m.Target {
		return want{}, refuse(http.StatusForbidden, "module: the monitor %q has options that name or may hold a secret, %s: only its own target %q is measured by them", m.Name, strings.Join(hidden, ", "), m.Target)
	}
	plain, _ := k.ModuleOf(k.Name)
	options, err := probes.Module{Name: m.Name, Hostname: plain.Hostname}.With(m.Options, q.hostname)
	out := want{monitor: measured(k, q, options), placed: m}
	out.monitor.Timeout = min(out.monitor.Timeout, m.WithDefaults().Timeout)
	if err == nil {
		err = s.kinds.CheckMonitor(out.monitor)
	}
	if err != nil {
		return want{}, &refusal{http.StatusBadRequest, err}
	}
	return out, nil
}
