package probes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Module is a way to measure that is known by a name of its own: those that Prometheus's
// blackbox_exporter comes with, so that whoever asks for one of these gets the same.
type Module struct {
	Name    string
	Options string // of the kind, a JSON object; "" is none
	// Hostname are the options, by path, that the name of a host goes to where somebody asks for
	// one address of it: the Host header, the name in TLS. None: the name changes nothing.
	Hostname []string
}

// With are the module's options over these of the kind, and the name of a host in them; ""
// is none. What the options have for themselves is kept.
func (m Module) With(options json.RawMessage, hostname string) (json.RawMessage, error) {
	all := map[string]any{}
	for _, text := range [][]byte{[]byte(m.Options), options} {
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&all); err != nil {
			return nil, fmt.Errorf("read the options of %s: %w", m.Name, err)
		}
	}
	if hostname != "" {
		for _, path := range m.Hostname {
			setText(all, path, hostname)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return json.Marshal(all)
}

// setText sets a text at a path such as tls.server_name, where there is none.
func setText(all map[string]any, path, text string) {
	for first, rest, more := strings.Cut(path, "."); more; first, rest, more = strings.Cut(path, ".") {
		inner, ok := all[first].(map[string]any)
		if !ok {
			inner = map[string]any{}
			all[first] = inner
		}
		all, path = inner, rest
	}
	if was, _ := all[path].(string); was == "" {
		all[path] = text
	}
}

// ModuleOf is the module of a kind by this name: one of its own, else, where it is the kind's
// name, the kind as it is.
func (k Kind) ModuleOf(name string) (Module, bool) {
	for _, m := range k.Modules {
		if m.Name == name {
			return m, true
		}
	}
	return Module{Name: name}, name == k.Name
}
