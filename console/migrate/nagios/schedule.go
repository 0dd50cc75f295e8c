package nagios

import (
	"fmt"
	"strconv"
	"time"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/plugin"
)

// schedule carries how often a check runs and how many bad runs count.
func (i *importer) schedule(m *migrate.Monitor, o *object) bool {
	read := func(name string, fallback float64) (time.Duration, error) {
		v := fallback
		if text := o.get(name); text != "" {
			var err error
			if v, err = strconv.ParseFloat(text, 64); err != nil || !(v >= 0 && v < 1e7) {
				return 0, fmt.Errorf("%s %q is no number", name, text)
			}
		}
		return time.Duration(v * i.unit * float64(time.Second)), nil
	}
	check, err := read("check_interval", 5)
	if err == nil {
		var retry time.Duration
		if retry, err = read("retry_interval", 1); err == nil {
			attempts, bad := strconv.Atoi(first(o.get("max_check_attempts"), "1"))
			if bad != nil || attempts < 1 {
				err = fmt.Errorf("max_check_attempts %q is no number from 1 on", o.get("max_check_attempts"))
			} else {
				plugin.Schedule(m, check, retry, attempts)
			}
		}
	}
	if err != nil {
		i.found.Leave(o.at, first(o.get("service_description"), o.get("host_name")), "%s", err)
		return false
	}
	if o.get("active_checks_enabled") == "0" {
		m.Paused = true
		m.Note("active_checks_enabled 0: it is paused; if others sent its results, netmon would measure instead")
	}
	if period := o.get("check_period"); !i.always(period) {
		m.Lose("check_period %s: netmon measures at all hours; a silence mutes the others (docs/alerts.md)", period)
	}
	if o.get("check_freshness") == "1" && o.get("active_checks_enabled") == "0" {
		m.Lose("check_freshness")
	}
	return true
}
