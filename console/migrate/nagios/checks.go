package nagios

import (
	"maps"
	"slices"
	"strings"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/plugin"
)

// importer makes monitors of hosts and services.
type importer struct {
	*config
	*inventory
	found *migrate.Found
	names migrate.Names

	hostCheck    map[string]string // the monitor of each host's own check
	serviceCheck map[string]int    // where in found the monitor of host!service is
}

// maxChecks bounds what lists of hosts multiply to.
const maxChecks = 100_000

func (i *importer) run() {
	for _, o := range i.objects {
		switch o.kind {
		case "contact", "contactgroup", "hostescalation", "serviceescalation":
			i.found.NoNotices(migrate.Place{Path: o.at.Path}, "contacts and escalations")
		}
	}
	if _, ok := i.users["USER1"]; !ok {
		i.users["USER1"] = plugin.Folder
	}
	for _, name := range i.order {
		i.host(i.hosts[name])
	}
	i.parents()
	i.services()
	i.dependencies()
}

func (i *importer) host(o *object) {
	name := o.get("host_name")
	if o.get("check_command") == "" {
		return // Nagios takes it to be up
	}
	m := migrate.Monitor{At: o.at}
	m.Name = i.names.Of(name)
	i.describe(&m, name)
	if !i.schedule(&m, o) || !i.command(&m, o, macros{host: o.attrs, users: i.users}, name) {
		return
	}
	plugin.NoteLocal(&m, name, o.get("address"))
	i.hostCheck[name] = m.Name
	i.found.Monitors = append(i.found.Monitors, m)
}

// parents makes hosts depend on those before them.
func (i *importer) parents() {
	of := map[string]string{}
	for host, monitor := range i.hostCheck {
		of[monitor] = host
	}
	for n := range i.found.Monitors {
		m := &i.found.Monitors[n]
		for _, p := range names(i.hosts[of[m.Name]].parentsOf()) {
			i.depend(m, p)
		}
	}
}

func (o *object) parentsOf() string {
	if o == nil {
		return ""
	}
	return o.get("parents")
}

// depend makes m depend on the check of a host.
func (i *importer) depend(m *migrate.Monitor, host string) {
	parent, ok := i.hostCheck[host]
	switch {
	case !ok:
		m.Lose("it depends on the host %s, which has no check that was carried", host)
	default:
		m.Depend(parent)
	}
}

// services are first those that name hosts, then those that name groups: a host's own
// counts.
func (i *importer) services() {
	type pair struct{ host, service string }
	done := map[pair]bool{}
	for _, groups := range []bool{false, true} {
		for _, o := range i.objects {
			if o.kind != "service" || o.isTemplate() || (o.get("host_name") == "") != groups {
				continue
			}
			hosts := i.choose(o.get("host_name"), o.get("hostgroup_name"))
			if len(hosts) == 0 && o.get("host_name") != "" {
				i.found.Leave(o.at, o.get("service_description"), "it is for hosts that are not in the files: %s", o.get("host_name"))
			}
			for _, host := range hosts {
				p := pair{host, o.get("service_description")}
				if done[p] || i.found.Checks() >= maxChecks {
					continue
				}
				done[p] = true
				i.service(o, host)
			}
		}
	}
	if i.found.Checks() >= maxChecks {
		i.found.Leave(migrate.Place{Path: i.objects[0].at.Path}, "further services", "an import takes %d checks at most: give fewer files at once", maxChecks)
	}
}

func (i *importer) service(o *object, host string) {
	description := o.get("service_description")
	what := host + ": " + description
	h, ok := i.hosts[host]
	if !ok {
		i.found.Leave(o.at, what, "the host %q is not in the files given", host)
		return
	}
	m := migrate.Monitor{At: o.at}
	m.Name = i.names.Of(host + "-" + description)
	i.describe(&m, host)
	m.Tag("service", description)
	if groups := names(o.get("servicegroups")); len(groups) > 0 {
		m.Tag("servicegroup", strings.Join(groups, ","))
	}
	if !i.schedule(&m, o) || !i.command(&m, o, macros{host: h.attrs, service: o.attrs, users: i.users}, what) {
		return
	}
	plugin.NoteLocal(&m, host, h.get("address"))
	if i.hostCheck[host] != "" {
		i.depend(&m, host)
	}
	i.serviceCheck[host+"!"+description] = len(i.found.Monitors)
	i.found.Monitors = append(i.found.Monitors, m)
}

