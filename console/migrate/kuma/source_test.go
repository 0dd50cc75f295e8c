package kuma_test

import (
	"flag"
	"testing"

	"netmon/console/migrate/kuma"
	"netmon/console/migrate/migratetest"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	migratetest.Golden(t, kuma.Source(), *update, "backup", "backup.json")
	migratetest.Golden(t, kuma.Source(), *update, "metrics", "metrics.txt")
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, kuma.Source(), map[string]string{
		"{\"monitorList\": [\n1]}": "file:2: no backup of Uptime Kuma", "hello": "neither a backup", "monitor_status{x": "file:1: want labels",
	})
}

func FuzzSource(f *testing.F) { migratetest.Fuzz(f, kuma.Source()) }
