package icinga

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios/plugin"
)

// importer makes monitors of hosts and services.
type importer struct {
	*world
	found *migrate.Found
	names migrate.Names

	hostCheck    map[string]string // the monitor of each host's own check
	serviceCheck map[string]string // of host!service
	services     []service         // with those that were left out
	at           map[string]int    // where in found the monitor of this name is, once all are there
}

// service is one of a host, with the variables that were known where it was made.
type service struct {
	host string
	*entry
}

const maxChecks = 100_000

func (i *importer) run(remarks []migrate.Remark) {
	i.found.Remarks = append(i.found.Remarks, remarks...)
	for _, kind := range []string{"User", "UserGroup"} {
		for _, name := range i.order[kind] {
			i.found.NoNotices(migrate.Place{Path: i.objects[kind][name].node.at.Path}, "users and notifications")
		}
	}
	for _, n := range i.applies {
		if n.text == "Notification" {
			i.found.NoNotices(migrate.Place{Path: n.at.Path}, "users and notifications")
		}
		if n.text == "ScheduledDowntime" {
			i.found.Remark(migrate.Place{Path: n.at.Path}, "scheduled downtimes are not imported: docs/alerts.md has silences that come back")
		}
	}
	for _, name := range i.order["Host"] {
		i.groups(i.objects["Host"][name].dict, "HostGroup", map[string]any{"host": i.objects["Host"][name].dict})
	}
	for _, name := range i.order["Host"] {
		i.host(name, i.objects["Host"][name])
	}
	for _, key := range i.order["Service"] {
		e := i.objects["Service"][key]
		host := e.text("host_name")
		if i.objects["Host"][host] == nil {
			i.found.Leave(e.node.at, key, "the host %q is not in the files given", host)
			continue
		}
		i.service(host, e)
	}
	for _, n := range i.applies {
		if n.text == "Service" {
			i.apply(n)
		}
	}
	i.dependencies()
}

// groups adds the groups whose conditions hold to those that an object names.
func (i *importer) groups(o *dict, kind string, vars map[string]any) {
	list, _ := o.get("groups").([]any)
	for _, name := range i.order[kind] {
		g := i.objects[kind][name]
		s := &scope{world: i.world, vars: vars}
		if ok, err := s.applies(g.node.body); err == nil && ok && !within(name, list) {
			list = append(list, name)
		}
	}
	if list != nil {
		o.set("groups", list)
	}
}

func (i *importer) host(name string, e *entry) {
	if e.err == nil && e.text("check_command") == "" {
		return
	}
	m := migrate.Monitor{At: e.node.at}
	m.Name = i.names.Of(name)
	i.describe(&m, name)
	if i.fill(&m, name, resolver{host: e.dict}, e) {
		i.hostCheck[name] = m.Name
		i.found.Monitors = append(i.found.Monitors, m)
	}
}

func (i *importer) describe(m *migrate.Monitor, host string) {
	m.Tag("host", host)
	m.Tag("hostgroup", strings.ReplaceAll(text(i.objects["Host"][host].get("groups")), ";", ","))
}

// apply makes a rule's services.
func (i *importer) apply(n *node) {
	for _, host := range i.order["Host"] {
		h := i.objects["Host"][host]
		s := &scope{world: i.world, vars: map[string]any{"host": h.dict}}
		if n.for1 == "" {
			i.applyOne(n, s, host, "")
			continue
		}
		list, err := s.eval(n.sub[len(n.sub)-1])
		if _, is := list.(function); is {
			err = errFunction
		}
		if err == nil {
			err = s.each(n, list, func(inner *scope) error {
				i.applyOne(n, inner, host, text(inner.vars[n.for1]))
				return nil
			})
		}
		if err != nil {
			i.found.Leave(n.at, host+": apply Service for", "%s", err)
		}
	}
}

