package grafana

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the dashboards")

func dashboards() map[string]*Dashboard {
	return map[string]*Dashboard{"mesh.json": Mesh(), "monitor.json": Monitor()}
}

// TestDashboards_Current compares the files with what the code makes.
func TestDashboards_Current(t *testing.T) {
	for name, d := range dashboards() {
		want, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code makes (%v): go test ./packaging/grafana -update", name, err)
		}
	}
}

// TestDashboards_Grid: the panels of a dashboard have numbers of their own, lie within the
// 24 columns, and none over another.
func TestDashboards_Grid(t *testing.T) {
	for name, d := range dashboards() {
		taken, ids := map[[2]int]string{}, map[int]bool{}
		for _, p := range d.Panels {
			if p.ID == 0 || ids[p.ID] {
				t.Errorf("%s: panel %q has the number %d of another", name, p.Title, p.ID)
			}
			ids[p.ID] = true
			if p.Grid.W < 1 || p.Grid.H < 1 || p.Grid.X < 0 || p.Grid.X+p.Grid.W > width {
				t.Errorf("%s: panel %q is at %+v", name, p.Title, p.Grid)
			}
			for x := p.Grid.X; x < p.Grid.X+p.Grid.W; x++ {
				for y := p.Grid.Y; y < p.Grid.Y+p.Grid.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: panel %q lies over %q", name, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}

// TestDashboards_Sources: each panel asks the data source that the reader chooses, by
// variables that the dashboard has, and has a query of each letter once.
func TestDashboards_Sources(t *testing.T) {
	uids := map[string]bool{}
	for name, d := range dashboards() {
		if d.UID == "" || len(d.UID) > 40 || uids[d.UID] {
			t.Errorf("%s: its uid is %q", name, d.UID)
		}
		uids[d.UID] = true
		known := []string{"__range", "__rate_interval", "__value", "__url_time_range"}
		for _, v := range d.Templating.List {
			known = append(known, v.(object)["name"].(string))
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\$\{?([a-zA-Z_]+)`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(known, m[1]) && m[1] != "__all" {
				t.Errorf("%s uses the variable %s, which it does not have", name, m[1])
			}
		}
		for _, p := range d.Panels {
			if p.Type == "row" {
				continue
			}
			if len(p.Targets) == 0 || p.Source["uid"] != "${datasource}" {
				t.Errorf("%s: panel %q asks nothing, or %v", name, p.Title, p.Source)
			}
			for i, q := range p.Targets {
				if q.Ref != string(rune('A'+i)) || q.Source["uid"] != "${datasource}" || strings.TrimSpace(q.Expr) == "" || q.Instant == q.Range {
					t.Errorf("%s: panel %q has the query %+v", name, p.Title, q)
				}
			}
		}
	}
}
