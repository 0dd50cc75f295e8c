package migrate

// Foreign is the name of the other tool that a document looks like a file of, "" where it
// looks like none. own are the names of netmon import's tool.
func (d Document) Foreign(own string) string {
	f := d.Fields()
	for _, t := range []struct{ tool, source, field string }{
		{"blackbox_exporter", "prometheus", "modules"},
		{"Prometheus", "prometheus", "scrape_configs"},
		{"Gatus", "gatus", "endpoints"},
		{"Uptime Kuma", "kuma", "monitorList"},
		{"Cloudprober", "cloudprober", "probe"},
	} {
		if t.source != own && f.Has(t.field) {
			return t.tool
		}
	}
	return ""
}
