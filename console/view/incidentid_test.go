package view

import (
	"maps"
	"slices"
	"testing"
)

func TestShortIDs(t *testing.T) {
	ids := []string{"web-3f2a000000000000", "db-3f2b000000000000", "a-b-77ab000000000000", "odd", "web-3f2a00000000000x"}
	want := map[string]string{"web-3f2a000000000000": "3f2a", "db-3f2b000000000000": "3f2b", "a-b-77ab000000000000": "77ab", "odd": "odd", "web-3f2a00000000000x": "web-3f2a00000000000x"}
	if got := ShortIDs(ids); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	near := []string{"web-3f2a000000000000", "db-3f2a000000000001", "x-3f2a000000000001"}
	got := ShortIDs(near)
	if got[near[0]] != "3f2a000000000000" || got[near[1]] != "3f2a000000000001" {
		t.Errorf("%v", got)
	}
	for _, id := range ids {
		if found := MatchIDs(ids, ShortIDs(ids)[id]); !slices.Equal(found, []string{id}) {
			t.Errorf("%q leads to %v", id, found)
		}
	}
	if found := MatchIDs(ids, "3f2"); len(found) != 2 {
		t.Errorf("3f2 leads to %v", found)
	}
	if found := MatchIDs(ids, ""); len(found) != 0 {
		t.Errorf("nothing leads to %v", found)
	}
}

func FuzzShortIDs(f *testing.F) {
	f.Add("web-3f2a000000000000", "db-3f2a000000000001")
	f.Fuzz(func(t *testing.T, a, b string) {
		for id, short := range ShortIDs([]string{a, b}) {
			if a != b && shortPart(a) != shortPart(b) && id != "" && len(MatchIDs([]string{a, b}, short)) == 0 {
				t.Errorf("%q of %q leads nowhere", short, id)
			}
		}
	})
}
