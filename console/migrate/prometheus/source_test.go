package prometheus_test

import (
	"flag"
	"testing"

	"netmon/console/migrate/migratetest"
	"netmon/console/migrate/prometheus"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	migratetest.Golden(t, prometheus.Source(), *update, "prometheus", "prometheus.yml", "blackbox.yml")
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, prometheus.Source(), map[string]string{
		"modules: {}": "no targets", "a: b": "file:1: it has neither scrape_configs nor modules", "scrape_configs: [": "file:1",
	})
}

func FuzzSource(f *testing.F) { migratetest.Fuzz(f, prometheus.Source()) }
