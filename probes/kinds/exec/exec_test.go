package exec

import (
	"strings"
	"testing"

	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

func TestValidate(t *testing.T) {
	const good = "/usr/lib/nagios/plugins/check_disk"
	for _, c := range []struct{ name, target, options, want string }{
		{"all that there is", good, `{"args":["-w","10%","","-p","/a b"],"env":{"SNMP_PASS":"${env:NETMON_SECRET_X}"},"stdin":"a ${file:/x}","expect":{"status":"warning","perfdata":{"/ used":"@10:20"}},"within":"1s"}`, ""},
		{"a relative path", "check_disk", "", `target: want the absolute path of a program, such as /usr/lib/nagios/plugins/check_disk, got "check_disk"`},
		{"a command line", "check_disk -w 10%", "", `got "check_disk -w 10%"; arguments go into the option args, one by one`},
		{"a way up", "/usr/lib/nagios/plugins/../../../bin/sh", "", `target: want a path without . and ..`},
		{"two slashes", "/usr//check", "", `target: want a path without`},
		{"a folder", "/usr/lib/", "", `target: want a path without`},
		{"the root", "/", "", `target: want a path without`},
		{"a line end", "/bin/\nsh", "", `target: want a path without control characters, got "/bin/\nsh"`},
		{"a NUL in the path", "/bin/\x00sh", "", `target: want a path without control characters`},
		{"a path without end", "/" + strings.Repeat("x", maxTarget), "", `target: want at most 1024 bytes, got 1025`},
		{"a NUL in an argument", good, `{"args":["a","b\u0000c"]}`, `options.args[1]: want a text without NUL bytes, got "b\x00c"`},
		{"an argument without end", good, `{"args":["` + strings.Repeat("x", maxArg+1) + `"]}`, `options.args[0]: want at most 4096 bytes, got 4097`},
		{"too many arguments", good, `{"args":["` + strings.Repeat(`","`, 200) + `"]}`, `options.args: has 201 entries: want at most 200`},
		{"a secret in an argument", good, `{"args":["-p","${env:NETMON_SECRET_X}"]}`, `options.args[1]: must not name a secret, got "${env:NETMON_SECRET_X}": everybody on the host can read arguments; pass it in env or stdin`},
		{"a name of a variable", good, `{"env":{"A=B":"x"}}`, `options.env: want names of letters, digits and underscores, got "A=B"`},
		{"a function of bash", good, `{"env":{"BASH_FUNC_x%%":"() { :; }"}}`, `options.env: want names of letters, digits and underscores`},
		{"a NUL in a variable", good, `{"env":{"A":"x\u0000"}}`, `options.env.A: want a text without NUL`},
		{"a long stdin", good, `{"stdin":"` + strings.Repeat("x", maxStdin+1) + `"}`, `options.stdin: want at most 16384 bytes, got 16385`},
		{"a status", good, `{"expect":{"status":"critical"}}`, `options.expect.status: want ok or warning, got "critical"`},
		{"a range", good, `{"expect":{"perfdata":{"time":"20:10"}}}`, `options.expect.perfdata.time: want a range, such as 10, 10:20, 10:, ~:20 or @10:20, got "20:10": its beginning is over its end`},
		{"options of the network", good, `{"family":"4","source":"127.0.0.1","resolver":"127.0.0.1","addresses":"first","invert":true}`, "options.invert: is not for kind exec: leave it out"},
	} {
		_, err := Kinds().New(nil, "exec", c.target, []byte(c.options))
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// TestKind_NamesSecrets: a secret in the environment or on standard input makes it a
// monitor with secrets, whatever reads them, and the policy hears of both.
func TestKind_NamesSecrets(t *testing.T) {
	c := probetest.CheckOf(t, Kinds(), nil, "exec", "/bin/x", `{"env":{"B":"1","A":"${env:NETMON_SECRET_A}"},"stdin":"${file:/etc/x}"}`)
	f := c.Footprint()
	if got := strings.Join(f.Secrets, " "); got != "options.env.A options.stdin" {
		t.Errorf("secrets %q", got)
	}
	if p := f.Program; p.Path != "/bin/x" || strings.Join(p.Env, " ") != "A B" || !p.Secrets {
		t.Errorf("%+v", p)
	}
	plain := Kinds().PlainSecrets(wire.Monitor{Kind: "exec", Target: "/bin/x", Options: []byte(`{"args":["-H","a","--password=hunter2"],"env":{"MYSQL_PASSWORD":"hunter2"}}`)})
	if got := strings.Join(plain, " "); got != "options.args[2] options.env.MYSQL_PASSWORD" {
		t.Errorf("secrets written out: %q", got)
	}
}

func TestReady_AsksTheOwner(t *testing.T) {
	k, _ := Kinds().Find("exec")
	if err := k.Ready(&probes.Env{}); err != nil {
		t.Error(err)
	}
	no := &probes.Env{Program: func(p probes.Program) (string, error) {
		if p.Path != "" {
			t.Errorf("asked about %q", p.Path)
		}
		return "", probes.Broken(wire.BrokenPolicy, "none")
	}}
	if err := k.Ready(no); err == nil {
		t.Error("ready without a program that may run")
	}
}
