package icinga

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"netmon/console/migrate"
	"netmon/wire"
)

// imported is what the text of a file becomes.
func imported(t *testing.T, path, text string) *migrate.Found {
	t.Helper()
	found := &migrate.Found{}
	if err := Read(&migrate.Input{}, []migrate.File{{Path: path, Data: []byte(text)}}, found, migrate.Names{}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestLibrary_Options: no variable becomes an option that the reader of the plugin's command
// line does not have.
func TestLibrary_Options(t *testing.T) {
	for name, c := range library() {
		var variables []string
		for _, m := range []map[string]string{c.values, c.switches, c.attached} {
			variables = slices.AppendSeq(variables, maps.Values(m))
		}
		for _, v := range variables {
			value := "1"
			if v == "onredirect" {
				value = "ok"
			}
			found := imported(t, "f", "object Host \"h\" {\n address = \"192.0.2.1\"\n address6 = \"2001:db8::1\"\n check_command = \""+name+"\"\n vars."+c.prefix+v+" = \""+value+"\"\n}\n")
			if len(found.Left) > 0 || len(found.Monitors) != 1 {
				if !strings.Contains(found.Left[0].Why, "secret") && !strings.Contains(found.Left[0].Why, "password") {
					t.Errorf("%s with %s%s: left out: %v", name, c.prefix, v, found.Left)
				}
				continue
			}
			if m := found.Monitors[0]; strings.Contains(strings.Join(m.Notes, "\n"), "not known to this import") || len(m.Lost) > 0 && strings.Contains(m.Lost[0], "this import knows") {
				t.Errorf("%s with %s%s: %v %v", name, c.prefix, v, m.Notes, m.Lost)
			}
		}
	}
}

// TestLibrary: the documented variables and their defaults, in monitors.
func TestLibrary(t *testing.T) {
	for _, c := range []struct{ command, vars, target, options string }{
		{"http", "http_port = 8080; vars.http_uri = \"/x\"", "http://192.0.2.1:8080/x", `{"redirects":-1}`},
		{"curl", "curl_tls = true; vars.curl_tls_version = \"1.2+\"; vars.curl_verify_peer_cert = true", "https://192.0.2.1/", `{"redirects":-1,"tls":{"min_version":"1.2"}}`},
		{"curl", "curl_tls_version = \"1.2+\"", "http://192.0.2.1/", `{"redirects":-1}`},
		{"curl", "curl_tls = true; vars.curl_verify_peer_cert = true; vars.curl_certificate_valid_days_min_warning = 30; vars.curl_certificate_valid_days_min_critical = 7", "192.0.2.1:443", `{"expect":{"days_left":7}}`},
		{"tcp", "tcp_port = 9000; vars.tcp_send = \"a\\\\n\"; vars.tcp_expect = [ \"b\", \"c\" ]; vars.tcp_quit = \"d\\\\n\"; vars.tcp_escape_quit = true", "192.0.2.1:9000", `{"quit":"d\n","steps":[{"expect":"b|c","send":"a\\n"}]}`},
		{"ssl", "ssl_cert_valid_days_warn = 30", "192.0.2.1:443", `{"expect":{"days_left":30},"security":"tls","tls":{"insecure":true}}`},
		{"ssl", "ssl_cert_valid_days_warn = 30; vars.ssl_cert_valid_days_critical = 5", "192.0.2.1:443", `{"expect":{"days_left":5},"security":"tls","tls":{"insecure":true}}`},
		{"ping4", "x = 1", "192.0.2.1", `{"count":5,"expect":{"loss":0},"family":"4","wait":"200ms","within":"100ms"}`},
		{"hostalive6", "x = 1", "2001:db8::1", `{"count":5,"expect":{"loss":0.8},"family":"6","wait":"5s","within":"3s"}`},
		{"fping4", "fping_number = 2", "192.0.2.1", `{"count":2,"expect":{"loss":0},"family":"4","interval":"500ms","wait":"200ms","within":"100ms"}`},
		{"ssmtp", "x = 1", "192.0.2.1:465", `{"expect":{"banner":"220"},"quit":"QUIT\r\n","security":"tls","tls":{"insecure":true}}`},
		{"dns", "dns_lookup = \"a.example\"; vars.dns_server = \"192.0.2.53\"; vars.dns_accept_cname = true", "a.example@192.0.2.53", ``},
		{"ntp_time", "ntp_critical = 2", "192.0.2.1", `{"expect":{"offset":"2s"}}`},
	} {
		found := imported(t, "f", "object Host \"h\" {\n address = \"192.0.2.1\"\n address6 = \"2001:db8::1\"\n check_command = \""+c.command+"\"\n vars."+c.vars+"\n}\n")
		if len(found.Monitors) != 1 {
			t.Errorf("%s %s: left out %v", c.command, c.vars, found.Left)
			continue
		}
		if m := found.Monitors[0]; m.Target != c.target || string(m.Options) != c.options {
			t.Errorf("%s %s:\n got %s %s\nwant %s %s", c.command, c.vars, m.Target, m.Options, c.target, c.options)
		}
	}
}

// TestLibrary_Given: a CheckCommand that nobody gave is left out with the cure; given, it is
// read, and those that the import knows need none of the library's functions.
func TestLibrary_Given(t *testing.T) {
	const host = "object Host \"h\" {\n address = \"192.0.2.1\"\n check_command = \"COMMAND\"\n vars.http_colour = \"red\"\n vars.http_vhosts[\"a\"] = { }\n}\n"
	found := imported(t, "f", strings.Replace(host, "COMMAND", "disk", 1))
	if len(found.Left) != 1 || !strings.Contains(found.Left[0].Why, "name the library, too: netmon import nagios conf.d /usr/share/icinga2/include/command-plugins.conf") {
		t.Errorf("left out %v", found.Left)
	}
	library := `template CheckCommand "ipv4-or-ipv6" {
  vars.check_address = {{ macro("$address$") }}
}
object CheckCommand "http" {
  import "ipv4-or-ipv6"
  command = [ PluginDir + "/check_http" ]
  arguments = { "-I" = { set_if = {{ true }} } }
}
template CheckCommand "snmp-common" {
  import "ipv4-or-ipv6"
  command = [ PluginDir + "/check_thing", "$check_address$" ]
}
object CheckCommand "disk" {
  import "snmp-common"
  arguments = {
    "--mode" = { value = "a"; separator = "=" }
    "--path" = { value = [ "b", "c" ]; repeat_key = false }
  }
}
object CheckCommand "mine" {
  import "http"
  vars.http_port = 8080
}
object CheckCommand "late" {
  command = [ PluginDir + "/check_late" ]
  arguments = { "-a" = {{ macro("$x$") }} }
}
`
	for _, c := range []struct{ command, target, options string }{
		{"http", "http://192.0.2.1/", `{"redirects":-1}`},
		{"disk", "/usr/lib/nagios/plugins/check_thing", `{"args":["192.0.2.1","--mode=a","--path","b","c"]}`},
		{"late", "", "it needs a function"},
	} {
		found := imported(t, "include/command-plugins.conf", strings.Replace(host, "COMMAND", c.command, 1)+library)
		if c.target == "" {
			if len(found.Left) != 1 || !strings.Contains(found.Left[0].Why, c.options) {
				t.Errorf("%s: left out %v, want %q", c.command, found.Left, c.options)
			}
			continue
		}
		if len(found.Monitors) != 1 || found.Monitors[0].Target != c.target || string(found.Monitors[0].Options) != c.options {
			t.Errorf("%s: got %+v, left out %v", c.command, found.Monitors, found.Left)
		}
	}
	found = imported(t, "f", strings.Replace(host, "COMMAND", "mine", 1)+"object CheckCommand \"mine\" {\n import \"http\"\n vars.http_port = 8080\n}\n")
	if len(found.Monitors) != 1 || found.Monitors[0].Target != "http://192.0.2.1:8080/" {
		t.Errorf("a command made of a known one: %+v, left out %v", found.Monitors, found.Left)
	}
	found = imported(t, "f", strings.Replace(host, "COMMAND", "http", 1))
	if len(found.Monitors) != 1 || len(found.Monitors[0].Lost) != 1 || !strings.Contains(found.Monitors[0].Lost[0], "http_colour") {
		t.Errorf("an unknown variable: %+v", found.Monitors)
	}
	if found.Monitors[0].Every == wire.Duration(0) {
		t.Error("no interval")
	}
}
