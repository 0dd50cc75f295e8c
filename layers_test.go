package netmon_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers says who may import whom of us. A new arrow is a design decision: it
// needs a reason in docs/adr.
var layers = map[string][]string{
	"wire":                nil,
	"probes":              {"wire"},
	"agent":               {"wire", "internal/atomicfile", "identity", "internal/filelock", "probes", "agent/policy", "agent/spool", "internal/auditlog", "internal/retry"},
	"agent/policy":        {"wire", "internal/reach", "internal/safeyaml", "probes"},
	"agent/policyfile":    {"agent/policy", "internal/exit", "internal/private", "internal/safeyaml", "internal/userdirs"},
	"agent/spool":         nil,
	"broker":              {"wire", "internal/atomicfile", "broker/access", "internal/filelock", "internal/retry"},
	"broker/access":       {"wire", "internal/atomicfile", "identity", "internal/auditlog", "internal/farewell", "internal/filelock", "internal/private", "internal/retry"},
	"broker/backup":       {"wire", "internal/atomicfile", "broker", "broker/access", "identity"},
	"notify":              {"wire", "internal/lease", "internal/private", "internal/retry", "internal/tail", "notify/policy", "notify/shoutrrr"},
	"notify/shoutrrr":     nil,
	"notify/policy":       {"wire", "internal/reach", "internal/safeyaml"},
	"notify/policyfile":   {"internal/exit", "internal/private", "internal/safeyaml", "internal/userdirs", "notify/policy"},
	"identity":            {"wire", "internal/atomicfile", "internal/private"},
	"judge":               {"wire"},
	"incident":            {"wire"},
	"judge/replay":        {"wire", "judge"},
	"controller":          {"wire", "incident", "judge", "internal/command", "internal/retry", "internal/tail", "identity", "internal/lease"},
	"console":             {"wire", "console/view", "incident", "judge", "judge/replay", "identity", "internal/command", "internal/farewell", "internal/retry", "internal/tail"},
	"console/monitorfile": {"wire", "console", "console/output", "internal/safeyaml"},
	"console/output":      {"wire", "judge", "judge/replay", "console"},
	"console/draft":       {"wire", "probes", "console", "console/flow", "console/words"},
	"console/words":       nil,
	"console/flow":        {"wire", "console/words"},
	"console/prompt":      {"wire", "judge", "console", "console/flow", "console/view", "console/words"},
	"console/view":        {"wire", "judge"},
	"console/screen":      {"wire", "judge", "console", "console/view"},
	"cmd/netmon": {"wire", "internal/atomicfile", "judge", "probes", "agent/policy", "agent/policyfile", "broker", "broker/access", "broker/backup", "identity", "console", "console/draft", "console/flow", "console/monitorfile", "console/output",
		"console/prompt", "console/screen", "console/view", "console/words", "internal/cmdline", "internal/doctor", "internal/endpoint", "internal/exit", "internal/host", "internal/membership", "internal/private", "internal/retry", "internal/safeyaml", "internal/userdirs", "notify", "notify/policyfile", "notify/shoutrrr"},
	// What cmd/netmon wires, without its flags (docs/adr/0035).
	"internal/cmdline":    {"wire", "console", "internal/endpoint"},
	"internal/doctor":     {"wire", "agent/policyfile", "broker", "broker/access", "console", "identity", "incident", "internal/endpoint", "internal/membership", "internal/private", "internal/userdirs", "probes"},
	"internal/endpoint":   {"wire", "broker/access", "console", "console/output", "console/words", "identity", "internal/atomicfile", "internal/exit", "internal/filelock", "internal/private", "internal/safeyaml", "internal/userdirs"},
	"internal/exit":       nil,
	"internal/host":       {"wire", "agent", "agent/policy", "agent/spool", "broker", "broker/access", "console", "console/words", "controller", "identity", "internal/endpoint", "internal/exit", "internal/membership", "internal/memory", "internal/private", "internal/userdirs", "notify", "notify/policy"},
	"internal/membership": {"wire", "identity", "internal/endpoint", "internal/exit", "internal/private", "internal/retry", "internal/userdirs"},
	"internal/userdirs":   {"internal/exit"},
	"e2e":                 nil,
	"lab/accuracy":        {"probes"},
	"lab/bench":           {"wire", "agent", "internal/ledger", "internal/tail", "broker/access", "identity"},
	"lab/fault":           nil,
	"lab/netmon-targets":  {"lab/targets"},
	"lab/targets":         nil,
	"internal/command":    {"wire", "identity"},
	"internal/auditlog":   {"wire"},
	"internal/farewell":   {"wire", "internal/retry"},
	"internal/atomicfile": nil,
	"internal/filelock":   nil,
	"internal/badlink":    nil,
	"internal/need":       nil,
	"internal/lease":      {"wire", "internal/retry"},
	"internal/memory":     nil,
	"internal/private":    nil,
	"internal/reach":      {"wire"},
	"internal/safeyaml":   {"wire"},
	"internal/retry":      nil,
	"internal/tail":       {"internal/retry"},
	"internal/ledger":     {"wire", "internal/tail"},
	"internal/testlog":    nil,
	"internal/race":       nil,
	"internal/natstest":   {"broker", "broker/access", "identity", "wire"},
}

// stdlibOnly are packages that use nothing but the standard library.
var stdlibOnly = []string{"wire", "incident", "judge", "judge/replay", "agent/spool", "internal/need", "internal/testlog"}

func TestLayers(t *testing.T) {
	for _, dir := range packages(t) {
		allowed, listed := layers[dir]
		if !listed {
			t.Errorf("package %s is not in the table", dir)
			continue
		}
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			if _, none := err.(*build.NoGoError); none {
				continue
			}
			t.Fatal(err)
		}
		for _, path := range pkg.Imports {
			of, ours := strings.CutPrefix(path, "netmon/")
			switch {
			case ours && !slices.Contains(allowed, of):
				t.Errorf("%s imports %s: may import %v", dir, of, allowed)
			case !ours && slices.Contains(stdlibOnly, dir) && strings.Contains(strings.Split(path, "/")[0], "."):
				t.Errorf("%s imports %s: may import the standard library only", dir, path)
			}
		}
	}
}

// packages lists the folders with Go files of this module.
func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".") || path == filepath.Join("internal", "natscli") || path == filepath.Join("internal", "gosec")):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go") && filepath.Dir(path) != ".":
			if dir := filepath.ToSlash(filepath.Dir(path)); !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func TestNoInit(t *testing.T) {
	for _, dir := range packages(t) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if data := readFile(t, f); strings.Contains(data, "\nfunc init() {") {
				t.Errorf("%s has an init function: registration belongs in a list", f)
			}
		}
	}
}
