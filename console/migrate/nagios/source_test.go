package nagios_test

import (
	"bytes"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"netmon/console/migrate"
	"netmon/console/migrate/migratetest"
	"netmon/console/migrate/nagios"
)

var update = flag.Bool("update", false, "rewrite testdata")

func TestSource(t *testing.T) {
	for range 5 { // each time the same
		migratetest.Golden(t, nagios.Source(), *update, "nagios", "nagios.cfg")
	}
	found := migratetest.Golden(t, nagios.Source(), *update, "nagios", "nagios.cfg")
	if found.Checks() != 24 {
		t.Errorf("%d checks, want 24", found.Checks())
	}
}

func TestSource_Icinga(t *testing.T) {
	migratetest.Golden(t, nagios.Source(), *update, "icinga", "conf.d/commands.conf", "conf.d/hosts.conf", "conf.d/services.conf")
}

func TestSource_Mistakes(t *testing.T) {
	migratetest.Mistakes(t, nagios.Source(), map[string]string{
		"define host {\n host_name a\n":            "file:1: define host { has no }",
		"define host {\n}\nhello\n":                "file:3: want define TYPE {",
		"define host {\n use a\n host_name b\n}\n": `file:1: use: there is no template "a" for a host`,
		"define host {\n use a\n name a\n}\n":      `template "a" uses itself`,
		"cfg_file=/nowhere/x.cfg\n":                `file:1: cfg_file: "/nowhere/x.cfg" is not there`,
		"interval_length=no\ncfg_dir=x\n":          `interval_length: want seconds, got "no"`,
		"cfg_dir=/\n":                              `file:1: cfg_dir: "/" is every file there is`,
		"define host {\n host_name h\n notes " + strings.Repeat("a\\\n", 3<<20) + "}\n": "file:3: the line is over 1048576 bytes",
		"what is this\n": "file:1: is none of nagios.cfg",
		"object Host \"a\" {\n  address = \"b\n}":                   `file:2: a text has no " at its end`,
		"object Host \"a\" {\n":                                     "a { has no }",
		"object Host \"a\" {\n  x = " + strings.Repeat("[", 10_000): "file:2: it is nested too deep",
	})
}

// TestSource_Loops: what refers to itself ends, with a reason.
func TestSource_Loops(t *testing.T) {
	for _, c := range []struct{ text, why string }{
		{"template Host \"a\" {\n import \"a\"\n}\nobject Host \"h\" {\n import \"a\"\n check_command = \"ping\"\n}", "imports itself"},
		{"object Host \"h\" {\n check_command = \"tcp\"\n address = \"a\"\n vars.tcp_port = \"$tcp_port$\"\n}", "refers to itself"},
		{"object Host \"h\" {\n check_command = \"ping\"\n vars.a = [1]\n" + strings.Repeat(" vars.a += vars.a\n", 60) + "}", "over 100000 parts"},
		{"object Host \"h\" {\n check_command = \"ping\"\n address = \"a\"\n" + strings.Repeat(" vars.a = vars\n vars.b = vars\n", 60) + "}", "over 100000 parts"},
		{"define command {\n command_name c\n command_line /a $ARG1$\n}\ndefine host {\n host_name h\n check_command c!$ARG1$\n}", ""},
	} {
		found := migratetest.Read(t, nagios.Source(), c.text)
		if c.why != "" && (len(found.Left) != 1 || !strings.Contains(found.Left[0].Why, c.why)) {
			t.Errorf("%.80q: left out %v, want %q", c.text, found.Left, c.why)
		}
	}
}

// TestSource_Paused: a check that is switched off is paused, one that waits for others is left
// out.
func TestSource_Paused(t *testing.T) {
	const classic = "define command {\n command_name c\n command_line /p/check_tcp -H $HOSTADDRESS$ -p 1\n}\ndefine host {\n host_name h\n check_command c\n active_checks_enabled 0\n"
	const two = "object Host \"h\" {\n check_command = \"COMMAND\"\n vars.tcp_port = 1\n enable_active_checks = false\n}\n"
	for text, want := range map[string]bool{
		classic + "}\n": true, classic + " check_freshness 1\n}\n": false,
		strings.Replace(two, "COMMAND", "tcp", 1): true, strings.Replace(two, "COMMAND", "passive", 1): false,
	} {
		found := migratetest.Read(t, nagios.Source(), text)
		if got := len(found.Monitors) == 1 && found.Monitors[0].Paused; got != want || found.Checks() != 1 {
			t.Errorf("%s: paused is %v, want %v", text, got, want)
		}
	}
}

