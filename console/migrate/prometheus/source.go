// Package prometheus reads what Prometheus has blackbox_exporter measure: the scrape
// configurations of prometheus.yml with their targets and relabelling, and the modules of
// blackbox.yml.
package prometheus

import (
	"errors"
	"fmt"
	"slices"

	"netmon/console/migrate"
	"netmon/internal/plural"
)

// Source is Prometheus with blackbox_exporter.
func Source() migrate.Source {
	return migrate.Source{
		Name: "prometheus", Title: "Prometheus and blackbox_exporter",
		Files: "prometheus.yml, what it includes (scrape_config_files, file_sd_configs), and the modules of blackbox_exporter that stand in a file beside it",
		Usage: "prometheus.yml [blackbox.yml]",
		Read:  read,
	}
}

// reader reads files that belong together.
type reader struct {
	in      *migrate.Input
	found   *migrate.Found
	names   migrate.Names
	modules map[string]module
	given   bool // a file of modules was
}

func read(in *migrate.Input) (*migrate.Found, error) {
	r := &reader{in: in, found: &migrate.Found{}, names: migrate.Names{}, modules: map[string]module{}}
	var scrapes []migrate.Document
	var errs []error
	for _, file := range in.Files {
		docs, err := file.Documents()
		errs = append(errs, err)
		for _, doc := range docs {
			switch f := doc.Fields(); {
			case f.Has("modules"):
				r.given = true
				r.readModules(doc)
			case f.Has("scrape_configs"), f.Has("scrape_config_files"), f.Has("global"):
				scrapes = append(scrapes, doc)
			default:
				if tool := doc.Foreign("prometheus"); tool != "" {
					errs = append(errs, fmt.Errorf("%s: it looks like a file of %s", doc.File.Path, tool))
					continue
				}
				errs = append(errs, fmt.Errorf("%s: it has neither scrape_configs nor modules", doc.At("")))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(scrapes) == 0 && r.given {
		return nil, fmt.Errorf("%s has modules and no targets: give prometheus.yml beside it", in.Names())
	}
	for _, doc := range scrapes {
		if err := r.scrapes(doc); err != nil {
			return nil, err
		}
	}
	return r.found, nil
}

// usual are the schedules of jobs that say nothing.
type usual struct{ interval, timeout string }

// scrapes reads the jobs of a file, and of those that it includes.
func (r *reader) scrapes(doc migrate.Document) error {
	f := doc.Fields()
	global := f.Object("global")
	u := usual{"1m", "10s"} // as Prometheus has them
	if text := global.Text("scrape_interval"); text != "" {
		u.interval = text
	}
	if text := global.Text("scrape_timeout"); text != "" {
		u.timeout = text
	}
	if f.Has("alerting") || f.Has("rule_files") {
		name := "rule_files"
		if f.Has("alerting") {
			name = "alerting"
		}
		r.found.NoNotices(doc.At("%s", name), "alerting and rule_files")
	}
	others, err := r.jobs(doc, u)
	if err != nil {
		return err
	}
	for _, pattern := range f.Texts("scrape_config_files") {
		files, err := r.in.Include(doc.File, pattern)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			r.found.Leave(doc.At("scrape_config_files"), "the jobs of "+pattern, "there is no such file")
		}
		for _, file := range files {
			docs, err := file.Documents()
			if err != nil {
				return err
			}
			for _, doc := range docs {
				more, err := r.jobs(doc, u)
				if err != nil {
					return err
				}
				others = append(others, more...)
			}
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		r.found.Remark(doc.At("scrape_configs"), "%s more that scrape metrics and check nothing, such as %s: Prometheus keeps them; docs/integrations.md says how it reads netmon", plural.Count(len(others), "job", "jobs"), others[0])
	}
	return nil
}
