package icinga

import (
	"maps"
	"slices"
	"strings"

	"netmon/console/migrate/nagios/plugin"
)

// checkCommand is one of Icinga's library whose plugin netmon has a kind for: how its
// variables, as the chapter "Icinga Template Library" of Icinga's documentation names them,
// become options of the plugin.
type checkCommand struct {
	plugin   string            // the program, and words that always follow
	prefix   string            // what its variables begin with: http_
	values   map[string]string // the variable of an option: "-p" is port
	switches map[string]string // of one without a value, which is there when the variable is true
	attached map[string]string // of an option with its value attached, where its switch is on
	forms    map[string]string // an option made of several variables: "-w" is "$ping_wrta$,$ping_wpl$%"
	defaults map[string]string // of variables
	order    map[string]float64
	ignored  []string // variables that change nothing that is measured
}

// library are those CheckCommands. All others are read from the library itself, where
// somebody gives it.
func library() map[string]checkCommand {
	all := map[string]checkCommand{
		"http":     httpCommand(),
		"curl":     curlCommand(),
		"udp":      udpCommand(),
		"ssl":      sslCommand(),
		"dns":      dnsCommand(),
		"dig":      digCommand(),
		"ntp_time": ntpCommand(),
		"ssh":      sshCommand(),
		"smtp":     smtpCommand(),
		"icmp":     icmpCommand(),
	}
	for _, name := range []string{"tcp", "ftp"} {
		all[name] = streamCommand(name, "certificate", "wtime", "ctime")
		// -E counts for what comes behind it
		maps.Copy(all[name].switches, map[string]string{"-E": "escape_send", "-E quit": "escape_quit"})
		maps.Copy(all[name].order, map[string]float64{"-E": 1, "-s": 2, "-E quit": 3, "-q": 4})
	}
	for _, name := range []string{"imap", "simap", "pop", "spop", "ssmtp"} {
		all[name] = streamCommand(name, "certificate_age", "warning", "critical")
		all[name].switches["-E"] = "escape"
		all[name].order["-E"] = -1
	}
	for end, address := range map[string]string{"": "$check_address$", "4": "$address$", "6": "$address6$"} {
		family := ""
		if end != "" {
			family = " -" + end
		}
		all["ping"+end] = pingCommand(family, address, 100, 5, 200, 15)
		all["hostalive"+end] = pingCommand(family, address, 3000, 80, 5000, 100)
		all["fping"+end] = fpingCommand(family, address)
	}
	return all
}

// own says whether the definition is that of the library's own file, which works some options
// out by functions: where this import knows the command, it needs none.
func own(e *entry) bool { return strings.HasSuffix(e.node.at.Path, "command-plugins.conf") }

// object is the CheckCommand as files define one.
func (c checkCommand) object() *dict {
	command, args, vars := newDict(), newDict(), newDict()
	words := strings.Fields(c.plugin)
	line := []any{plugin.Folder + "/" + words[0]}
	for _, w := range words[1:] {
		line = append(line, w)
	}
	// what is before a blank is the option: the last one of several counts
	add := func(key, what, value string) *dict {
		spec := newDict()
		option, _, _ := strings.Cut(key, " ")
		spec.set("key", option)
		spec.set(what, value)
		spec.set("order", c.order[key])
		args.set(key, spec)
		return spec
	}
	for key, name := range c.switches {
		add(key, "set_if", "$"+c.prefix+name+"$")
	}
	for key, name := range c.values {
		add(key, "value", "$"+c.prefix+name+"$").set("required", name == "address")
	}
	for key, form := range c.forms {
		add(key, "value", form)
	}
	for key, name := range c.attached {
		spec := add(key+" attached", "value", "$"+c.prefix+name+"$")
		spec.set("set_if", "$"+c.prefix+c.switches[key]+"$")
		spec.set("separator", "")
	}
	add("--extra-opts", "value", "$"+c.prefix+"extra_opts$")
	vars.set(c.prefix+"address", "$check_address$")
	for name, value := range c.defaults {
		vars.set(c.prefix+name, value)
	}
	command.set("command", line)
	command.set("arguments", args)
	command.set("vars", vars)
	return command
}

// unknown are the variables that an object sets for the command and this import does not
// know. A dictionary is a list of checks, such as http_vhosts, and none of the command's.
func (c checkCommand) unknown(vars *dict) []string {
	known := map[string]bool{"address": true, "extra_opts": true}
	for _, name := range c.ignored {
		known[name] = true
	}
	for _, names := range []map[string]string{c.values, c.switches, c.attached} {
		for _, name := range names {
			known[name] = true
		}
	}
	for _, form := range c.forms {
		for _, m := range reference.FindAllStringSubmatch(form, -1) {
			known[strings.TrimPrefix(m[1], c.prefix)] = true
		}
	}
	var all []string
	if vars == nil {
		return nil
	}
	for _, name := range vars.keys {
		rest, ok := strings.CutPrefix(name, c.prefix)
		if _, many := vars.of[name].(*dict); ok && !known[rest] && !many && vars.of[name] != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}
