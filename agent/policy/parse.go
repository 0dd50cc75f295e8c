package policy

import (
	"fmt"

	"netmon/internal/safeyaml"
	"netmon/wire"
)

// Parse reads a policy. The error holds every mistake with its line. An
// empty file is the default policy.
func Parse(path string, data []byte) (*Policy, error) {
	tree, err := safeyaml.Parse(data)
	if err != nil {
		return nil, safeyaml.SyntaxError(path, err)
	}
	src := safeyaml.NewSource(path, data)
	file := Default()
	docs := tree.Docs
	for len(docs) > 0 && docs[0].Body == nil {
		docs = docs[1:]
	}
	switch len(docs) {
	case 0:
		return New(file, "file")
	case 1:
	default:
		return nil, fmt.Errorf("%s: want one YAML document, got %d", path, len(docs))
	}
	body := docs[0].Body
	raw, err := safeyaml.JSON(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var problems wire.Problems
	problems.Add("", wire.DecodeStrict(raw, &file))
	p, err := New(file, "file")
	problems.Add("", err)
	told := map[string]bool{}
	for _, e := range wire.FieldErrors(problems.Err()) {
		if !told[e.Path] {
			told[e.Path] = true
			src.Add(body, e.Path, e.Err)
		}
	}
	return p, src.Err()
}
