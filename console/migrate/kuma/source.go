// Package kuma reads the monitors of Uptime Kuma (github.com/louislam/uptime-kuma): the backup
// that version 1 exports, or what /metrics says, which is all that version 2 gives.
package kuma

import (
	"bytes"
	"errors"

	"netmon/console/migrate"
)

// Source is Uptime Kuma.
func Source() migrate.Source {
	return migrate.Source{
		Name: "kuma", Title: "Uptime Kuma",
		Files: "the backup of version 1 (Settings, Backup, Export), or what a version says at /metrics",
		Usage: "backup.json",
		Read:  read,
	}
}

func read(in *migrate.Input) (*migrate.Found, error) {
	r := &reader{found: &migrate.Found{}, names: migrate.Names{}}
	var errs []error
	for _, file := range in.Files {
		if bytes.HasPrefix(bytes.TrimSpace(file.Data), []byte("{")) {
			errs = append(errs, r.backup(file))
		} else {
			errs = append(errs, r.metrics(file))
		}
	}
	return r.found, errors.Join(errs...)
}

// reader reads files that belong together.
type reader struct {
	found *migrate.Found
	names migrate.Names
}
