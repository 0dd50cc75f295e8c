package safeyaml

import (
	"fmt"

	"netmon/wire"
)

// DecodeStrict reads a file of one document over v, strictly, and then asks check what
// else is wrong. The error holds every mistake with its line. An empty file changes
// nothing.
func DecodeStrict(path string, data []byte, v any, check func() error) error {
	tree, err := Parse(data)
	if err != nil {
		return SyntaxError(path, err)
	}
	src := NewSource(path, data)
	docs := tree.Docs
	for len(docs) > 0 && docs[0].Body == nil {
		docs = docs[1:]
	}
	switch len(docs) {
	case 0:
		return check()
	case 1:
	default:
		return fmt.Errorf("%s: want one YAML document, got %d", path, len(docs))
	}
	body := docs[0].Body
	raw, err := JSON(body)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var problems wire.Problems
	problems.Add("", wire.DecodeStrict(raw, v))
	problems.Add("", check())
	told := map[string]bool{}
	for _, e := range wire.FieldErrors(problems.Err()) {
		if !told[e.Path] {
			told[e.Path] = true
			src.Add(body, e.Path, e.Err)
		}
	}
	return src.Err()
}