// applyOne makes the service of a rule for one host; key is that of the loop.
func (i *importer) applyOne(n *node, s *scope, host, key string) {
	if i.found.Checks() >= maxChecks {
		return
	}
	what := key
	if len(n.sub) > 0 && (n.for1 == "" || len(n.sub) > 1) {
		name, err := s.eval(n.sub[0])
		if err != nil {
			i.found.Leave(n.at, host+": apply Service", "%s", err)
			return
		}
		what = text(name) + key
	}
	vars := map[string]any{}
	maps.Copy(vars, s.vars)
	e := i.build(n, what, vars)
	e.set("host_name", host)
	if hasAssign(n.body) || n.for1 == "" {
		vars["service"] = e.dict
		ok, err := (&scope{world: i.world, vars: vars}).applies(n.body)
		if err != nil {
			i.found.Leave(n.at, host+": "+what, "assign where: %s", err)
			return
		}
		if !ok {
			return
		}
	}
	i.service(host, e)
}

func (i *importer) service(host string, e *entry) {
	h := i.objects["Host"][host]
	i.services = append(i.services, service{host, e})
	i.groups(e.dict, "ServiceGroup", map[string]any{"host": h.dict, "service": e.dict})
	name := e.text("name")
	m := migrate.Monitor{At: e.node.at}
	m.Name = i.names.Of(host + "-" + name)
	i.describe(&m, host)
	m.Tag("service", name)
	m.Tag("servicegroup", strings.ReplaceAll(text(e.get("groups")), ";", ","))
	if !i.fill(&m, host+": "+name, resolver{host: h.dict, service: e.dict}, e) {
		return
	}
	if parent := i.hostCheck[host]; parent != "" {
		m.DependsOn = []string{parent}
	}
	i.serviceCheck[host+"!"+name] = m.Name
	i.found.Monitors = append(i.found.Monitors, m)
}

// fill makes m measure what the object's check_command does.
func (i *importer) fill(m *migrate.Monitor, what string, r resolver, e *entry) bool {
	name := e.text("check_command")
	if name != "" {
		what += " (" + name + ")"
	}
	var secrets []plugin.Secret
	r.secrets = &secrets
	argv, err := []string(nil), e.err
	if err == nil && name == "" {
		err = fmt.Errorf("it has no check_command")
	}
	if err == nil && name == "passive" {
		err = fmt.Errorf("it takes results that others send (passive): netmon measures")
	}
	if err == nil {
		argv, err = i.argv(m, name, r)
	}
	if err == nil {
		err = i.schedule(m, e.dict)
	}
	if err == nil {
		err = plugin.Fill(m, argv, secrets...)
	}
	if err != nil {
		i.found.Leave(e.node.at, what, "%s", err)
		return false
	}
	if endpoint := e.text("command_endpoint"); endpoint != "" {
		m.Note("ran at the endpoint %s: agents: %s is netmon's way, with an agent there", endpoint, endpoint)
	} else {
		plugin.NoteLocal(m, r.host.text("name"), r.host.text("address"), r.host.text("address6"))
	}
	return true
}

// argv is the command line: a CheckCommand of the files, else one of Icinga's library.
func (i *importer) argv(m *migrate.Monitor, name string, r resolver) ([]string, error) {
	e, given := i.objects["CheckCommand"][name]
	known, ok := i.library[name]
	switch {
	case ok && (!given || own(e)):
		vars := r.service
		if vars == nil {
			vars = r.host
		}
		for _, v := range known.unknown(vars.dict("vars")) {
			m.Lose("%s: it is none of the variables of the CheckCommand %s that this import knows", v, name)
		}
		r.command = known.object()
	case given && e.err != nil:
		return nil, fmt.Errorf("CheckCommand %s: %w", name, e.err)
	case given:
		r.command = e.dict
	case slices.Contains([]string{"icinga", "cluster", "cluster-zone", "ido", "icingadb", "dummy", "random", "exception", "sleep", "ifw-api"}, name):
		return nil, fmt.Errorf("it looks at Icinga itself, or at nothing")
	default:
		return nil, fmt.Errorf("the CheckCommand %q is not in the files given: name the library, too: netmon import nagios conf.d /usr/share/icinga2/include/command-plugins.conf", name)
	}
	return r.argv()
}

