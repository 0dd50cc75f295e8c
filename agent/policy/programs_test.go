//go:build unix

package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

func TestExec_Mistakes(t *testing.T) {
	for text, want := range map[string]string{
		`{"exec":{"folders":["plugins"]}}`:                             `exec.folders[0]: want a folder as an absolute path without . and .., such as /usr/lib/nagios/plugins, got "plugins"`,
		`{"exec":{"folders":["/a/../b"]}}`:                             `exec.folders[0]: want a folder`,
		`{"exec":{"folders":["/"]}}`:                                   `exec.folders[0]: want a folder`,
		`{"exec":{"folders":["/a"],"programs":["b/check"]}}`:           `exec.programs[0]: want the name of a program in one of the folders, such as check_*, got "b/check"`,
		`{"exec":{"folders":["/a"],"programs":["["]}}`:                 `exec.programs[0]: want the name`,
		`{"exec":{"folders":["/a"],"env":["*"]}}`:                      `exec.env[0]: "*" lets monitors set PATH, by which they could have code of their own run`,
		`{"exec":{"folders":["/a"],"env":["SNMP_*","L*_PRELOAD"]}}`:    `exec.env[1]: "L*_PRELOAD" lets monitors set LD_PRELOAD`,
		`{"exec":{"folders":["/a"],"env":["PERL5OPT"]}}`:               `exec.env[0]: "PERL5OPT" lets monitors set PERL5OPT`,
		`{"exec":{"folders":["/a"],"max_running":1025}}`:               `exec.max_running: want 1 to 1024, got 1025`,
		`{"exec":{"programs":["check_disk"]}}`:                         `exec.folders: is missing, so that no program runs`,
		`{"exec":{"folders":["a"],"max_running":-1,"programs":["/"]}}`: `exec.max_running: want 1 to 1024, got -1`,
	} {
		f := Default()
		if err := wire.DecodeStrict([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if _, err := New(f, kinds.All(), "file"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestLoaderOf: no pattern lets monitors set a variable that loads code, not even by its
// beginning alone; those of the usual plugins are free.
func TestLoaderOf(t *testing.T) {
	for pattern, want := range map[string]string{
		"PATH": "PATH", "HOME": "HOME", "BASH_ENV": "BASH_ENV", "ENV": "ENV", "IFS": "IFS", "CLASSPATH": "CLASSPATH", "SASL_PATH": "SASL_PATH",
		"LD_PRELOAD": "LD_PRELOAD", "LD_DEBUG_OUTPUT": "LD_DEBUG_OUTPUT", "DYLD_FRAMEWORK_PATH": "DYLD_FRAMEWORK_PATH", "GIO_MODULE_DIR": "GIO_MODULE_DIR",
		"LUA_INIT": "LUA_INIT", "LUA_INIT_5_4": "LUA_INIT_5_4", "LUA_CPATH": "LUA_CPATH", "PERL5LIB": "PERL5LIB", "PYTHONWARNINGS": "PYTHONWARNINGS", "RUBYOPT": "RUBYOPT",
		"_JAVA_OPTIONS": "_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS": "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS": "JDK_JAVA_OPTIONS", "NODE_OPTIONS": "NODE_OPTIONS",
		"LIBMYSQL_PLUGINS": "LIBMYSQL_PLUGINS", "KRB5_CONFIG": "KRB5_CONFIG", "OPENSSL_ENGINES": "OPENSSL_ENGINES", "SSLKEYLOGFILE": "SSLKEYLOGFILE",
		"ODBCSYSINI": "ODBCSYSINI", "ODBCINI": "ODBCINI", "GIT_SSH_COMMAND": "GIT_SSH_COMMAND",

		"L*": "LD_PRELOAD", "LD_B*": "LD_*", "?D_BIND_NOW": "LD_*", "[A-L]D_X": "LD_*", `L\D_X`: "LD_*", "*_ENGINES": "BASH_FUNC_*", "PY*": "PYTHON*", "P*ONPATH": "PERL*",
		"RUB?LIB": "RUBY*", "*INI": "BASH_FUNC_*", "ODB*": "ODBC*", "HOM?": "HOME", "[^A-Z]JAVA_OPTIONS": "_JAVA_OPTIONS",

		"SNMP_*": "", "SNMP_COMMUNITY": "", "PGPASSWORD": "", "MYSQL_PWD": "", "LD": "", "LDAP_URI": "", "PER": "", "APP_?D_X": "", "NO_PROXY": "", "HTTP*_PROXY": "", "TZ": "",
	} {
		if got := loaderOf(pattern); got != want {
			t.Errorf("%s: %q, want %q", pattern, got, want)
		}
	}
}

// TestCheck_Programs: what a command shows is refused with it, and says what to write where.
func TestCheck_Programs(t *testing.T) {
	const plugins = `"folders":["/usr/lib/nagios/plugins"]`
	for _, c := range []struct {
		name, policy, target, options string
		says                          []string // nil: it is allowed
	}{
		{"by default", `{}`, "/usr/lib/nagios/plugins/check_disk", `{}`, []string{"target: ", "this agent runs no programs", "write exec: {folders: [/usr/lib/nagios/plugins]} into /etc/netmon/policy.yaml on the agent's host"}},
		{"listed", `{"exec":{` + plugins + `}}`, "/usr/lib/nagios/plugins/check_disk", `{"args":["-w","10%"]}`, nil},
		{"below", `{"exec":{` + plugins + `}}`, "/usr/lib/nagios/plugins/own/check_disk", `{}`, nil},
		{"another folder", `{"exec":{` + plugins + `}}`, "/bin/sh", `{}`, []string{"target: ", "exec.folders does not have its folder", "add /bin to that list"}},
		{"beside", `{"exec":{` + plugins + `}}`, "/usr/lib/nagios/plugins2/check_disk", `{}`, []string{"exec.folders does not have its folder"}},
		{"the folder itself", `{"exec":{` + plugins + `}}`, "/usr/lib/nagios/plugins", `{}`, []string{"exec.folders does not have its folder"}},
		{"a name", `{"exec":{` + plugins + `,"programs":["check_[dl]*"]}}`, "/usr/lib/nagios/plugins/check_load", `{}`, nil},
		{"another name", `{"exec":{` + plugins + `,"programs":["check_[dl]*"]}}`, "/usr/lib/nagios/plugins/check_by_ssh", `{}`, []string{`exec.programs does not have "check_by_ssh"`}},
		{"no program", `{"exec":{` + plugins + `,"programs":[]}}`, "/usr/lib/nagios/plugins/check_load", `{}`, []string{`exec.programs does not have`}},
		{"variables", `{"exec":{` + plugins + `,"env":["SNMP_*"]}}`, "/usr/lib/nagios/plugins/check_snmp", `{"env":{"SNMP_VERSION":"2"}}`, nil},
		{"another variable", `{"exec":{` + plugins + `,"env":["SNMP_*"]}}`, "/usr/lib/nagios/plugins/check_snmp", `{"env":{"SNMP_VERSION":"2","LD_PRELOAD":"/tmp/x.so"}}`, []string{"options.env.LD_PRELOAD: ", `exec.env does not have "LD_PRELOAD"`}},
		{"a secret", `{"exec":{` + plugins + `,"env":["SNMP_*"]}}`, "/usr/lib/nagios/plugins/check_snmp", `{"env":{"SNMP_C":"${env:NETMON_SECRET_X}"}}`, []string{"options: ", "exec.secrets is off", "write secrets: true below exec in /etc/netmon/policy.yaml"}},
		{"a secret on standard input", `{"exec":{` + plugins + `}}`, "/usr/lib/nagios/plugins/check_snmp", `{"stdin":"${env:NETMON_SECRET_X}"}`, []string{"exec.secrets is off"}},
		{"a secret that may be", `{"exec":{` + plugins + `,"secrets":true}}`, "/usr/lib/nagios/plugins/check_snmp", `{"stdin":"${env:NETMON_SECRET_X}"}`, nil},
		{"all at once", `{"exec":{` + plugins + `}}`, "/bin/sh", `{"env":{"A":"${env:NETMON_SECRET_X}"}}`, []string{"exec.folders", "exec.env", "exec.secrets"}},
	} {
		p := read(t, c.policy)
		p.At("/etc/netmon/policy.yaml")
		m, f := monitor(t, "exec", c.target, "10s", c.options)
		err := p.Check(m, f)
		if (err == nil) != (c.says == nil) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", c.name, err, want)
			}
		}
		for _, e := range wire.FieldErrors(err) {
			if got := wire.Invalid(e); got[0].Code != wire.CodePolicy || len(got[0].Message) > wire.MaxReason {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}

// TestProgram_LooksAtTheFile: before each run, the file that would run is in the folder, and
// nobody but root and this user can put another in its place.
func TestProgram_LooksAtTheFile(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	plugins, outside := filepath.Join(base, "plugins"), filepath.Join(base, "outside")
	write := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(plugins, name)); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(plugins, "check_a"), 0o755)
	write(filepath.Join(plugins, "check_group"), 0o775)
	write(filepath.Join(plugins, "check_all"), 0o757)
	write(filepath.Join(plugins, "open", "check_b"), 0o755)
	write(filepath.Join(outside, "check_c"), 0o755)
	if err := os.Chmod(filepath.Join(plugins, "open"), 0o777); err != nil { // #nosec G302 -- what is to be refused
		t.Fatal(err)
	}
	link("check_a", "check_link")
	link(filepath.Join(outside, "check_c"), "check_out")
	link("../outside", "dir_out")
	link("check_loop", "check_loop")
	link(filepath.Join(outside, "none"), "check_dangling")
	if err := os.Symlink(plugins, filepath.Join(base, "alias")); err != nil {
		t.Fatal(err)
	}
	p := read(t, fmt.Sprintf(`{"exec":{"folders":[%q,%q]}}`, plugins, filepath.Join(base, "alias")))
	for name, want := range map[string]string{
		"plugins/check_a":         "plugins/check_a",
		"plugins/check_link":      "plugins/check_a",
		"alias/check_a":           "plugins/check_a",
		"plugins/check_none":      "check_none: no such file or directory: install it on the agent's host",
		"plugins/check_dangling":  "check_dangling: no such file or directory",
		"plugins/check_group":     "its group may write it",
		"plugins/check_all":       "everybody may write it",
		"plugins/open/check_b":    "everybody may write it",
		"plugins/check_out":       "the program is a link that leads out of these folders",
		"plugins/dir_out/check_c": "the program is a link that leads out of these folders",
		"plugins/check_loop":      "too many links",
		"plugins/open":            "not a regular file",
		"outside/check_c":         "exec.folders does not have its folder",
	} {
		got, err := p.Program(probes.Program{Path: filepath.Join(base, name)})
		if err != nil {
			got = err.Error()
		} else {
			got = strings.TrimPrefix(got, base+"/")
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if err := os.Chmod(base, 0o777); err != nil { // #nosec G302 -- what is to be refused
		t.Fatal(err)
	}
	if _, err := p.Program(probes.Program{Path: filepath.Join(plugins, "check_a")}); err == nil {
		t.Error("allowed below a folder that everybody may write")
	}
}

// TestFits_Programs: a program's targets are not known, so that no target's rate counts it.
func TestFits_Programs(t *testing.T) {
	p := read(t, `{"max_target_rate":1,"max_rate":100,"exec":{"folders":["/a"]}}`)
	var tally Tally
	for i := range 20 {
		m, f := monitor(t, "exec", "/a/check", "1s", `{}`)
		l := LoadOf(m, f)
		if err := p.Fits(&tally, l); err != nil {
			t.Fatalf("the %dth: %v", i+1, err)
		}
		tally.Add(l)
	}
	m, f := monitor(t, "exec", "/a/check", "10ms", `{}`)
	if err := p.Fits(&tally, LoadOf(m, f)); err == nil || !strings.Contains(err.Error(), "max_rate") {
		t.Errorf("beyond max_rate: %v", err)
	}
}
