package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// dashboard is what matters of a file that Grafana imports.
type dashboard struct {
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Panels []struct {
		Title   string
		Type    string
		Targets []struct{ Expr string }
	}
}

// ofSome are panels that have data for some monitors only.
var ofSome = map[string]bool{"HTTP": true, "DNS": true, "ICMP": true, "TCP": true, "Loss": true, "Status code": true, "Certificate ends in": true}

// tryDashboards executes each query of both dashboards, as Grafana does: each gives something,
// those of the monitor's dashboard for at least one of the monitors, and those that every
// monitor has for a web page, too.
func tryDashboards(t *testing.T, m *toolMesh, was *prometheus) {
	p := *was
	p.t = t
	for _, file := range []string{"mesh.json", "monitor.json"} {
		var d dashboard
		if err := json.Unmarshal(readFileOf(t, "../packaging/grafana/"+file), &d); err != nil {
			t.Fatal(err)
		}
		for _, v := range d.Templating.List {
			if v.Type == "query" {
				p.awaitVariable(v.Query.(map[string]any)["query"].(string))
			}
		}
		for _, panel := range d.Panels {
			if panel.Title == "ICMP" && m.monitors[len(m.monitors)-1].name != "ping" {
				continue // this user sends none
			}
			for _, q := range panel.Targets {
				monitors := []string{"web"}
				if ofSome[panel.Title] {
					monitors = []string{"web", "secure", "names", "ping", "db", "lossy"}
				}
				var last error
				eventually(t, file+": "+panel.Title, func() error {
					for _, name := range monitors {
						expr := strings.NewReplacer("$monitor", name, "$agent", ".+", "$kind", ".+", "$objective", "0.999", "$__rate_interval", "5s", "$__range", "1m").Replace(q.Expr)
						got, err := p.ask(expr)
						if err != nil {
							t.Fatal(err)
						}
						if len(got) > 0 {
							return nil
						}
						last = fmt.Errorf("no data for %s", expr)
					}
					return last
				})
			}
		}
	}
}

// awaitVariable waits until the values of a variable, as label_values asks for them, are there.
func (p *prometheus) awaitVariable(query string) {
	p.t.Helper()
	m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(query)
	if m == nil {
		p.t.Fatalf("the variable %q is no label_values", query)
	}
	eventually(p.t, query, func() error {
		var found []string
		err := p.get("label/"+m[2]+"/values", url.Values{"match[]": {strings.ReplaceAll(m[1], "$monitor", "web")}}, &found)
		if err == nil && len(found) == 0 {
			err = fmt.Errorf("no values")
		}
		return err
	})
}
