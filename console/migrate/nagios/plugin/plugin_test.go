package plugin

import (
	"strings"
	"testing"
	"time"

	"netmon/console/migrate"
	"netmon/probes/kinds"
	"netmon/wire"
)

// filled is the monitor of a command line, whose words have no spaces in them.
func filled(t *testing.T, line string) migrate.Monitor {
	t.Helper()
	m := migrate.Monitor{}
	m.Name, m.Every = "a", wire.Duration(time.Minute)
	words := strings.Fields(line)
	words[0] = Folder + "/" + words[0]
	if err := Fill(&m, words); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if err := kinds.All().CheckMonitor(m.Monitor); err != nil {
		t.Errorf("%s: netmon refuses %s %s: %v", line, m.Target, m.Options, err)
	}
	return m
}

func TestFill(t *testing.T) {
	for _, c := range []struct{ line, kind, target, options string }{
		{"check_http -H example.com", "http", "http://example.com/", `{"redirects":-1}`},
		{"check_http -H example.com -p 8080", "http", "http://example.com:8080/", `{"host":"example.com:8080","redirects":-1}`},
		{"check_http -H example.com:80 -I 192.0.2.1 -p 8080", "http", "http://192.0.2.1:8080/", `{"host":"example.com","redirects":-1}`},
		{"check_http -I 2001:db8::1 -6 -u status", "http", "http://[2001:db8::1]/status", `{"family":"6","redirects":-1}`},
		{"check_http example.com", "http", "http://example.com/", `{"redirects":-1}`},
		{"check_http -H a.example -e HTTP/1.1", "http", "http://a.example/", `{"expect":{"status":"100-599"},"redirects":-1}`},
		{"check_http -H a.example --onredirect=follow --critical 2 --warn 1", "http", "http://a.example/", `{"redirects":15,"within":"1s"}`},
		{"check_http -H a.example -j HEAD -N", "http", "http://a.example/", `{"method":"HEAD","read_body":0,"redirects":-1}`},
		{"check_http -H a.example -N -m 10:20", "http", "http://a.example/", `{"expect":{"max_bytes":20,"min_bytes":10},"redirects":-1}`},
		{"check_http -H a.example -S1.2+ --verify-host", "https", "https://a.example/", `{"redirects":-1,"tls":{"min_version":"1.2"}}`},
		{"check_curl -H a.example -S -D -C 10", "tls", "a.example:443", `{"expect":{"days_left":10}}`},
		{"check_tcp -H a.example -p 22", "tcp", "a.example:22", ``},
		{"check_tcp -H a.example -p 25 -s x -e 220 -q QUIT", "tcp", "a.example:25", `{"expect":{"banner":"220"},"quit":"QUIT\r\n","steps":[{"send":"x"}]}`},
		{"check_tcp -H a.example -p 9000 -s ${env:HOME} -e a -e b", "tcp", "a.example:9000", `{"steps":[{"expect":"a|b","send":"$${env:HOME}"}]}`},
		{"check_simap -H a.example", "tcp", "a.example:993", `{"expect":{"banner":"\\* OK"},"quit":"a1 LOGOUT\r\n","security":"tls","tls":{"insecure":true}}`},
		{"check_ssh -r OpenSSH_9.9 a.example 2222", "tcp", "a.example:2222", `{"expect":{"banner":"^SSH-[^-]+-OpenSSH_9\\.9\\s*$"}}`},
		{"check_udp -H a.example -p 7 -E -s a\\n -e b", "udp", "a.example:7", `{"expect":{"regex":"b"},"payload_hex":"610a"}`},
		{"check_dns -H 192.0.2.7 -s 192.0.2.53", "dns", "7.2.0.192.in-addr.arpa@192.0.2.53", `{"type":"PTR"}`},
		{"check_dns -H a.example -a 192.0.2.1,192.0.2.2 -L", "dns", "a.example", `{"expect":{"records":["192.0.2.1","192.0.2.2"]}}`},
		{"check_dig -H 192.0.2.53 -p 5353 -l a.example -T AAAA -A +tcp", "dns", "a.example@192.0.2.53:5353", `{"transport":"tcp","type":"AAAA"}`},
		{"check_ping -H a.example -w 10,20% -c 50,100% -p 1", "icmp", "a.example", `{"wait":"50ms","within":"10ms"}`},
		{"check_icmp -w 10ms,20% -c 50ms,60% -n 10 -i 20ms -b 100 a.example", "icmp", "a.example", `{"count":10,"expect":{"loss":0.5},"interval":"20ms","size":100,"wait":"50ms","within":"10ms"}`},
		{"check_fping -H a.example", "icmp", "a.example", `{"wait":"1m"}`},
		{"check_ntp_time -H a.example -w 0.1 -c 0.5 -p 1123", "ntp", "a.example:1123", `{"expect":{"offset":"0.5s"}}`},
		{"check_disk -w 20%", "exec", Folder + "/check_disk", `{"args":["-w","20%"]}`},
	} {
		m := filled(t, c.line)
		if m.Kind != c.kind || m.Target != c.target || string(m.Options) != c.options {
			t.Errorf("%s:\n got %s %s %s\nwant %s %s %s", c.line, m.Kind, m.Target, m.Options, c.kind, c.target, c.options)
		}
	}
}