func (i *importer) describe(m *migrate.Monitor, host string) {
	m.Tag("host", host)
	if groups := i.in[host]; len(groups) > 0 {
		m.Tag("hostgroup", strings.Join(groups, ","))
	}
}

// command makes m measure what check_command says.
func (i *importer) command(m *migrate.Monitor, o *object, values macros, what string) bool {
	parts := splitCommand(o.get("check_command"))
	name := strings.TrimSpace(parts[0])
	line, ok := i.commands[name]
	switch {
	case passive(o):
		i.found.Leave(o.at, what, "it takes results that others send (passive): netmon measures")
		return false
	case name == "":
		i.found.Leave(o.at, what, "it has no check_command")
		return false
	case !ok:
		i.found.Leave(o.at, what+" ("+name+")", "the command %q is not in the files given: on Debian it may be in /etc/nagios-plugins/config", name)
		return false
	}
	argv, err := i.argv(values, parts[1:], line)
	if err == nil {
		err = plugin.Fill(m, argv, i.secrets(values)...)
	}
	if err != nil {
		i.found.Leave(o.at, what+" ("+name+")", "%s", err)
		return false
	}
	return true
}

// argv is the command line with nothing left to replace.
func (i *importer) argv(values macros, args []string, line string) ([]string, error) {
	plain := values
	for _, arg := range args {
		full, err := plain.expand(arg)
		if err != nil {
			return nil, err
		}
		values.args = append(values.args, full)
	}
	full, err := values.expand(line)
	if err != nil {
		return nil, err
	}
	return words(full)
}

// secrets are the values that are there because they are secret.
func (i *importer) secrets(values macros) []plugin.Secret {
	var all []plugin.Secret
	for _, name := range slices.Sorted(maps.Keys(i.users)) {
		if name != "USER1" {
			all = append(all, plugin.Secret{From: "$" + name + "$ of resource.cfg", Value: i.users[name]})
		}
	}
	for _, of := range []map[string]string{values.host, values.service} {
		for _, name := range slices.Sorted(maps.Keys(of)) {
			if secretVariable(name) {
				all = append(all, plugin.Secret{From: name, Value: of[name]})
			}
		}
	}
	return all
}

// secretVariable says whether a variable of one's own is a secret, by its name.
func secretVariable(name string) bool {
	if !strings.HasPrefix(name, "_") {
		return false
	}
	for _, word := range []string{"PASS", "SECRET", "TOKEN", "PWD", "APIKEY", "API_KEY"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// passive says whether a check waits for what others report: Nagios asks for those that it
// does not run itself whether their results are fresh. One that is only switched off is paused.
func passive(o *object) bool {
	return o.get("active_checks_enabled") == "0" && o.get("passive_checks_enabled") != "0" && o.get("check_freshness") == "1"
}

// dependencies carries servicedependency and hostdependency.
func (i *importer) dependencies() {
	at := map[string]int{} // where in found the monitor of this name is
	for n, m := range i.found.Monitors {
		at[m.Name] = n
	}
	for _, o := range i.objects {
		if o.isTemplate() {
			continue
		}
		masters := i.choose(o.get("host_name"), o.get("hostgroup_name"))
		dependents := i.choose(o.get("dependent_host_name"), o.get("dependent_hostgroup_name"))
		switch o.kind {
		case "hostdependency":
			for _, d := range dependents {
				if n, ok := at[i.hostCheck[d]]; ok {
					for _, host := range masters {
						i.depend(&i.found.Monitors[n], host)
					}
				}
			}
		case "servicedependency":
			same := len(dependents) == 0 // on the same host
			for _, host := range masters {
				on := dependents
				if same {
					on = []string{host}
				}
				for _, d := range on {
					i.serviceDepends(o, host, d)
				}
			}
		}
	}
}

func (i *importer) serviceDepends(o *object, host, dependent string) {
	for _, master := range names(o.get("service_description")) {
		for _, child := range names(o.get("dependent_service_description")) {
			n, ok := i.serviceCheck[dependent+"!"+child]
			if !ok {
				continue
			}
			m := &i.found.Monitors[n]
			if p, ok := i.serviceCheck[host+"!"+master]; ok {
				m.Depend(i.found.Monitors[p].Name)
			} else {
				m.Lose("it depends on %s of %s, which was left out", master, host)
			}
		}
	}
}
