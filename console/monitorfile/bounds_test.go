package monitorfile

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"netmon/internal/safeyaml"
)

func aliasBomb(levels int) string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < levels; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	return b.String()
}

// TestYAML_Bounds gives the parser what would exhaust it.
func TestYAML_Bounds(t *testing.T) {
	stairs := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.Repeat(" ", i) + "a:\n")
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, want string }{
		"billion laughs":       {aliasBomb(9), "nasty.yaml:1: the document's aliases make it over 5000000 values"},
		"more laughs":          {aliasBomb(200), "values"},
		"merged laughs":        {"a: &a {x: 1}\n" + aliasBomb(9) + "c: {<<: *a8}\n", "values"},
		"brackets":             {strings.Repeat("[", 1_000_000), "nasty.yaml:1: nested over 100 levels deep"},
		"closed brackets":      {strings.Repeat("{a: ", 1000) + "1" + strings.Repeat("}", 1000), "nested over 100 levels deep"},
		"brackets on lines":    {strings.Repeat("[\n", 10_000), "nasty.yaml:101: nested over 100 levels deep"},
		"dashes":               {strings.Repeat("- ", 100_000) + "x", "nested over 100 levels deep"},
		"questions":            {strings.Repeat("? ", 100_000) + "x", "nested over 100 levels deep"},
		"stairs":               {stairs(300), "levels"},
		"long stairs":          {stairs(3000), "want at most 1000"},
		"an alias of itself":   {"monitors: &a [*a]", ""},
		"an alias of nothing":  {"monitors: *nothing", ""},
		"one that is too long": {"a: " + strings.Repeat("x", safeyaml.MaxBytes), "over 33554432 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			data, err := safeyaml.ReadFile("-", strings.NewReader(c.text))
			if err == nil {
				_, err = Parse("nasty.yaml", data, checks)
			}
			runtime.ReadMemStats(&after)
			t.Logf("%d bytes: %d MiB allocated", len(c.text), (after.TotalAlloc-before.TotalAlloc)>>20)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.300v\nwant %q", err, c.want)
			}
		})
	}
	// What people do write.
	var many strings.Builder
	many.WriteString("monitors:\n")
	for i := range 2000 {
		fmt.Fprintf(&many, "- name: web-%d\n  kind: http\n  target: http://127.0.0.1:%d/\n  options: {headers: {a: b}, expect: {json: [{path: \"$.a[0]\", equals: {b: [[1, {c: 2}]]}}]}}\n", i, i+1)
	}
	if all, err := Parse("many.yaml", []byte(many.String()), checks); err != nil || len(all.Monitors) != 2000 {
		t.Errorf("%d monitors, %.300v", len(all.Monitors), err)
	}
	aliases := "monitors:\n- &m {name: a, kind: tcp, target: \"127.0.0.1:1\"}\n- {<<: *m, name: b}\n"
	if all, err := Parse("aliases.yaml", []byte(aliases), checks); err != nil || len(all.Monitors) != 2 {
		t.Errorf("%d monitors, %v", len(all.Monitors), err)
	}
}
