package nagios

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"netmon/console/migrate"
)

// TestResolve_Once: a template is worked out once, however many use it twice.
func TestResolve_Once(t *testing.T) {
	var all []*object
	for n := range 60 {
		all = append(all, &object{"host", migrate.Place{Path: "f", Line: n + 1}, map[string]string{
			"name": fmt.Sprintf("t%d", n), "use": fmt.Sprintf("t%d,t%d", n+1, n+1), "check_interval": fmt.Sprint(n)}})
	}
	all = append(all, &object{"host", migrate.Place{Path: "f", Line: 61}, map[string]string{"name": "t60", "address": "a", "notes": "n"}})
	h := inheritance{map[string]*object{}, map[*object]map[string]string{}, 0}
	for _, o := range all {
		h.templates["host "+o.get("name")] = o
	}
	full, err := h.of(all[0], nil)
	if err != nil || full["address"] != "a" || full["check_interval"] != "0" || len(h.full) != 61 || h.attrs > 61*2*10 {
		t.Errorf("%v, %v: %d objects, %d attributes", full, err, len(h.full), h.attrs)
	}
	if errs := resolve(all); len(errs) > 0 {
		t.Error(errs)
	}
}

// TestResolve_Bound: what many objects inherit together is bounded, and so is a list that
// templates add to.
func TestResolve_Bound(t *testing.T) {
	big := &object{"host", migrate.Place{Path: "f", Line: 1}, map[string]string{"name": "big"}}
	for n := range 10_000 {
		big.attrs[fmt.Sprint("_V", n)] = ""
	}
	all := []*object{big}
	for range 400 {
		all = append(all, &object{"host", migrate.Place{Path: "f", Line: 2}, map[string]string{"use": "big"}})
	}
	if errs := resolve(all); len(errs) != 1 || !strings.Contains(errs[0].Error(), "attributes: give fewer files at once") {
		t.Errorf("got %v", errs)
	}
	all = nil
	for n := range 30 {
		next := fmt.Sprint("t", n+1)
		all = append(all, &object{"host", migrate.Place{Path: "f", Line: n + 1}, map[string]string{"name": fmt.Sprint("t", n), "use": next + "," + next, "_X": "+a"}})
	}
	all = append(all, &object{"host", migrate.Place{Path: "f", Line: 31}, map[string]string{"name": "t30", "_X": "+a"}})
	if errs := resolve(all); len(errs) == 0 || !strings.Contains(errs[0].Error(), "with what templates add to it") {
		t.Errorf("got %d mistakes", len(errs))
	}
}

// TestLines: lines that end in a backslash are one, up to a bound.
func TestLines(t *testing.T) {
	var got []string
	for n, line := range lines("a\\\nb\r\n\\\n\nc\\\\\nd\\") {
		got = append(got, fmt.Sprint(n, line))
	}
	if want := []string{"1a b", "3 ", "5c\\\\", "6d "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	most := 0
	for _, line := range lines(strings.Repeat(strings.Repeat("x", 1000)+"\\\n", 3*maxLine/1000)) {
		most = max(most, len(line))
	}
	if most > maxLine+3000 {
		t.Errorf("a line of %d bytes", most)
	}
}

func TestSplitCommand(t *testing.T) {
	for text, want := range map[string][]string{"": {""}, "a": {"a"}, "a!b!": {"a", "b", ""}, `a\!b!c\`: {"a!b", `c\`}} {
		if got := splitCommand(text); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
