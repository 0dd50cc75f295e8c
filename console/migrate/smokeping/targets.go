package smokeping

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// importer makes monitors of the sections that have a host.
type importer struct {
	root  *section
	found *migrate.Found
	names migrate.Names
}

func (i *importer) run() {
	if s := i.root.child("Alerts"); s != nil {
		i.found.NoNotices(migrate.Place{Path: s.at.Path}, "alerts")
	}
	if s := i.root.child("Targets"); s != nil {
		i.walk(s, nil)
	}
}

func (i *importer) walk(s *section, path []string) {
	if host := s.vars["host"]; host != "" {
		i.host(s, host, path)
	}
	for _, c := range s.sub {
		i.walk(c, append(path[:len(path):len(path)], c.name))
	}
}

func (i *importer) host(s *section, host string, path []string) {
	name := strings.Join(path, "/")
	switch {
	case strings.HasPrefix(host, "/"):
		i.found.Remark(migrate.Place{Path: s.at.Path}, "graphs of several hosts, such as %s, measure nothing themselves: netmon's page shows any monitors together", name)
		return
	case host == "DYNAMIC" || strings.Contains(host, "~"):
		i.found.Leave(s.at, name, "its address is announced by itself (DYNAMIC): give it a name in DNS, or run an agent there")
		return
	}
	t := &target{section: s, host: host, options: migrate.Options{}}
	t.At = s.at
	t.Name = i.names.Of(name)
	t.Tag("group", strings.Join(path[:max(len(path)-1, 0)], "/"))
	t.Tag("menu", s.vars["menu"])
	probe, _ := s.value("probe")
	what := fmt.Sprintf("%s (%s)", name, probe)
	kind, err := t.find(i.root.child("Probes"), probe)
	if err == nil {
		err = t.measure(kind)
	}
	if err == nil {
		err = t.Carry(t.options)
	}
	if err != nil {
		i.found.Leave(s.at, what, "%s", err)
		return
	}
	t.about()
	i.found.Monitors = append(i.found.Monitors, t.Monitor)
}

// target is a host that becomes a monitor.
type target struct {
	migrate.Monitor
	section *section
	probe   *section // its section in Probes; nil where that is not in the files
	host    string
	options migrate.Options
	step    time.Duration
	pings   int
}

// find is the module of a probe: + FPing, or ++ FPingLarge below it.
func (t *target) find(probes *section, name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("it has no probe")
	}
	kind := name
	if probes != nil {
		for _, module := range probes.sub {
			if module.name == name {
				t.probe = module
			}
			if instance := module.child(name); instance != nil {
				t.probe, kind = instance, module.name
			}
		}
	}
	step, err := t.number("step", 300, 1, 86400)
	if err != nil {
		return "", err
	}
	pings, err := t.number("pings", 20, 1, 1000)
	t.step, t.pings = time.Duration(step*float64(time.Second)), int(pings)
	return kind, err
}

// get is a variable of the target, else of its probe, else of Database.
func (t *target) get(name string) string {
	if v, ok := t.section.value(name); ok {
		return v
	}
	if v, ok := t.probe.value(name); ok {
		return v
	}
	root := t.section
	for root.up != nil {
		root = root.up
	}
	if d := root.child("Database"); d != nil && (name == "step" || name == "pings") {
		return d.vars[name]
	}
	return ""
}

// is says whether a variable is on.
func (t *target) is(name string) bool {
	switch strings.ToLower(t.get(name)) {
	case "", "no", "0", "false":
		return false
	}
	return true
}

func (t *target) number(name string, fallback, least, most float64) (float64, error) {
	text := t.get(name)
	if text == "" {
		return fallback, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= least && v <= most) {
		return 0, fmt.Errorf("%s %q is no number of %g to %g", name, text, least, most)
	}
	return v, nil
}

// oneByOne spreads the requests of a step over it: netmon's kind makes one in a run.
func (t *target) oneByOne(timeout time.Duration) {
	every := max(t.step/time.Duration(t.pings), time.Second)
	t.Every = wire.Duration(every)
	t.Timeout = wire.Duration(min(timeout, every))
	if t.pings > 1 {
		t.Note("%d requests each %v: one each %v, and the loss is that of runs", t.pings, wire.Duration(t.step), t.Every)
	}
}

// about says what else the target had.
func (t *target) about() {
	if alerts, _ := t.section.value("alerts"); alerts != "" {
		t.Lose("alerts %s: patterns of loss and time over several rounds; a monitor is down by verdict.down, and slow by options.within", alerts)
	}
	if slaves, _ := t.section.value("slaves"); slaves != "" {
		text := "agents on those hosts measure it"
		if master, _ := t.section.value("nomasterpoll"); master == "yes" {
			text += ", and no others"
		}
		t.Note("slaves %s: %s: agents: [%s]", slaves, text, strings.Join(strings.Fields(slaves), ", "))
	}
}
