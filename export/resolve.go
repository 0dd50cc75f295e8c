package export

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"

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
// any one that measures the target as the module does.
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
	k, m, options, err := s.module(q)
	if err == nil {
		w := want{monitor: measured(k, q, options)}
		if q.hostname == "" {
			for i := range saved {
				if x := &saved[i]; x.Target == q.target && x.Kind == k.Name && !x.Paused && stands(m, x) {
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
func (s *Server) module(q question) (probes.Kind, probes.Module, json.RawMessage, error) {
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
			return k, m, options, nil
		}
		if first == nil {
			first = &refusal{http.StatusBadRequest, err}
		}
	}
	if first == nil {
		first = refuse(http.StatusBadRequest, "module: %w; or the name of a saved monitor: netmon get monitors lists them", wire.Unknown("module", q.module, s.moduleNames()))
	}
	return probes.Kind{}, probes.Module{}, nil, first
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

// like is another target measured as a saved monitor is. What names a secret goes to the target
// that it was saved for, and nowhere else.
func (s *Server) like(m *wire.Saved, q question) (want, error) {
	k, ok := s.kinds.Find(m.Kind)
	if !ok {
		return want{}, refuse(http.StatusBadRequest, "module: the monitor %q is of the kind %q, which this netmon does not know", m.Name, m.Kind)
	}
	if namesSecret(m.Options) && q.target != m.Target {
		return want{}, refuse(http.StatusForbidden, "module: the monitor %q has options that name a secret: only its own target %q is measured by them", m.Name, m.Target)
	}
	plain, _ := k.ModuleOf(k.Name)
	options, err := probes.Module{Name: m.Name, Hostname: plain.Hostname}.With(m.Options, q.hostname)
	out := want{monitor: measured(k, q, options), placed: m}
	if err == nil {
		err = s.kinds.CheckMonitor(out.monitor)
	}
	if err != nil {
		return want{}, &refusal{http.StatusBadRequest, err}
	}
	return out, nil
}

// namesSecret says whether options refer to a secret, however the reference is written.
func namesSecret(options json.RawMessage) bool {
	if len(bytes.TrimSpace(options)) == 0 {
		return false
	}
	var v any
	if json.Unmarshal(options, &v) != nil {
		return true // nobody knows
	}
	found := false
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case string:
			found = found || probes.NamesSecret(v)
		case []any:
			for _, x := range v {
				look(x)
			}
		case map[string]any:
			for _, x := range v {
				look(x)
			}
		}
	}
	look(v)
	return found
}

// stands says whether a saved monitor's outcome is that of a module: it has the options that the
// module sets, and does not turn the outcome around.
func stands(m probes.Module, x *wire.Saved) bool {
	has, wants := map[string]any{}, map[string]any{}
	if len(x.Options) > 0 && json.Unmarshal(x.Options, &has) != nil {
		return false
	}
	if has["invert"] == true {
		return false
	}
	if m.Any {
		return true
	}
	return json.Unmarshal([]byte(m.Options), &wants) == nil && holds(has, wants)
}

// holds says whether has includes all of wants.
func holds(has, wants map[string]any) bool {
	for name, value := range wants {
		inner, isMap := value.(map[string]any)
		of, both := has[name].(map[string]any)
		if isMap && both && holds(of, inner) {
			continue
		}
		if !reflect.DeepEqual(has[name], value) {
			return false
		}
	}
	return true
}
