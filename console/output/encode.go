// Package output writes the mesh's answers, for people and for programs: lists in all
// their forms, lines and tables, JSON and YAML with exact values. Characters that do
// not print are escaped in all of them, since terminals show JSON, too.
package output

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/goccy/go-yaml"

	"netmon/console"
)

// JSONLine is v on one line, with its end.
func JSONLine(v any) ([]byte, error) { return encodeJSON(v, "") }

// JSONText is v in indented lines.
func JSONText(v any) ([]byte, error) { return encodeJSON(v, "  ") }

// JSON writes v in indented lines.
func JSON(w io.Writer, v any) error {
	data, err := JSONText(v)
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return console.EscapeJSON(b.Bytes()), nil
}

// YAML writes v as its JSON form says, in YAML. Where something in it does
// not print, or is a tab, that JSON is written, which is YAML too: the encoder would write
// it as it is, and whoever reads it back leaves tabs out.
func YAML(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	out, err := yaml.JSONToYAML(data)
	if err != nil {
		return err
	}
	if bytes.ContainsRune(out, '\t') || !bytes.Equal(console.EscapeJSON(out), out) {
		if out, err = flowYAML(v); err != nil {
			return err
		}
	}
	_, err = w.Write(out)
	return err
}

// flowYAML is JSON in YAML. Each entry of a list begins with a dash, so that
// lists can follow each other.
func flowYAML(v any) ([]byte, error) {
	data, err := JSONLine(v)
	if err != nil {
		return nil, err
	}
	var items []json.RawMessage
	if json.Unmarshal(data, &items) != nil {
		return data, nil
	}
	var out []byte
	for _, item := range items {
		out = append(append(append(out, "- "...), item...), '\n')
	}
	return out, nil
}
