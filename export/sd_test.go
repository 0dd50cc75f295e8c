package export

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"netmon/console"
)

// TestDiscover: each saved monitor that runs is a target of /probe here, which gives its last result.
func TestDiscover(t *testing.T) {
	w := newWorld()
	w.save("db", "tcp", "db.example:5432", "").Tags = map[string]string{"team": "data"}
	w.save("asleep", "tcp", "db.example:1", "").Paused = true
	w.save("bad", "tcp", "b\xffd:1", "").Tags = nil
	s := w.serve(t, here)
	names := func(query string) (out []string) {
		t.Helper()
		var list []group
		if text := s.want(http.StatusOK, "/sd"+query); json.Unmarshal([]byte(text), &list) != nil || list == nil {
			t.Fatal(text)
		}
		for _, g := range list {
			out = append(out, g.Labels["monitor"])
		}
		return out
	}
	for query, want := range map[string][]string{
		"": {"shop", "db", "bad"}, "?kind=tcp": {"db", "bad"}, "?kind=tcp&kind=https": {"shop", "db", "bad"}, "?tag=team": {"shop", "db"}, "?tag=team=data": {"db"}, "?tag=team=data&kind=https": nil, "?tag=no": nil,
	} {
		if got := names(query); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var list []group
	_, text, header := s.get("/sd")
	if json.Unmarshal([]byte(text), &list) != nil || header.Get("Content-Type") != "application/json" {
		t.Fatal(text, header)
	}
	if got := list[0]; !slices.Equal(got.Targets, []string{strings.TrimPrefix(s.URL, "http://")}) {
		t.Errorf("%+v", got)
	}
	for name, want := range map[string]string{"instance": "https://shop.example/", "monitor": "shop", "__meta_netmon_monitor": "shop", "__meta_netmon_kind": "https", "__meta_netmon_agents": ",oslo,paris,",
		"__meta_netmon_tag_team": "shop", "__meta_netmon_tag_a_b": "1", "__meta_netmon_every_seconds": "10", "__param_module": "shop", "__param_target": "https://shop.example/"} {
		if list[0].Labels[name] != want {
			t.Errorf("%s: %q, want %q", name, list[0].Labels[name], want)
		}
	}
	s.want(http.StatusBadRequest, "/sd?kind=htp&tag==x&sort=name", `unknown kind "htp"`, `tag: want NAME or NAME=VALUE, got "=x"`, `unknown parameter "sort"`)
}

// TestDiscover_NoListWithoutKnowing: an error has Prometheus keep the targets that it has.
func TestDiscover_NoListWithoutKnowing(t *testing.T) {
	w := newWorld()
	s := w.serve(t, here)
	w.troubles = []console.Trouble{{Part: console.PartMonitors, Err: errors.New("no right")}}
	s.want(http.StatusServiceUnavailable, "/sd", "no right")
	w.saved, w.troubles = nil, nil
	if text := s.want(http.StatusOK, "/sd"); strings.TrimSpace(text) != "[]" {
		t.Errorf("of no monitors it is %q", text)
	}
}
