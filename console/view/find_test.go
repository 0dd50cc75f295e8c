package view

import (
	"fmt"
	"testing"
	"time"
)

// TestSnapshot_Find offers names that begin alike, whatever the filter leaves.
func TestSnapshot_Find(t *testing.T) {
	v := mesh("paris")
	for _, name := range []string{"svc-2", "db", "svc-1"} {
		v.Saved(name, saved(name, time.Second), nil, t0)
	}
	for _, tc := range []struct {
		find string
		most int
		want string
	}{{"svc", 5, "[svc-1 svc-2]"}, {"svc", 1, "[svc-1]"}, {"svc-2", 5, "[svc-2]"}, {"x", 5, "[]"}, {"", 0, "[]"}} {
		found := v.Snapshot(Query{Filter: "db", Find: tc.find, FindMost: tc.most}, t0).Found
		names := make([]string, len(found))
		for i, r := range found {
			names[i] = r.Name
		}
		if got := fmt.Sprint(names); got != tc.want {
			t.Errorf("%d of %q: %s, want %s", tc.most, tc.find, got, tc.want)
		}
	}
}