// TestSource_Secrets: what is, or looks like, a secret is in nothing that an import prints.
func TestSource_Secrets(t *testing.T) {
	var b, two strings.Builder
	b.WriteString("define host {\n host_name h\n address 192.0.2.1\n _SNMP_PASSWORD S3CRET\n}\n")
	two.WriteString("object Host \"h\" {\n address = \"192.0.2.1\"\n vars.my_password = \"S3CRET\"\n}\n")
	for n, words := range [][]string{
		{"check_mysql", "-u", "root", "-pS3CRET"},
		{"check_x", "-o", "$_HOSTSNMP_PASSWORD$", "$_HOSTNO$"},
		{"check_http", "-H", "a.example", "-a", "joe:S3CRET"},
		{"check_http", "-H", "a.example", "-M", "1h", "-a", "joe:S3CRET"},
		{"check_http", "-H", "a.example", "-k", "Cookie: S3CRET"},
		{"check_http", "-H", "a.example", "-M", "1h", "-k", "X-Vault-Token: S3CRET"},
		{"check_http", "-H", "a.example", "-P", "password=S3CRET"},
		{"check_http", "-H", "a.example", "-u", "/?token=S3CRET"},
		{"check_tcp", "-H", "a.example", "-p", "6379", "-s", "AUTH S3CRET", "-e", "OK"},
		{"check_snmp", "-H", "a.example", "-C", "S3CRET", "-o", "1"},
		{"sh", "-c", "curl -u a:S3CRET http://a.example/"},
	} {
		fmt.Fprintf(&b, "define command {\n command_name c%d\n command_line /p/'%s'\n}\ndefine service {\n host_name h\n service_description s%d\n check_command c%d\n}\n", n, strings.Join(words, "' '"), n, n)
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, strconv.Quote(strings.NewReplacer("$_HOSTSNMP_PASSWORD$", "$my_password$", "$_HOSTNO$", "").Replace(w)))
		}
		fmt.Fprintf(&two, "object CheckCommand \"c%d\" {\n command = [ \"/p/\" + %s ]\n}\nobject Service \"s%d\" {\n host_name = \"h\"\n check_command = \"c%d\"\n}\n", n, strings.Join(quoted, ", "), n, n)
	}
	two.WriteString("object Host \"m\" {\n check_command = \"m\"\n vars.m_password = \"S3CRET\"\n}\nobject CheckCommand \"m\" {\n command = [ \"/p/check_m\" ]\n arguments = { \"-z\" = \"$m_password$\" }\n}\n")
	for _, text := range []string{b.String(), two.String()} {
		in := &migrate.Input{Files: []migrate.File{{Path: "file", Data: []byte(text)}}}
		found := migratetest.Read(t, nagios.Source(), text)
		var out bytes.Buffer
		if err := migrate.Write(&out, nagios.Source(), in, found); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(fmt.Sprint(out.String(), found.Left, found.Remarks), "\n") {
			if strings.Contains(line, migratetest.Secret) {
				t.Errorf("shown: %s", line)
			}
		}
		if found.Checks() < 11 {
			t.Errorf("%d checks", found.Checks())
		}
	}
}

func FuzzSource(f *testing.F) {
	migratetest.Fuzz(f, nagios.Source(), "define command{\ncommand_name c\ncommand_line /p/check_http -H $HOSTADDRESS$ $ARG1$\n}\ndefine host{\nhost_name h\ncheck_command c!-u /x -e 200\n}\n",
		"object Host \"h\" {\n check_command = \"http\"\n address = \"a\"\n vars.x.y[\"z\"] += { a = 1 }\n}\napply Service \"x\" for (a => b in host.vars.x) {\n check_command = \"ssh\"\n assign where a in [1] || !b\n}")
}

// TestSource_Cycles: what depends on itself in a circle, or on more than netmon takes, is
// carried without.
func TestSource_Cycles(t *testing.T) {
	var b strings.Builder
	b.WriteString("define command {\n command_name c\n command_line /p/check_tcp -H $HOSTADDRESS$ -p 1\n}\n")
	for n := range 40 {
		fmt.Fprintf(&b, "define host {\n host_name h%d\n check_command c\n hostgroups all\n parents h%d\n}\n", n, (n+1)%40)
	}
	b.WriteString("define hostdependency {\n hostgroup_name all\n dependent_hostgroup_name all\n}\n")
	if found := migratetest.Read(t, nagios.Source(), b.String()); len(found.Monitors) != 40 || found.Complete() {
		t.Errorf("imported %s, want 40 checks, not in full", found.Summary())
	}
}
