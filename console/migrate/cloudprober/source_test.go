package cloudprober_test

import (
	"flag"
	"testing"

	"netmon/console/migrate/cloudprober"
	"netmon/console/migrate/migratetest"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	migratetest.Golden(t, cloudprober.Source(), *update, "cloudprober", "cloudprober.cfg", "cloudprober.yaml")
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, cloudprober.Source(), map[string]string{
		"probe {\n name: \"a\"\n":                "file:2: a message has no '}' at its end",
		"probe {\n name: \"a\n}":                 `file:2: a text has no " at its end`,
		"probe {\n name \"a\" }":                 "file:2: want : or {",
		"{{ range . }}\nprobe { name: \"a\" }":   "cloudprober --dumpconfig",
		"include \"nowhere.cfg\"\n":              `file:1: include: "nowhere.cfg" is not there`,
		"probe { name: \"a\" targets { [a.b } }": "[ has no ]",
	})
}

func FuzzSource(f *testing.F) {
	migratetest.Fuzz(f, cloudprober.Source(), `probe { name: "a" type: HTTP targets { host_names: "a" } http_probe { port: 1e9 } }`,
		`probe { name: "\x41\101" type: PING targets: < endpoint: [{name: 'a' ip: "::1"}, {name: 'b'}] > }`)
}
