package cloudprober

import (
	"fmt"
	"maps"
	"net"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

func ping(c *check, own *migrate.Fields) error {
	c.Kind, c.Target = "icmp", c.host()
	count := own.Number("packets_per_probe", 2)
	gap := own.Number("packets_interval_msec", 25)
	if count > 1 {
		c.options.Set("count", count)
		c.options.Set("interval", wire.Duration(time.Duration(max(gap, 1))*time.Millisecond).String())
	}
	if size := own.Number("payload_size", 56); size != 56 {
		c.options.Set("size", max(size, 24))
	}
	if own.Bool("disable_fragmentation", false) {
		c.options.Set("df", true)
	}
	own.Skip("use_datagram_socket", "resolve_targets_interval", "disable_integrity_check")
	return nil
}

// address is HOST:PORT of the target.
func (c *check) address(port, fallback int) (string, error) {
	if port == 0 {
		port = c.port
	}
	if port == 0 && c.url != nil {
		port, _ = strconv.Atoi(c.url.Port())
	}
	if port == 0 {
		port = fallback
	}
	if port == 0 {
		return "", fmt.Errorf("it names no port")
	}
	return net.JoinHostPort(c.host(), strconv.Itoa(port)), nil
}

func tcp(c *check, own *migrate.Fields) (err error) {
	c.Kind = "tcp"
	if c.Target, err = c.address(own.Number("port", 0), 0); err != nil {
		return err
	}
	own.Skip("resolve_first", "interval_between_targets_msec")
	if own.Bool("tls_handshake", false) {
		c.options.Set("security", "tls")
		c.tls(own.Object("tls_config"))
	}
	c.validators("", false)
	return nil
}

// udp asks cloudprober's own server for an echo.
func udp(c *check, own *migrate.Fields) (err error) {
	c.Kind = "udp"
	if c.Target, err = c.address(own.Number("port", 0), 31122); err != nil {
		return err
	}
	payload := "netmon"
	if size := own.Number("payload_size", 0); size > len(payload) && size < 1400 {
		payload += strings.Repeat(".", size-len(payload))
	}
	c.options.Set("payload", payload)
	c.options.Set("expect.regex", "^"+regexp.QuoteMeta(payload))
	c.Note("it needs a server there that sends back what it gets, such as cloudprober's own")
	own.Skip("num_tx_ports", "max_length", "export_metrics_by_port", "use_all_tx_ports_per_probe", "max_targets")
	c.validators("", false)
	return nil
}

func dns(c *check, own *migrate.Fields) error {
	c.Kind = "dns"
	name := own.Text("resolved_domain")
	if name == "" {
		name = "www.google.com."
	}
	name, ok := c.fillText(name)
	if !ok {
		return fmt.Errorf("resolved_domain %s is filled in while it runs", name)
	}
	server := c.host()
	if c.port != 0 && c.port != 53 {
		server = net.JoinHostPort(server, strconv.Itoa(c.port))
	}
	c.Target = name + "@" + server
	kind := own.Text("query_type")
	if kind == "" {
		kind = "MX"
	}
	if kind != "A" {
		c.options.Set("type", kind)
	}
	if class := own.Text("query_class"); class != "" && class != "IN" {
		c.options.Set("class", class)
	}
	if !own.Bool("recursion_desired", true) {
		c.options.Set("recursion", false)
	}
	switch own.Text("dns_proto") {
	case "TCP":
		c.options.Set("transport", "tcp")
	case "TCP_TLS":
		c.options.Set("transport", "tls")
	}
	if least := own.Number("min_answers", 0); least > 0 {
		c.options.Set("expect.answer_count", strconv.Itoa(least)+"-")
	} else {
		c.options.Set("expect.found", false)
	}
	own.Skip("resolve_first", "requests_interval_msec")
	c.several(own)
	c.validators("expect.answer", false)
	return nil
}

// several notes of a probe that makes several requests at once that the monitor makes one.
func (c *check) several(own *migrate.Fields) {
	if n := own.Number("requests_per_probe", 1); n > 1 {
		c.Note("%d requests each time: netmon makes one; a shorter every makes up for it", n)
	}
}

func (c *check) fillText(text string) (string, bool) { return c.endpoint.fill(text, c.probe) }

// tls carries tls_config.
func (c *check) tls(f *migrate.Fields) {
	for _, t := range []struct{ field, option string }{{"ca_cert_file", "tls.ca"}, {"tls_cert_file", "tls.cert"}, {"tls_key_file", "tls.key"}} {
		if file := f.Text(t.field); file != "" {
			c.options.Set(t.option, c.File(file))
		}
	}
	if f.Bool("disable_cert_validation", false) {
		c.options.Set("tls.insecure", true)
	}
	if name := f.Text("server_name"); name != "" {
		c.options.Set("tls.server_name", name)
	}
	if v, ok := strings.CutPrefix(f.Text("min_tls_version"), "TLS_"); ok && v != "AUTO" {
		c.options.Set("tls.min_version", strings.ReplaceAll(v, "_", "."))
	}
	f.Skip("reload_interval_sec")
}

// validators carries what an answer must be: all of them count there. regex is the option for
// its text, "" where the kind has none; web says whether the kind is one of HTTP.
func (c *check) validators(regex string, web bool) {
	for _, v := range c.Objects("validator") {
		v.Skip("name")
		if re := v.Text("regex"); re != "" {
			switch was := c.options.Get(regex); {
			case regex == "":
				c.Lose("validator regex: the kind %s has none", c.Kind)
			case was != nil && was != re:
				c.Lose("validator regex %s: netmon has one: %s", re, was)
			default:
				c.options.Set(regex, re)
			}
		}
		if d := v.Object("dns_validator"); d.Bool("authoritative", false) {
			c.options.Set("expect.flags", []string{"aa"})
		}
		if h := v.Object("http_validator"); h != nil && web {
			c.httpValidator(h)
		}
	}
}

// external runs a program for each target.
func external(c *check, own *migrate.Fields) error {
	if mode := own.Text("mode"); mode != "" && mode != "ONCE" {
		return fmt.Errorf("its program serves one request after the other (mode %s): kind exec starts one for each run", mode)
	}
	line, ok := c.fillText(own.Text("command"))
	words := strings.Fields(line)
	switch {
	case !ok:
		return fmt.Errorf("its command is filled in while it runs")
	case len(words) == 0 || !path.IsAbs(words[0]):
		return fmt.Errorf("kind exec wants a program by its whole path, and this is %q", line)
	case strings.ContainsAny(line, "\"'\\"):
		return fmt.Errorf("its command has quotes: write the monitor by hand")
	}
	if arg := migrate.SecretArgument(words[1:]); arg != "" {
		return fmt.Errorf("its command has a secret at %s, and whoever reads monitors sees arguments: have the program read it from its environment", arg)
	}
	c.Kind, c.Target = "exec", path.Clean(words[0])
	if len(words) > 1 {
		c.options.Set("args", words[1:])
	}
	env := pairs(own, "env_var")
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		if migrate.SecretField(name) {
			value = c.Secret(name)
		}
		c.options.SetIn("env", name, value)
	}
	if own.Bool("output_as_metrics", true) {
		c.Note("of what it prints, kind exec reads performance data of plugins, and no metrics of cloudprober")
	}
	own.Skip("options", "disable_streaming_output_metrics", "raw_stderr_output", "output_metrics_options")
	c.Note("each agent needs %s, and exec: {folders: [%s]} in its policy", c.Target, path.Dir(c.Target))
	c.validators("", false)
	return nil
}
