// Package cloudprober reads cloudprober's configuration: the text form of its protocol
// buffers, YAML and JSON.
package cloudprober

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"netmon/console/migrate"
	"netmon/internal/safeyaml"
)

// Source reads cloudprober.cfg.
func Source() migrate.Source {
	return migrate.Source{
		Name:     "cloudprober",
		Title:    "Cloudprober",
		Files:    "cloudprober's configuration (textproto, YAML or JSON) and what it includes; of one with templates, what cloudprober --dumpconfig prints",
		Patterns: []string{"*.cfg", "*.textpb"},
		Usage:    "cloudprober.cfg",
		Read:     read,
	}
}

func read(in *migrate.Input) (*migrate.Found, error) {
	i := &importer{in: in, found: &migrate.Found{}, names: migrate.Names{}, shared: map[string]*migrate.Fields{}}
	var errs []error
	var all []probe
	for _, f := range in.Files {
		probes, err := i.file(in, f)
		all = append(all, probes...)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, p := range all {
		i.probe(p)
	}
	return i.found, nil
}

// probe is one of a file.
type probe struct {
	at     migrate.Place
	fields func() *migrate.Fields // as they are before anybody took one
}

// file is the probes of one.
func (i *importer) file(in *migrate.Input, f migrate.File) ([]probe, error) {
	var all []probe
	switch strings.ToLower(filepath.Ext(f.Path)) {
	case ".jsonnet":
		return nil, fmt.Errorf("%s: jsonnet has to run first: give what cloudprober --dumpconfig prints", f.Path)
	case ".yaml", ".yml", ".json":
		docs, err := f.Documents()
		if err != nil {
			return nil, templated(f, err)
		}
		for _, d := range docs {
			config, ok := snake(d.Value, 0).(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s: want an object with probe, got something else", f.Path)
			}
			if tool := d.Foreign("cloudprober"); tool != "" {
				i.found.Foreign(f, tool)
				continue
			}
			i.top(f, config)
			for n, v := range list(config["probe"]) {
				all = append(all, probe{d.At("probe[%d]", n), fieldsOf(v)})
			}
		}
		return all, nil
	}
	text, origin, err := including(in, f, 0)
	if err != nil {
		return nil, err
	}
	config, err := parseText(text, origin)
	if err != nil {
		return nil, templated(migrate.File{Path: f.Path, Data: []byte(text)}, in.Hide(err))
	}
	i.top(f, config.value)
	for n, v := range list(config.value["probe"]) {
		all = append(all, probe{config.at["probe"][n], fieldsOf(v)})
	}
	return all, nil
}

// templated says of a file with templates what to do about it.
func templated(f migrate.File, err error) error {
	if !strings.Contains(string(f.Data), "{{") {
		return err
	}
	return fmt.Errorf("%w\n%s has Go templates: give what cloudprober --dumpconfig --config_file %s prints", err, f.Path, filepath.Base(f.Path))
}

// top reads what probes share.
func (i *importer) top(f migrate.File, config map[string]any) {
	for _, v := range list(config["shared_targets"]) {
		if m, ok := v.(map[string]any); ok {
			name, _ := m["name"].(string)
			targets, _ := m["targets"].(map[string]any)
			i.shared[name] = migrate.NewFields(targets)
		}
	}
	for _, name := range []string{"surfacer", "server", "rds_server"} {
		if config[name] != nil {
			i.found.Remark(migrate.Place{Path: f.Path}, "%s is not imported: it is no check", name)
		}
	}
}

func fieldsOf(v any) func() *migrate.Fields {
	m, _ := v.(map[string]any)
	return func() *migrate.Fields { return migrate.NewFields(m) }
}

func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	if v == nil {
		return nil
	}
	return []any{v}
}

var includeLine = regexp.MustCompile(`^include\s+"([^"]+)"\s*$`)

const (
	maxIncludes = 16
	maxText     = 16 << 20 // bytes, of a file with what it includes
)

// including is a file with what it includes in place, and where each line comes from.
func including(in *migrate.Input, f migrate.File, depth int) (string, []migrate.Place, error) {
	if depth > maxIncludes {
		return "", nil, fmt.Errorf("%s: includes itself, or files over %d deep", f.Path, maxIncludes)
	}
	var b strings.Builder
	var origin []migrate.Place
	n := 0
	for line := range strings.Lines(string(f.Data)) {
		n++
		at := migrate.Place{Path: f.Path, Line: n}
		m := includeLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
			origin = append(origin, at)
			continue
		}
		files, err := in.Include(f, m[1])
		if err == nil && len(files) == 0 {
			err = fmt.Errorf("%q is not there: give it the folder that it has there", m[1])
		}
		if err != nil {
			return "", nil, &safeyaml.Mistake{Path: f.Path, Line: n, Field: "include", What: err}
		}
		for _, one := range files {
			text, places, err := including(in, one, depth+1)
			if err != nil {
				return "", nil, err
			}
			b.WriteString(text)
			origin = append(origin, places...)
			if b.Len() > maxText {
				return "", nil, fmt.Errorf("%s: over %d MiB with what it includes", f.Path, maxText>>20)
			}
		}
	}
	return b.String(), origin, nil
}
