package prometheus

import (
	"errors"
	"net"
	"strings"

	"netmon/console/migrate"
)

// dns carries a question. There the target is the server, and the module has the name.
func (c *check) dns(f *migrate.Fields) error {
	name := strings.TrimSuffix(f.Text("query_name"), ".")
	if name == "" {
		return errors.New("module " + c.name + ": it has no query_name")
	}
	server := c.target
	if _, _, err := net.SplitHostPort(server); err != nil && strings.Count(server, ":") > 1 {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "53")
	}
	c.m.Kind, c.m.Target = "dns", name+"@"+server
	c.network(f)
	kind := f.Text("query_type")
	if kind == "" {
		kind = "ANY"
	}
	if kind != "A" {
		c.o.Set("type", kind)
	}
	if class := f.Text("query_class"); class != "" && class != "IN" {
		c.o.Set("class", class)
	}
	if !f.Bool("recursion_desired", true) {
		c.o.Set("recursion", false)
	}
	transport := f.Text("transport_protocol")
	if f.Bool("dns_over_tls", false) {
		transport = "tls"
		c.tls(f.Object("tls_config"))
	}
	if transport != "" && transport != "udp" {
		c.o.Set("transport", transport)
	}
	f.Skip("tls_config")
	if codes := f.Texts("valid_rcodes"); len(codes) > 0 {
		c.o.Set("expect.rcode", codes)
	}
	c.o.Set("expect.found", false) // an answer without records is none that fails
	c.records(f, "validate_answer_rrs")
	c.records(f, "validate_authority_rrs")
	c.records(f, "validate_additional_rrs")
	return nil
}

// records carry what the records are to be like: netmon wants one record of the answer that
// matches one expression.
func (c *check) records(f *migrate.Fields, field string) {
	v := f.Object(field)
	for _, name := range v.Names() {
		list := v.Texts(name)
		if len(list) == 0 {
			continue
		}
		all := name == "fail_if_not_matches_regexp"
		if field == "validate_answer_rrs" && (all || name == "fail_if_none_matches_regexp") {
			expect, _ := c.o["expect"].(map[string]any)
			if expect["answer"] == nil && (len(list) == 1 || !all) {
				re := strings.Join(list, "|")
				c.o.Set("expect.answer", strings.NewReplacer("\t", `\s+`, `\t`, `\s+`).Replace(re))
				if all {
					c.m.Lose("module %s: %s.%s: of several records netmon wants one that matches, not all", c.name, field, name)
				}
				continue
			}
		}
		c.m.Lose("module %s: %s.%s: netmon wants one record of the answer that matches, and has nothing like it", c.name, field, name)
	}
}