// TestFill_Exec: what has no equivalent runs as it is, and says why.
func TestFill_Exec(t *testing.T) {
	for line, why := range map[string]string{
		"check_http -H a.example -M 10":                      "-M has no equivalent",
		"check_http -H a.example --what 1":                   "--what is not known to this import",
		"check_http -H a.example --c 1":                      "--c stands for several options",
		"check_http -H a.example -w":                         "-w needs a value",
		"check_http -H a.example -w 1:2":                     "-w 1:2 is no plain number",
		"check_http -H a.example -e good":                    "-e good names no status code",
		"check_http -H a.example -r (?<a":                    "its regular expression is none of RE2",
		"check_http -H a.example -j HEAD -s x":               "the answer to HEAD has no body",
		"check_http -u /":                                    "it names no host",
		"check_tcp -H a.example":                             "it names no port",
		"check_tcp -H /run/a.sock -p 1":                      "is a socket in the file system",
		"check_tcp -H a.example -p 1 -r ok":                  "-r ok takes a refusal as good",
		"check_tcp -H a.example -p 70000":                    "-p 70000 is no number of 1 to 65535",
		"check_tcp -H a.example -p 1 --extra-opts=x":         "--extra-opts names a file",
		"check_smtp -H a.example -A LOGIN -U a":              "-A has no equivalent",
		"check_dns -H a.example -a 192.0.2.0/24":             "is a network",
		"check_ping -H a.example -w 1 -c 2":                  "is not of the form 100.0,20%",
		"check_ping -H a.example -w 1,1%":                    "it names not both thresholds",
		"check_icmp -H a.example b.example -w 1,1% -c 1,1%":  "it measures several hosts at once",
		"check_ntp_time -H a.example -w 1:2 -c 3":            "-w 1:2 is no plain number",
		"check_ntp -H a.example -j 1 -k 2":                   "-j has no equivalent",
		"check_ping -H a.example -w 1e99,1% -c 1,1%":         "is not of the form",
		"check_ping -H a.example -w 1,1% -c 1,1% -p 1000000": "is no number of 1 to 1000",
	} {
		m := filled(t, line)
		if m.Kind != "exec" || len(m.Notes) != 2 || !strings.Contains(m.Notes[0], why) {
			t.Errorf("%s: %s %q, want exec, for %q", line, m.Kind, m.Notes, why)
		}
	}
}

// TestFill_Secret: a password is written nowhere.
func TestFill_Secret(t *testing.T) {
	m := filled(t, "check_http -H a.example -a me:geheim -k Cookie:geheim")
	if strings.Contains(string(m.Options), "geheim") || !strings.Contains(string(m.Options), "${env:NETMON_SECRET_A_PASSWORD}") {
		t.Errorf("options %s", m.Options)
	}
}

// TestSchedule: a monitor is down when Nagios would have called the problem a hard one.
func TestSchedule(t *testing.T) {
	for _, c := range []struct {
		check, retry time.Duration
		attempts     int
		down         string
	}{
		{time.Minute, time.Minute, 3, "3/3"},
		{5 * time.Minute, time.Minute, 4, "2/2"},
		{5 * time.Minute, time.Minute, 10, "3/3"},
		{time.Minute, 30 * time.Second, 5, "3/3"},
		{time.Minute, 2 * time.Minute, 3, "5/5"},
		{time.Minute, time.Minute, 1, "1/1"},
		{time.Minute, time.Minute, 100, "20/20"},
		{time.Minute, 0, 2, "2/2"},
	} {
		m := migrate.Monitor{}
		Schedule(&m, c.check, c.retry, c.attempts)
		if got := m.Verdict.Down.String(); got != c.down {
			t.Errorf("%v, %v, %d attempts: down %s, want %s", c.check, c.retry, c.attempts, got, c.down)
		}
	}
}

