package probetest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"netmon/wire"
)

var Update = flag.Bool("update", false, "rewrite README.md and golden files")

// Golden compares a result with testdata/KIND.golden.json. What differs from
// run to run is made the same before: times, local ports, digests, and what
// steady says, which has expressions and what takes their place.
func Golden(t *testing.T, r wire.Result, steady map[string]string) {
	t.Helper()
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Error(err)
	}
	replace := func(list map[string]string) {
		for pattern, with := range list {
			data = regexp.MustCompile(pattern).ReplaceAll(data, []byte(with))
		}
	}
	replace(map[string]string{
		`((_|")ns": )-?\d+`:      "${1}1",
		`"20\d\d-[^"]*Z"`:        `"2026-01-02T03:04:05Z"`,
		`127\.0\.0\.1:\d+`:       "127.0.0.1:1",
		`(sha256": ")[0-9a-f]+"`: `${1}00"`,
	})
	replace(steady)
	file := filepath.Join("testdata", r.Kind+".golden.json")
	if *Update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
			t.Error(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(data)+"\n" != string(want) {
		t.Errorf("%s differs (%v): run go test ./probes/kinds/... -run Golden -update and read the diff:\n%s", file, err, data)
	}
}
