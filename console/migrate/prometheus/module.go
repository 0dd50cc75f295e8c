package prometheus

import (
	"encoding/json"
	"fmt"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// module is one of blackbox_exporter's, as its file has it.
type module struct {
	name string
	all  map[string]any
}

func (r *reader) readModules(doc migrate.Document) {
	modules := doc.Fields().Object("modules")
	all, _ := doc.Value.(map[string]any)["modules"].(map[string]any)
	for _, name := range modules.Names() {
		if fields, ok := all[name].(map[string]any); ok {
			r.modules[name] = module{name, fields}
		}
	}
}

// builtin are the modules that blackbox_exporter's own configuration file has, for whoever
// gives no file. What it has of others is not known.
func builtin(name string) (module, bool) {
	text, ok := map[string]string{
		"http_2xx":      `{"prober":"http"}`,
		"http_post_2xx": `{"prober":"http","http":{"method":"POST"}}`,
		"tcp_connect":   `{"prober":"tcp"}`,
		"pop3s_banner":  `{"prober":"tcp","tcp":{"tls":true,"query_response":[{"expect":"^\\+OK"}]}}`,
		"ssh_banner":    `{"prober":"tcp","tcp":{"query_response":[{"expect":"^SSH-2.0-"},{"send":"SSH-2.0-blackbox-ssh-check"}]}}`,
		"irc_banner":    `{"prober":"tcp","tcp":{"query_response":[{"send":"NICK prober"},{"send":"USER prober prober prober :prober"},{"expect":"PING :([^ ]+)","send":"PONG ${1}"},{"expect":"^:[^ ]+ 001"}]}}`,
		"icmp":          `{"prober":"icmp"}`,
		"icmp_ttl5":     `{"prober":"icmp","icmp":{"ttl":5}}`,
		"grpc":          `{"prober":"grpc"}`,
		"grpc_plain":    `{"prober":"grpc"}`,
	}[name]
	if !ok {
		return module{}, false
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return module{}, false
	}
	return module{name, all}, true
}

// check is one that is being carried: a module and a target.
type check struct {
	module
	*reader
	target string
	m      migrate.Monitor
	o      migrate.Options
}

// offset is what blackbox_exporter keeps of the scrape's timeout, for the way back.
const offset = 500 * time.Millisecond

// schedule carries when it runs.
func (c *check) schedule(labels map[string]string) {
	for label, into := range map[string]*wire.Duration{"__scrape_interval__": &c.m.Every, "__scrape_timeout__": &c.m.Timeout} {
		if d, err := wire.ParseDuration(labels[label]); err == nil {
			*into = wire.Duration(d)
		}
	}
	if c.m.Timeout > wire.Duration(offset) {
		c.m.Timeout -= wire.Duration(offset)
	}
}

// shorter is the shorter of two lengths of time.
func shorter(a, b string) string {
	x, err1 := wire.ParseDuration(a)
	y, err2 := wire.ParseDuration(b)
	if err1 == nil && err2 == nil && y < x {
		return b
	}
	return a
}

// carry makes the monitor; an error says why it cannot.
func (c *check) carry(hostname string) error {
	f := migrate.NewFields(c.all)
	if d := f.Duration("timeout"); d > 0 && wire.Duration(d) < c.m.Timeout {
		c.m.Timeout = wire.Duration(d)
	}
	prober := f.Text("prober")
	var err error
	switch own := f.Object(prober); prober {
	case "http":
		err = c.http(own, hostname)
	case "tcp":
		err = c.tcp(own)
	case "icmp":
		c.icmp(own)
	case "dns":
		err = c.dns(own)
	case "grpc":
		err = fmt.Errorf("module %s: netmon has no gRPC probe", c.name)
	default:
		err = fmt.Errorf("module %s: netmon has no prober %q", c.name, prober)
	}
	if err != nil {
		return err
	}
	f.Skip("http", "tcp", "icmp", "dns", "grpc", "unix", "websocket") // those of another prober are of no effect
	for _, text := range f.Rest() {
		c.m.Lose("module %s: %s", c.name, text)
	}
	return c.m.Carry(c.o)
}

// network carries which addresses are measured, and from where.
func (c *check) network(f *migrate.Fields) {
	family := map[string]int{"ip4": 4, "ip6": 6}[f.Text("preferred_ip_protocol")]
	switch {
	case !f.Bool("ip_protocol_fallback", true) && family == 0:
		c.o.Set("family", 6) // which is preferred
	case !f.Bool("ip_protocol_fallback", true):
		c.o.Set("family", family)
	default: // it takes the other family only where a name has no address of the first
		c.found.Remark(migrate.Place{Path: c.in.Files[0].Path}, "blackbox_exporter measures one address of a name, of the preferred family; netmon tries its addresses until one works, and shows those that did not (family: 4 or 6 takes one family)")
	}
	if source := f.Text("source_ip_address"); source != "" {
		c.o.Set("source", source)
	}
}

func (c *check) icmp(f *migrate.Fields) {
	c.m.Kind, c.m.Target = "icmp", c.target
	c.o.Set("count", 1)
	c.network(f)
	if ttl := f.Number("ttl", 64); ttl != 64 && ttl != 0 {
		c.o.Set("ttl", ttl)
	}
	if size := f.Number("payload_size", 0); size >= 24 {
		c.o.Set("size", size)
	} else if size > 0 {
		c.m.Lose("module %s: payload_size: %d: netmon's least is 24", c.name, size)
	}
	if f.Bool("dont_fragment", false) {
		c.o.Set("df", true)
	}
}

// tls carries the options of TLS.
func (c *check) tls(f *migrate.Fields) {
	if f.Bool("insecure_skip_verify", false) {
		c.o.Set("tls.insecure", true)
	}
	for _, field := range []string{"ca", "cert", "key"} {
		if path := f.Text(field + "_file"); path != "" {
			c.o.Set("tls."+field, c.m.File(path))
		} else if f.Text(field) != "" {
			c.o.Set("tls."+field, c.m.Secret(map[string]string{"ca": "CA certificate", "cert": "certificate", "key": "key"}[field]))
		}
	}
	if name := f.Text("server_name"); name != "" {
		c.o.Set("tls.server_name", name)
	}
	versions := map[string]string{"TLS10": "1.0", "TLS11": "1.1", "TLS12": "1.2", "TLS13": "1.3"}
	if v := versions[f.Text("min_version")]; v != "" && v != "1.2" {
		c.o.Set("tls.min_version", v)
	}
	if v := f.Text("max_version"); v != "" && v != "TLS13" {
		c.m.Lose("module %s: tls_config.max_version: %s: netmon offers the newest", c.name, v)
	}
}
