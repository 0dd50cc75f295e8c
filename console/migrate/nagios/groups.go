package nagios

import (
	"maps"
	"slices"
	"strings"
)

// inventory is the hosts, groups and commands by name.
type inventory struct {
	hosts    map[string]*object
	order    []string            // names of hosts as they come
	groups   map[string][]string // hosts of each group
	in       map[string][]string // groups of each host, in order of their names
	commands map[string]string   // command lines
	periods  map[string]*object
}

func newInventory(objects []*object) *inventory {
	v := &inventory{hosts: map[string]*object{}, groups: map[string][]string{}, in: map[string][]string{}, commands: map[string]string{}, periods: map[string]*object{}}
	nested := map[string][]string{}
	for _, o := range objects {
		if o.isTemplate() {
			continue
		}
		switch o.kind {
		case "host":
			for _, name := range names(o.get("host_name")) {
				if _, twice := v.hosts[name]; !twice {
					v.order = append(v.order, name)
				}
				own := *o
				own.attrs = map[string]string{}
				maps.Copy(own.attrs, o.attrs)
				own.attrs["host_name"] = name
				v.hosts[name] = &own
			}
		case "command":
			v.commands[o.get("command_name")] = o.get("command_line")
		case "timeperiod":
			v.periods[o.get("timeperiod_name")] = o
		}
	}
	for _, o := range objects {
		if o.kind == "hostgroup" && !o.isTemplate() {
			group := o.get("hostgroup_name")
			v.groups[group] = append(v.groups[group], v.choose(o.get("members"), "")...)
			nested[group] = names(o.get("hostgroup_members"))
		}
	}
	for _, host := range v.order {
		for _, group := range names(v.hosts[host].get("hostgroups")) {
			v.groups[group] = append(v.groups[group], host)
		}
	}
	for group := range nested {
		v.groups[group] = v.membersOf(group, nested, map[string]bool{})
	}
	for _, group := range slices.Sorted(maps.Keys(v.groups)) {
		for _, host := range v.groups[group] {
			if of := v.in[host]; len(of) == 0 || of[len(of)-1] != group {
				v.in[host] = append(of, group)
			}
		}
	}
	return v
}

// membersOf are the hosts of a group and of those in it, each group once.
func (v *inventory) membersOf(group string, nested map[string][]string, seen map[string]bool) []string {
	if seen[group] {
		return nil
	}
	seen[group] = true
	members := slices.Clone(v.groups[group])
	for _, below := range nested[group] {
		members = append(members, v.membersOf(below, nested, seen)...)
	}
	return members
}

// names are those of a list with commas.
func names(list string) []string {
	var all []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// choose are the hosts that host_name and hostgroup_name stand for: * is all, !NAME is
// not that one.
func (v *inventory) choose(hosts, groups string) []string {
	var in []string
	out := map[string]bool{}
	for _, name := range names(hosts) {
		if not, excluded := strings.CutPrefix(name, "!"); excluded {
			out[strings.TrimSpace(not)] = true
		} else if name == "*" {
			in = append(in, v.order...)
		} else {
			in = append(in, name)
		}
	}
	for _, name := range names(groups) {
		if not, excluded := strings.CutPrefix(name, "!"); excluded {
			for _, h := range v.groups[strings.TrimSpace(not)] {
				out[h] = true
			}
		} else if name == "*" {
			for _, h := range v.order {
				if len(v.in[h]) > 0 {
					in = append(in, h)
				}
			}
		} else {
			in = append(in, v.groups[name]...)
		}
	}
	var chosen []string
	seen := map[string]bool{}
	for _, h := range in {
		if !out[h] && !seen[h] {
			seen[h] = true
			chosen = append(chosen, h)
		}
	}
	return chosen
}

// always says whether a period is all the time, or none is named.
func (v *inventory) always(period string) bool {
	o, ok := v.periods[period]
	if period == "" || !ok && strings.EqualFold(period, "24x7") {
		return true
	}
	if !ok {
		return false
	}
	for _, day := range []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		if strings.TrimSpace(o.get(day)) != "00:00-24:00" {
			return false
		}
	}
	return o.get("exclude") == ""
}
