package cloudprober

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// importer makes monitors of probes: one for each target.
type importer struct {
	in     *migrate.Input
	found  *migrate.Found
	names  migrate.Names
	shared map[string]*migrate.Fields
}

// maxChecks bounds what targets multiply to.
const maxChecks = 100_000

func (i *importer) probe(p probe) {
	f := p.fields()
	name, kind := f.Text("name"), strings.ToUpper(f.Text("type"))
	what := fmt.Sprintf("%s (%s)", name, kind)
	targets, err := i.targets(f.Object("targets"), p.at.Path, 0)
	if err == nil && kinds()[kind] == nil {
		err = fmt.Errorf("netmon has no kind for %s", kind)
	}
	if err != nil {
		i.found.Leave(p.at, what, "%s", err)
		return
	}
	for _, t := range targets {
		if i.found.Checks() >= maxChecks {
			i.found.Leave(p.at, what, "an import takes %d checks at most", maxChecks)
			return
		}
		c := &check{Fields: p.fields(), endpoint: t, options: migrate.Options{}, probe: name}
		c.At = p.at
		full := name
		if len(targets) > 1 && t.name != "" {
			full += "-" + t.name
		}
		c.Name = i.names.Of(full)
		c.Tag("probe", name)
		if err := c.fill(kinds()[kind]); err != nil {
			i.found.Leave(p.at, strings.TrimSpace(what+" "+t.name), "%s", err)
			continue
		}
		if c.Has("alert") {
			i.found.NoNotices(migrate.Place{Path: p.at.Path}, "alerts")
		}
		i.found.Monitors = append(i.found.Monitors, c.Monitor)
	}
}

// kind fills a monitor by the fields that its type of probe has.
type kind func(c *check, own *migrate.Fields) error

func kinds() map[string]kind {
	return map[string]kind{
		"PING": ping, "HTTP": http, "DNS": dns, "TCP": tcp, "UDP": udp, "EXTERNAL": external,
	}
}

// check is one target of a probe that becomes a monitor.
type check struct {
	migrate.Monitor
	*migrate.Fields
	endpoint
	options migrate.Options
	probe   string
	virtual string // HOST or HOST:PORT that is asked for at the target's address; "": that of the URL
}

// milliseconds reads a duration, or its older form with _msec.
func (c *check) milliseconds(name string, fallback time.Duration) time.Duration {
	if d := c.Duration(name); d > 0 {
		c.Skip(name + "_msec")
		return d
	}
	if ms := c.Number(name+"_msec", 0); ms > 0 {
		return time.Duration(min(ms, 1e9)) * time.Millisecond
	}
	return fallback
}

func (c *check) fill(k kind) error {
	lower := strings.ToLower(c.Text("type"))
	c.Skip("name", "latency_distribution", "latency_unit", "latency_metric_name", "stats_export_interval_msec",
		"targets_update_sec", "startup_delay_msec", "debug_options", "alert", "proto_type")
	c.Every = wire.Duration(c.milliseconds("interval", 2*time.Second))
	c.Timeout = wire.Duration(c.milliseconds("timeout", time.Second))
	switch c.Text("ip_version") {
	case "IPV4":
		c.options.Set("family", "4")
	case "IPV6":
		c.options.Set("family", "6")
	}
	for _, name := range []string{"source_ip", "source_interface"} {
		if v := c.Text(name); v != "" {
			c.options.Set("source", v)
		}
	}
	if err := k(c, c.Object(lower+"_probe")); err != nil {
		return err
	}
	if c.Bool("negative_test", false) {
		c.options.Set("invert", true)
	}
	c.resolver()
	c.labels()
	for n := range c.Objects("schedule") {
		c.Lose("schedule[%d]: netmon measures at all hours; a silence that comes back mutes the others (docs/alerts.md)", n)
	}
	c.Skip("schedule")
	if on := c.Text("run_on"); on != "" {
		c.Note("run_on %s: agents says where a monitor runs", on)
	}
	seen := map[string]bool{}
	for _, text := range c.Rest() {
		if !strings.HasPrefix(text, "schedule[") && !seen[text] {
			seen[text] = true
			c.Lose("%s", text)
		}
	}
	return c.Carry(c.options)
}

// resolver carries the DNS server that names of targets are asked of.
func (c *check) resolver() {
	t := c.Object("targets")
	t.Skip("host_names", "shared_targets", "endpoint", "regex", "exclude_lameducks", "dummy_targets", "file_targets")
	server := t.Text("dns_server")
	if o := t.Object("dns_options"); o != nil {
		o.Skip("ttl_sec", "max_cache_age_sec", "backend_timeout_msec")
		server = o.Text("server")
	}
	scheme, host, ok := strings.Cut(server, "://")
	switch {
	case server == "":
	case ok && scheme != "udp":
		c.Lose("dns server %s: netmon looks names up over UDP and TCP", server)
	case ok:
		c.options.Set("resolver", host)
	default:
		c.options.Set("resolver", server)
	}
}

// labels become tags: those of the target, and additional ones that the file tells.
func (c *check) labels() {
	for _, name := range slices.Sorted(maps.Keys(c.endpoint.labels)) {
		if !strings.HasPrefix(name, "__cp_") {
			c.Tag(name, c.endpoint.labels[name])
		}
	}
	for _, l := range c.Objects("additional_label") {
		key, value := l.Text("key"), l.Text("value")
		if text, ok := c.endpoint.fill(value, c.probe); ok {
			c.Tag(key, text)
		} else {
			c.Lose("additional_label %s: its value is filled in while cloudprober runs", key)
		}
	}
}