// TestFill_Secrets: what is known as a secret, or looks like one, is in no monitor, whether the
// command line is read or run as it is.
func TestFill_Secrets(t *testing.T) {
	const secret = "S3CRET42"
	for _, words := range [][]string{
		{"check_mysql", "-u", "root", "-p", secret},
		{"check_mysql", "-u", "root", "-p" + secret},
		{"check_pgsql", "--password=" + secret},
		{"check_anything", "--password", secret},
		{"check_anything", "--auth-token=" + secret},
		{"check_anything", "-u", "root", "-p", secret},
		{"check_snmp", "-H", "a.example", "-C", secret, "-o", "1"},
		{"check_snmp", "-H", "a.example", "-L", "authPriv", "-U", "me", "-A", secret, "-o", "1"},
		{"check_snmp_int.pl", "-H", "a.example", "--community=" + secret},
		{"check_ipmi_sensor", "-P" + secret},
		{"check_nt", "-H", "a.example", "-s", secret, "-v", "UPTIME"},
		{"check_ldap", "-H", "a.example", "-b", "dc=a", "-P", secret},
		{"check_smtp", "-H", "a.example", "-A", "LOGIN", "-U", "a", "-P", secret},
		{"check_http", "-H", "a.example", "-M", "1h", "-a", "joe:" + secret},
		{"check_http", "-H", "a.example", "-M", "1h", "-k", "Authorization: Bearer " + secret},
		{"check_http", "-H", "a.example", "-M", "1h", "-k", "X-Api-Key: " + secret},
		{"check_http", "-H", "a.example", "-M", "1h", "-P", "user=a&password=" + secret},
		{"check_http", "-H", "a.example", "-P", "pw=1&pwd=" + secret},
		{"check_http", "-H", "a.example", "-u", "/x?api_key=" + secret},
		{"check_http", "-H", "a.example", "-b", "joe:" + secret},
		{"check_tcp", "-H", "a.example", "-p", "6379", "-E", "-s", "AUTH " + secret + "\\r\\n", "-e", "OK"},
		{"check_tcp", "-H", "a.example", "-p", "6379", "-s", "AUTH " + secret, "-r", "ok"},
		{"check_udp", "-H", "a.example", "-p", "6379", "-s", "AUTH " + secret, "-e", "OK"},
		{"check_smtp", "-H", "a.example", "-C", "AUTH PLAIN " + secret},
		{"check_dbi", "-d", "pgsql", "-o", "password=" + secret},
		{"check_by_ssh", "-H", "a.example", "-C", "check_mysql --password=" + secret},
		{"check_x", "https://joe:" + secret + "@a.example/"},
		{"../../../bin/sh", "-c", "curl -u a:" + secret + " https://a.example/"},
	} {
		m := migrate.Monitor{}
		m.Name, m.Every = "a", wire.Duration(time.Minute)
		words[0] = Folder + "/" + words[0]
		err := Fill(&m, words)
		text := m.Target + string(m.Options) + strings.Join(m.Notes, " ") + strings.Join(m.Lost, " ")
		if err != nil {
			text += err.Error()
		}
		if strings.Contains(text, secret) {
			t.Errorf("%q: shown: %s", words, text)
		}
	}
	m := migrate.Monitor{}
	if err := Fill(&m, []string{Folder + "/check_thing", "-x", `a"b<c`}, Secret{"$USER3$", `a"b<c`}); err == nil || !strings.HasPrefix(err.Error(), "$USER3$ is") {
		t.Errorf("a value of resource.cfg: %v, options %s", err, m.Options)
	}
	for _, words := range [][]string{
		{"check_disk", "-w", "20%", "-p", "/"},
		{"check_procs", "-p", "1", "-u", "root"},
		{"check_log", "-F", "/var/log/auth.log", "-q", "login failed"},
		{"check_snmp", "-H", "a.example", "-C", "public", "-o", "1.3.6.1"},
		{"check_file_age", "-f", "/var/run/passwd"},
		{"check_nrpe", "-H", "a.example", "-c", "check_load", "-a", "5,4,3"},
		{"check_by_ssh", "-H", "a.example", "-i", "/etc/key", "-C", "uptime"},
		{"check_thing", "-u", "me", "-p", "8443"},
		{"check_ldap", "-H", "a.example", "-b", "dc=a,dc=b"},
	} {
		m := migrate.Monitor{}
		m.Name, m.Every = "a", wire.Duration(time.Minute)
		words[0] = Folder + "/" + words[0]
		if err := Fill(&m, words); err != nil || m.Kind != "exec" {
			t.Errorf("%q: %s, %v", words, m.Kind, err)
		}
	}
}
