package http

import "netmon/probes"

// modules are what blackbox_exporter's own configuration calls measurements of HTTP. There,
// a name of a host is the Host header and the name in TLS.
func modules(kind string) []probes.Module {
	named := []string{"host", "tls.server_name"}
	return []probes.Module{
		{Name: kind, Hostname: named},
		{Name: "http_2xx", Options: `{"expect":{"status":"200-299"}}`, Hostname: named},
		{Name: "http_post_2xx", Options: `{"method":"POST","expect":{"status":"200-299"}}`, Hostname: named},
	}
}
