package netmon_test

import (
	"go/build"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers says who may import whom of us. A new arrow is a design decision: it
// needs a reason in docs/adr.
var layers = map[string][]string{
	"wire":                        nil,
	"probes":                      {"wire", "probes/engine", "probes/internal/figures", "probes/internal/words"},
	"probes/engine":               {"probes/internal/figures", "probes/internal/words"},
	"probes/tlsconf":              {"wire", "probes", "probes/engine", "probes/internal/figures", "probes/internal/words"},
	"probes/kinds":                {"probes"}, // and each of its folders
	"probes/kinds/dns":            ofKinds("probes/tlsconf", "probes/internal/h2"),
	"probes/kinds/http":           ofKinds("probes/tlsconf", "probes/internal/h2"),
	"probes/kinds/ntp":            ofKinds("internal/hostclock", "internal/ntppacket"),
	"probes/kinds/tcp":            ofKinds("probes/tlsconf"),
	"probes/kinds/tls":            ofKinds("probes/tlsconf"),
	"probes/kinds/udp":            ofKinds("internal/ntppacket"),
	"probes/internal/figures":     {"internal/plural"},
	"probes/internal/words":       nil,
	"probes/internal/h2":          {"wire", "probes"},
	"examples/receiver":           nil,
	"examples/ownkind":            {"wire", "agent", "broker", "probes", "probes/kinds"},
	"agent":                       {"wire", "internal/atomicfile", "identity", "internal/filelock", "probes", "agent/policy", "agent/spool", "internal/auditlog", "internal/retry"},
	"agent/policy":                {"wire", "internal/reach", "internal/safeyaml", "probes", "internal/private"},
	"agent/policyfile":            {"probes", "agent/policy", "internal/exit", "internal/private", "internal/safeyaml", "internal/userdirs"},
	"agent/spool":                 nil,
	"broker":                      {"wire", "internal/atomicfile", "broker/access", "internal/filelock", "internal/retry"},
	"broker/access":               {"wire", "internal/atomicfile", "identity", "internal/auditlog", "internal/farewell", "internal/filelock", "internal/private", "internal/retry"},
	"broker/backup":               {"wire", "internal/atomicfile", "broker", "broker/access", "identity"},
	"notify":                      {"wire", "internal/lease", "internal/private", "internal/retry", "internal/tail", "notify/policy", "notify/shoutrrr"},
	"notify/shoutrrr":             nil,
	"notify/policy":               {"wire", "internal/reach", "internal/safeyaml"},
	"notify/policyfile":           {"internal/exit", "internal/private", "internal/safeyaml", "internal/userdirs", "notify/policy"},
	"identity":                    {"wire", "internal/atomicfile", "internal/private"},
	"judge":                       {"wire", "internal/plural"},
	"incident":                    {"wire"},
	"judge/replay":                {"wire", "judge"},
	"history":                     {"wire"},
	"history/store":               {"wire", "history", "internal/cputime"},
	"history/feed":                {"wire", "incident", "history", "history/store", "identity", "internal/cputime", "internal/filelock", "internal/retry", "internal/tail"},
	"controller":                  {"wire", "history", "incident", "judge", "internal/command", "internal/retry", "internal/tail", "identity", "internal/historyask", "internal/lease", "internal/plural"},
	"console":                     {"wire", "history", "console/view", "incident", "judge", "judge/replay", "identity", "internal/command", "internal/farewell", "internal/historyask", "internal/retry", "internal/tail", "internal/plural", "internal/timetext"},
	"console/graph":               {"console", "internal/timetext"},
	"console/monitorfile":         {"wire", "console", "console/output", "internal/formschema", "internal/safeyaml", "internal/timetext"},
	"console/migrate":             {"wire", "console", "console/monitorfile", "internal/plural", "internal/safeyaml"},
	"console/folder":              {"console", "console/monitorfile"},
	"console/migrate/prometheus":  {"wire", "console/migrate", "internal/plural"},
	"console/migrate/gatus":       {"wire", "console/migrate"},
	"console/migrate/migratetest": {"console", "console/migrate", "console/monitorfile", "probes/kinds"},
	"console/migrate/kuma":        {"wire", "console/migrate"},

	"console/migrate/smokeping":     {"wire", "console/migrate", "internal/safeyaml"},
	"console/migrate/cloudprober":   {"wire", "console/migrate", "internal/safeyaml"},
	"console/migrate/nagios":        {"console/migrate", "console/migrate/nagios/icinga", "console/migrate/nagios/plugin", "internal/safeyaml"},
	"console/migrate/nagios/icinga": {"console/migrate", "console/migrate/nagios/plugin", "internal/safeyaml"},
	"console/migrate/nagios/plugin": {"wire", "console/migrate"},

	"console/output":     {"wire", "judge", "judge/replay", "console", "console/graph", "internal/plural", "internal/timetext"},
	"console/draft":      {"wire", "probes", "console", "console/flow", "console/shellwords"},
	"console/shellwords": nil,
	"console/flow":       {"wire", "console/shellwords"},
	"console/prompt":     {"wire", "judge", "console", "console/flow", "console/view", "console/shellwords", "internal/timetext"},
	"console/view":       {"wire", "judge"},
	"console/screen":     {"wire", "judge", "console", "console/graph", "console/view", "internal/plural", "internal/timetext"},
	"web":                {"wire", "judge", "probes", "console", "console/draft", "console/flow", "console/monitorfile", "console/shellwords", "console/view", "internal/httpserve", "internal/plural", "internal/safeyaml", "internal/timetext"},
	"status":             {"wire", "judge", "history", "incident", "console", "console/view", "internal/httpserve", "internal/plural"},
	"export":             {"wire", "judge", "history", "probes", "console", "console/view", "internal/httpserve", "internal/plural"},
	"export/push":        {"wire", "export", "history", "probes", "internal/atomicfile", "internal/filelock", "internal/plural", "internal/private", "internal/retry", "internal/tail"},
	"cmd/netmon": {"wire", "web", "status", "export", "export/push", "internal/atomicfile", "judge", "probes", "probes/kinds", "agent/policy", "agent/policyfile", "broker", "broker/access", "broker/backup", "identity", "console", "console/draft", "console/flow", "console/migrate", "console/migrate/cloudprober", "console/migrate/gatus", "console/migrate/kuma", "console/migrate/nagios", "console/migrate/prometheus", "console/migrate/smokeping", "console/monitorfile", "console/output",
		"console/prompt", "console/screen", "console/view", "console/shellwords", "internal/cmdline", "internal/doctor", "internal/endpoint", "internal/exit", "internal/formschema", "internal/host", "internal/membership", "internal/plural", "internal/private", "internal/retry", "internal/safeyaml", "internal/timetext", "internal/userdirs", "notify", "notify/policy", "notify/policyfile", "notify/shoutrrr", "internal/manpage", "console/folder", "console/migrate/cloudprober", "console/migrate/nagios", "console/migrate/smokeping"},
	// What cmd/netmon wires, without its flags (docs/adr/0035).
	"internal/cmdline":     {"wire", "console", "internal/endpoint", "internal/plural"},
	"internal/doctor":      {"wire", "agent/policyfile", "broker", "broker/access", "console", "identity", "incident", "internal/endpoint", "internal/hostclock", "internal/membership", "internal/private", "internal/userdirs", "probes", "internal/plural", "internal/timetext"},
	"internal/endpoint":    {"wire", "broker/access", "console", "console/output", "console/shellwords", "identity", "internal/atomicfile", "internal/exit", "internal/filelock", "internal/private", "internal/safeyaml", "internal/timetext", "internal/userdirs"},
	"internal/exit":        nil,
	"internal/manpage":     {"internal/cmdline"},
	"internal/formschema":  nil,
	"internal/timetext":    {"wire"},
	"internal/host":        {"wire", "probes", "agent", "agent/policy", "agent/spool", "broker", "broker/access", "console", "console/shellwords", "controller", "history", "history/feed", "history/store", "identity", "internal/endpoint", "internal/exit", "internal/membership", "internal/memory", "internal/private", "internal/userdirs", "notify", "notify/policy", "console/folder", "console/monitorfile", "internal/safeyaml"},
	"internal/membership":  {"wire", "identity", "internal/endpoint", "internal/exit", "internal/private", "internal/retry", "internal/userdirs"},
	"internal/userdirs":    {"internal/exit"},
	"e2e":                  nil,
	"packaging/grafana":    nil,
	"packaging/release":    nil,
	"lab/accuracy":         {"probes", "probes/kinds"},
	"lab/bench":            {"wire", "history", "history/feed", "history/store", "probes/kinds", "agent", "internal/ledger", "internal/tail", "broker/access", "identity"},
	"lab/fault":            nil,
	"lab/netmon-targets":   {"internal/targets"},
	"internal/command":     {"wire", "identity"},
	"internal/auditlog":    {"wire"},
	"internal/historyask":  {"wire"},
	"internal/hostclock":   nil,
	"internal/httpserve":   nil,
	"internal/cputime":     nil,
	"internal/ntppacket":   nil,
	"internal/probetest":   {"wire", "probes", "internal/freeport", "internal/need", "internal/targets"},
	"internal/freeport":    nil,
	"internal/farewell":    {"wire", "internal/retry"},
	"internal/atomicfile":  nil,
	"internal/filelock":    nil,
	"internal/badlink":     nil,
	"internal/browsertest": {"internal/need", "internal/race"},
	"internal/need":        nil,
	"internal/lease":       {"wire", "internal/retry"},
	"internal/memory":      nil,
	"internal/plural":      nil,
	"internal/private":     nil,
	"internal/reach":       {"wire"},
	"internal/safeyaml":    {"wire"},
	"internal/retry":       nil,
	"internal/tail":        {"internal/retry"},
	"internal/ledger":      {"wire", "internal/tail"},
	"internal/targets":     nil,
	"internal/testcert":    nil,
	"internal/testlog":     nil,
	"internal/race":        nil,
	"internal/typecheck":   nil,
	"internal/natstest":    {"broker", "broker/access", "identity", "internal/freeport", "wire"},
}

// ofKinds are the imports of a kind: no kind imports another. One that needs more
// stands in the table.
func ofKinds(more ...string) []string {
	return append([]string{"wire", "probes", "probes/engine", "probes/internal/figures", "probes/internal/words"}, more...)
}

// stdlibOnly are packages that use nothing but the standard library.
var stdlibOnly = []string{"wire", "incident", "judge", "judge/replay", "history", "agent/spool", "internal/need", "internal/freeport", "internal/testcert", "internal/testlog"}

func TestLayers(t *testing.T) {
	for _, dir := range packages(t) {
		allowed, listed := layers[dir]
		if !listed && path.Dir(dir) == "probes/kinds" {
			allowed, listed = ofKinds(), true // as most kinds have it
		}
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
		for _, imported := range pkg.Imports {
			of, ours := strings.CutPrefix(imported, "netmon/")
			if dir == "probes/kinds" && path.Dir(of) == dir {
				continue
			}
			switch {
			case ours && !slices.Contains(allowed, of):
				t.Errorf("%s imports %s: may import %v", dir, of, allowed)
			case !ours && slices.Contains(stdlibOnly, dir) && strings.Contains(strings.Split(imported, "/")[0], "."):
				t.Errorf("%s imports %s: may import the standard library only", dir, imported)
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
