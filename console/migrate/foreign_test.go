package migrate_test

import (
	"strings"
	"testing"

	"netmon/console/migrate"
	"netmon/console/migrate/cloudprober"
	"netmon/console/migrate/gatus"
	"netmon/console/migrate/kuma"
	"netmon/console/migrate/prometheus"
)

// TestForeign: another tool's file beside a good one is told of, or refused.
func TestForeign(t *testing.T) {
	const modules, endpoints = "modules: {m: {prober: http}}", `endpoints: [{name: a, url: "https://example.com/"}]`
	for _, c := range []struct {
		source     migrate.Source
		text, want string
	}{
		{gatus.Source(), modules, "file.yaml: it looks like a file of blackbox_exporter: nothing of it is imported"},
		{cloudprober.Source(), endpoints, "file.yaml: it looks like a file of Gatus: nothing of it is imported"},
		{prometheus.Source(), endpoints, "file.yaml: it looks like a file of Gatus"},
		{prometheus.Source(), "a: b", "it has neither scrape_configs nor modules"},
		{kuma.Source(), `{"endpoints": []}`, "file.yaml: it has no monitorList: it is no backup of Uptime Kuma, and nothing of it is imported"},
	} {
		found, err := c.source.Read(&migrate.Input{Files: []migrate.File{{Path: "file.yaml", Data: []byte(c.text)}}})
		got := ""
		switch {
		case err != nil:
			got = err.Error()
		case len(found.Remarks) > 0:
			got = found.Remarks[0].String()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s of %q: got %q, want %q", c.source.Name, c.text, got, c.want)
		}
	}
}
