package migrate

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"netmon/internal/safeyaml"
)

// Document is one of a YAML file.
type Document struct {
	File  File
	Value any // as of json.Unmarshal, with numbers as json.Number
	body  ast.Node
}

// Documents are those of a YAML or JSON file, within the bounds of [safeyaml].
func (f File) Documents() (out []Document, err error) {
	tree, err := safeyaml.Parse(f.Data)
	if err != nil {
		return nil, safeyaml.SyntaxError(f.Path, err)
	}
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		d := Document{File: f, body: doc.Body}
		data, err := safeyaml.JSON(doc.Body)
		if err != nil {
			return nil, safeyaml.SyntaxError(f.Path, err)
		}
		if d.Value, err = Value(data); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		out = append(out, d)
	}
	return out, nil
}

// Value is what a JSON text holds, with numbers as json.Number.
func Value(data []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// Fields are those of the document, nil where it is no object.
func (d Document) Fields() *Fields {
	all, ok := d.Value.(map[string]any)
	if !ok {
		return nil
	}
	return NewFields(all)
}

// At is where the field stands that a path such as endpoints[2].url leads to.
func (d Document) At(path string, args ...any) Place {
	return Place{d.File.Path, safeyaml.LineOf(d.body, fmt.Sprintf(path, args...))}
}
