// Package gatus reads the configuration of Gatus (github.com/TwiN/gatus): its endpoints and
// their conditions.
package gatus

import (
	"fmt"

	"netmon/console/migrate"
)

// Source is Gatus.
func Source() migrate.Source {
	return migrate.Source{
		Name: "gatus", Title: "Gatus",
		Files:    "config.yaml, several of them, or a folder of them",
		Usage:    "config.yaml",
		Patterns: []string{"*.yaml", "*.yml"},
		Read:     read,
	}
}

func read(in *migrate.Input) (*migrate.Found, error) {
	r := reader{found: &migrate.Found{}, names: migrate.Names{}, usual: map[string]*migrate.Fields{}}
	var all []migrate.Document
	for _, file := range in.Files {
		docs, err := file.Documents()
		if err != nil {
			return nil, err
		}
		all = append(all, docs...)
	}
	for _, doc := range all { // Gatus merges its files before it reads them
		r.alerting(doc)
	}
	for _, doc := range all {
		r.document(doc)
	}
	return r.found, nil
}

// reader reads files that belong together.
type reader struct {
	found *migrate.Found
	names migrate.Names
	usual map[string]*migrate.Fields // what alerts of a type have, by type
}

// alerting notes what is usual for alerts.
func (r *reader) alerting(doc migrate.Document) {
	all := doc.Fields().Object("alerting")
	for _, kind := range all.Names() {
		if usual := all.Object(kind).Object("default-alert"); usual != nil {
			r.usual[kind] = usual
		}
	}
}

func (r *reader) document(doc migrate.Document) {
	f := doc.Fields()
	if f == nil {
		return
	}
	if tool := doc.Foreign("gatus"); tool != "" && !f.Has("endpoints") {
		r.found.Foreign(doc.File, tool)
		return
	}
	f.Skip("metrics", "storage", "security", "web", "ui", "debug", "concurrency", "disable-monitoring-lock", "skip-invalid-config-update", "connectivity", "announcements")
	if f.Has("alerting") {
		f.Skip("alerting")
		r.found.NoNotices(doc.At("alerting"), "alerting")
	}
	if f.Has("maintenance") {
		f.Skip("maintenance")
		r.found.Remark(doc.At("maintenance"), "maintenance: write a window: docs/files.md has them")
	}
	if f.Has("remote") {
		f.Skip("remote")
		r.found.Remark(doc.At("remote"), "remote: import the files of these other instances")
	}
	for i, e := range f.Objects("endpoints") {
		r.endpoint(e, doc.At("endpoints[%d]", i))
	}
	for i, e := range f.Objects("external-endpoints") {
		r.found.Leave(doc.At("external-endpoints[%d]", i), e.Text("name"), "somebody pushes its results to Gatus; netmon measures itself")
	}
	for i, s := range f.Objects("suites") {
		for k, e := range s.Objects("endpoints") {
			r.found.Leave(doc.At("suites[%d].endpoints[%d]", i, k), fmt.Sprintf("%s (suite %s)", e.Text("name"), s.Text("name")), "a step of a suite needs what the steps before it stored; netmon's monitors are independent")
		}
	}
	for _, name := range f.Names() {
		switch name {
		case "endpoints", "external-endpoints", "suites":
			f.Skip(name)
		}
	}
	for _, text := range f.Unknown() {
		r.found.Remark(doc.At("%s", text), "%s is not read", text)
	}
}
