// Package nagios reads object files of Nagios, and of Icinga 1, Naemon and Shinken, which
// have the same, and the configuration of Icinga 2.
package nagios

import (
	"errors"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/icinga"
)

// Source reads both.
func Source() migrate.Source {
	return migrate.Source{
		Name:     "nagios",
		Title:    "Nagios (and Naemon), Icinga 2",
		Files:    "nagios.cfg and what that names, or its object files and resource.cfg; or files of Icinga 2, such as icinga2.conf or conf.d/*.conf",
		Patterns: []string{"*.cfg", "*.conf"},
		Usage:    "nagios.cfg",
		Read:     readAll,
	}
}

func readAll(in *migrate.Input) (*migrate.Found, error) {
	var classic, two []migrate.File
	for _, f := range in.Files {
		if icinga.Reads(f.Data) {
			two = append(two, f)
		} else {
			classic = append(classic, f)
		}
	}
	found, names := &migrate.Found{}, migrate.Names{}
	var errs []error
	if len(classic) > 0 {
		errs = append(errs, readClassic(in, classic, found, names))
	}
	if len(two) > 0 {
		errs = append(errs, icinga.Read(in, two, found, names))
	}
	return found, errors.Join(errs...)
}

func readClassic(in *migrate.Input, files []migrate.File, found *migrate.Found, names migrate.Names) error {
	c, err := read(in, files)
	if err != nil {
		return err
	}
	if errs := resolve(c.objects); len(errs) > 0 {
		return errors.Join(errs...)
	}
	i := &importer{config: c, inventory: newInventory(c.objects), found: found, names: names,
		hostCheck: map[string]string{}, serviceCheck: map[string]int{}}
	i.run()
	return nil
}
