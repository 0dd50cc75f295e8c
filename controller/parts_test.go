package controller

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSplitParts(t *testing.T) {
	long := `{"name":"` + strings.Repeat("x", 40) + `"}`
	for name, c := range map[string]struct {
		data  string
		parts int
	}{
		"short":          {`[{"a":1}]`, 1},
		"an empty list":  {`[]`, 1},
		"a list":         {`[{"a":1},` + long + `,{"b":2},{"c":3},{"d":[1,2]}]`, 2},
		"a long item":    {`[` + strings.Replace(long, "x", strings.Repeat("y", 100), 1) + `]`, 1},
		"an object":      {`{"a":"` + strings.Repeat("z", 70) + `"}`, 2},
		"nothing at all": {``, 1},
	} {
		t.Run(name, func(t *testing.T) {
			parts := splitParts([]byte(c.data), 64)
			if len(parts) != c.parts {
				t.Errorf("%d parts, want %d: %s", len(parts), c.parts, parts)
			}
			for _, p := range parts {
				if c.data != "" && c.data[0] == '[' && !json.Valid(p) {
					t.Errorf("a part is no JSON: %s", p)
				}
			}
			if back := string(joinParts(parts)); back != c.data {
				t.Errorf("joined again it is %s, want %s", back, c.data)
			}
		})
	}
}
