// Package smokeping reads SmokePing's configuration: its sections Targets, Probes and
// Database, with what they include.
package smokeping

import (
	"errors"

	"netmon/console/migrate"
)

// Source reads /etc/smokeping/config.
func Source() migrate.Source {
	return migrate.Source{
		Name:  "smokeping",
		Title: "SmokePing",
		Files: "SmokePing's config and what that includes, or its parts, such as config.d/Targets and config.d/Probes",
		Usage: "/etc/smokeping/config",
		Read:  read,
	}
}

func read(in *migrate.Input) (*migrate.Found, error) {
	p := &parser{in: in, root: newSection(nil, "", migrate.Place{}), defines: map[string]string{}}
	for _, f := range in.Files {
		p.at = p.root
		p.file(f, nil)
	}
	if err := errors.Join(p.errs...); err != nil {
		return nil, err
	}
	i := &importer{root: p.root, found: &migrate.Found{}, names: migrate.Names{}}
	i.run()
	return i.found, nil
}
