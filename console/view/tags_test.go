package view

import (
	"fmt"
	"testing"
	"time"
)

// TestSnapshot_FilterByTag: a tag is found whole, in whatever case, and nothing else is
// taken for one.
func TestSnapshot_FilterByTag(t *testing.T) {
	v := mesh("paris")
	for name, tags := range map[string]map[string]string{"cart": {"team": "Shop", "env": "prod"}, "web": {"team": "shopping"}, "team-page": nil} {
		m := saved(name, time.Second)
		m.Tags = tags
		v.Saved(name, m, nil, t0)
	}
	q := saved("query", time.Second)
	q.Target = "example.org/?team=shop"
	v.Saved("query", q, nil, t0)
	for filter, want := range map[string]string{
		"tag:team=shop":     "[cart]",
		"tag:TEAM=Shop":     "[cart]",
		"team=shop":         "[cart query]",
		"tag:team":          "[cart web]",
		"team":              "[query team-page]",
		"tag:team=shop web": "[]",
		"tag:env=prod cart": "[cart]",
		"tag:":              "[]",
		"tag:=":             "[]",
		"tag:env=pro":       "[]",
	} {
		names := []string{}
		for _, r := range v.Snapshot(Query{Filter: filter, Sort: ByName}, t0).Monitors {
			names = append(names, r.Name)
		}
		if got := fmt.Sprint(names); got != want {
			t.Errorf("%q leaves %s, want %s", filter, got, want)
		}
	}
}
