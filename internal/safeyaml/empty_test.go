package safeyaml

import (
	"strings"
	"testing"
)

// TestParse_LosesNoDocument: the parser reads nothing after an empty one, and says nothing.
func TestParse_LosesNoDocument(t *testing.T) {
	for text, docs := range map[string]int{
		"---\n---\na: 1\n":                 -1,
		"a: 1\n---\n# c\n---\nb: 2\n":      -1,
		"a: 1\n---\nb: 2\n---\n":           2,
		"# c\n---\na: 1\n---\n# c\nb: 2\n": 2,
		"---\na: 1\n...\n---\nb: 2\n":      2,
		"---\n# c\na: 1\n":                 1,
		"a: 1\n---\n~\n---\nb: 2\n":        3,
	} {
		file, err := Parse([]byte(text))
		if docs < 0 {
			if err == nil || !strings.Contains(err.Error(), "nothing between") {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		n := 0
		if err == nil {
			for _, d := range file.Docs {
				if d.Body != nil {
					n++
				}
			}
		}
		if n != docs {
			t.Errorf("%q has %d documents, error %v, want %d", text, n, err, docs)
		}
	}
}
