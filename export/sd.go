package export

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/console"
	"netmon/wire"
)

// group is one target of Prometheus's http_sd_configs, with what is known of it.
type group struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// discover answers /sd: the saved monitors that run, by name. Where they cannot be read that is
// an error, and no list: Prometheus keeps the one that it has.
func (s *Server) discover(w http.ResponseWriter, r *http.Request) {
	model := s.o.Mesh.known(r.Context())
	if why := unreadable(model, console.PartMonitors, time.Now()); why != "" {
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	wanted, err := s.wantedOf(r)
	if err != nil {
		http.Error(w, errorText(err), http.StatusBadRequest)
		return
	}
	list := []group{} // none is not null
	agents := model.Agents()
	for _, m := range model.Monitors() {
		if !m.Paused && wanted(&m) {
			list = append(list, groupOf(&m, r.Host, agents))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(list) // who does not read it is gone
}

// groupOf is a monitor as a target of /probe here, by the host that was asked: __param_module and
// __param_target make that give its last result, and instance is what it measures.
func groupOf(m *wire.Saved, host string, agents []console.Agent) group {
	labels := map[string]string{
		"instance": labelText(m.Target), "monitor": m.Name,
		"__meta_netmon_monitor": m.Name, "__meta_netmon_kind": m.Kind, "__meta_netmon_every_seconds": strconv.FormatFloat(m.Every.Std().Seconds(), 'f', -1, 64),
		"__param_module": m.Name, "__param_target": labelText(m.Target),
	}
	for _, l := range tagLabels(m.Tags) {
		labels["__meta_netmon_"+l.Name] = l.Value
	}
	var placed strings.Builder
	for i := range agents {
		if a := &agents[i]; m.RunsOn(a.Agent, a.Labels) {
			placed.WriteString("," + a.Agent)
		}
	}
	if placed.Len() > 0 { // with commas around each, as Prometheus has its lists
		labels["__meta_netmon_agents"] = placed.String() + ","
	}
	return group{[]string{host}, labels}
}

// wantedOf reads which monitors a request wants: of one of the kinds, and with all of the tags.
func (s *Server) wantedOf(r *http.Request) (func(*wire.Saved) bool, error) {
	q := r.URL.Query()
	if err := fewEnough(q); err != nil {
		return nil, err
	}
	kinds, tags := q["kind"], q["tag"]
	var p wire.Problems
	for name := range q {
		if name != "kind" && name != "tag" {
			p.Add("", wire.Unknown("parameter", name, []string{"kind", "tag"}))
		}
	}
	for _, k := range kinds {
		if _, ok := s.kinds.Find(k); !ok {
			p.Add("kind", wire.Unknown("kind", k, strings.Split(s.kinds.Names(), ", ")))
		}
	}
	for _, t := range tags {
		if key, _, _ := strings.Cut(t, "="); key == "" {
			p.Add("tag", fmt.Errorf("want NAME or NAME=VALUE, got %q", t))
		}
	}
	return func(m *wire.Saved) bool {
		if len(kinds) > 0 && !slices.Contains(kinds, m.Kind) {
			return false
		}
		for _, t := range tags {
			key, value, some := strings.Cut(t, "=")
			if got, ok := m.Tags[key]; !ok || some && got != value {
				return false
			}
		}
		return true
	}, p.Err()
}

// mostParameters is how many a request has: each is compared with each monitor.
const mostParameters = 50

// fewEnough reports that a request has too many parameters.
func fewEnough(q url.Values) error {
	n := 0
	for _, values := range q {
		n += len(values)
	}
	if n > mostParameters {
		return fmt.Errorf("want at most %d parameters, got %d", mostParameters, n)
	}
	return nil
}

// errorText is every mistake, a line for each, as it can be shown.
func errorText(err error) string { return console.PrintableText(err.Error()) }
