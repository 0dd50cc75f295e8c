package gatus_test

import (
	"flag"
	"testing"

	"netmon/console/migrate/gatus"
	"netmon/console/migrate/migratetest"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	migratetest.Golden(t, gatus.Source(), *update, "gatus", "config.yaml", "pushed.yaml")
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, gatus.Source(), map[string]string{
		"endpoints: [": "file:1", "a: *b": "file:1",
	})
}

func FuzzSource(f *testing.F) { migratetest.Fuzz(f, gatus.Source()) }
