package cloudprober

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"netmon/console/migrate"
)

// listed are the targets of file_targets, which stand in a file of resources. from is the
// file that names it.
func (i *importer) listed(f *migrate.Fields, from string) ([]endpoint, error) {
	path := f.Text("file_path")
	f.Skip("re_eval_sec", "format")
	if path == "" || strings.Contains(path, "://") {
		return nil, fmt.Errorf("its targets are not in a file of this host: %s", path)
	}
	files, err := i.in.IncludeNear(migrate.File{Path: from}, path)
	if err == nil && len(files) != 1 {
		err = fmt.Errorf("its targets are in %q, which is not there: give it the folder that it has there", path)
	}
	if err != nil {
		return nil, err
	}
	resources, err := resourcesOf(files[0])
	if err != nil {
		return nil, err
	}
	keep, err := filters(f.Objects("filter"))
	if err != nil {
		return nil, err
	}
	var all []endpoint
	for _, v := range list(resources) {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, errors.New("its file of targets has a resource that is none")
		}
		r := migrate.NewFields(m)
		e := endpoint{name: r.Text("name"), ip: r.Text("ip"), port: r.Number("port", 0), labels: pairs(r, "labels")}
		if keep(e) {
			all = append(all, e)
		}
	}
	return all, nil
}

// resourcesOf reads a file of resources, in text form, YAML or JSON.
func resourcesOf(f migrate.File) (any, error) {
	switch strings.ToLower(filepath.Ext(f.Path)) {
	case ".yaml", ".yml", ".json":
		docs, err := f.Documents()
		if err != nil || len(docs) != 1 {
			return nil, errors.Join(err, fmt.Errorf("%s: want one document", f.Path))
		}
		m, _ := snake(docs[0].Value, 0).(map[string]any)
		return m["resource"], nil
	}
	m, err := parseText(string(f.Data), []migrate.Place{{Path: f.Path}})
	return m.value["resource"], err
}

// filters says which targets are wanted: name and labels.NAME, each by a regular expression.
func filters(all []*migrate.Fields) (func(endpoint) bool, error) {
	wanted := map[string]*regexp.Regexp{}
	for _, f := range all {
		key, value := f.Text("key"), f.Text("value")
		re, err := regexp.Compile(value)
		if err != nil {
			return nil, fmt.Errorf("its filter %s is no regular expression: %s", key, value)
		}
		if key != "name" && !strings.HasPrefix(key, "labels.") {
			return nil, fmt.Errorf("its filter by %s is not known to this import", key)
		}
		wanted[key] = re
	}
	return func(e endpoint) bool {
		for key, re := range wanted {
			label, is := strings.CutPrefix(key, "labels.")
			if is && !re.MatchString(e.labels[label]) || !is && !re.MatchString(e.name) {
				return false
			}
		}
		return true
	}, nil
}