func (i *importer) schedule(m *migrate.Monitor, o *dict) error {
	read := func(name string, fallback float64) (time.Duration, error) {
		switch v := o.get(name).(type) {
		case nil:
			return time.Duration(fallback * float64(time.Second)), nil
		case float64:
			if v >= 0 && v < 1e8 {
				return time.Duration(v * float64(time.Second)), nil
			}
		}
		return 0, fmt.Errorf("%s is no length of time", name)
	}
	check, err := read("check_interval", 300)
	if err != nil {
		return err
	}
	retry, err := read("retry_interval", 60)
	if err != nil {
		return err
	}
	attempts := 3.0
	if v, ok := o.get("max_check_attempts").(float64); ok && v >= 1 && v < 1000 {
		attempts = v
	}
	plugin.Schedule(m, check, retry, int(attempts))
	if o.get("enable_active_checks") == false {
		m.Paused = true
		m.Note("enable_active_checks is false: it is paused; if others sent its results, netmon would measure instead")
	}
	if period := o.text("check_period"); period != "" && period != "24x7" {
		m.Lose("check_period %s: netmon measures at all hours; a silence mutes the others (docs/alerts.md)", period)
	}
	return nil
}

// dependencies carries objects and rules of type Dependency.
func (i *importer) dependencies() {
	i.at = map[string]int{}
	for n, m := range i.found.Monitors {
		i.at[m.Name] = n
	}
	for _, key := range i.order["Dependency"] {
		e := i.objects["Dependency"][key]
		i.depend(e, e.text("child_host_name"), e.text("child_service_name"))
	}
	for _, n := range i.applies {
		if n.text != "Dependency" {
			continue
		}
		to := text(n.val)
		for _, host := range i.order["Host"] {
			if to == "Host" {
				i.applyDependency(n, host, nil)
			}
		}
		for _, s := range i.services {
			if to == "Service" {
				i.applyDependency(n, s.host, s.dict)
			}
		}
	}
}

func (i *importer) applyDependency(n *node, host string, service *dict) {
	vars := map[string]any{"host": i.objects["Host"][host].dict}
	child := ""
	if service != nil {
		vars["service"] = service
		child = service.text("name")
	}
	s := &scope{world: i.world, vars: vars}
	do := func(s *scope) error {
		ok, err := s.applies(n.body)
		if err == nil && ok || err == nil && n.for1 != "" && !hasAssign(n.body) {
			e := i.build(n, "dependency", s.vars)
			if e.text("parent_host_name") == "" {
				e.set("parent_host_name", host)
			}
			i.depend(e, host, child)
		}
		return err
	}
	err := error(nil)
	if n.for1 != "" {
		var list any
		if list, err = s.eval(n.sub[len(n.sub)-1]); err == nil {
			err = s.each(n, list, do)
		}
	} else {
		err = do(s)
	}
	if err != nil {
		i.found.Remark(n.at, "apply Dependency: %s", err)
	}
}

func (i *importer) depend(e *entry, host, service string) {
	parentHost, parentService := e.text("parent_host_name"), e.text("parent_service_name")
	parent, ok := i.hostCheck[parentHost], true
	if parentService != "" {
		parent, ok = i.serviceCheck[parentHost+"!"+parentService]
	}
	child := i.hostCheck[host]
	if service != "" {
		child = i.serviceCheck[host+"!"+service]
	}
	n, carried := i.at[child]
	if !carried || child == parent {
		return
	}
	if m := &i.found.Monitors[n]; !ok || parent == "" {
		m.Lose("it depends on %s, which was left out", strings.TrimSpace(parentHost+" "+parentService))
	} else {
		m.Depend(parent)
	}
}
