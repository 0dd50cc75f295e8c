package e2e

import (
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/need"
	"netmon/internal/targets"
	"netmon/internal/testcert"
	"netmon/wire"
)

// imported is a target of blackbox_exporter: its name, the module that measures it, what the
// module is, and whether it is fine. A module with a text of its own has the name of the target.
type imported struct {
	name, target, module string
	ok                   bool
}

// TestImport_Blackbox has Debian's blackbox_exporter and netmon measure the same targets, good
// and bad: the one as its files say, the other as netmon import makes of these files. Both say
// the same of each.
func TestImport_Blackbox(t *testing.T) {
	t.Parallel()
	tool := need.Tool(t, "prometheus-blackbox-exporter", "prometheus-blackbox-exporter")
	dir := t.TempDir()
	trust, cases := importTargets(t, dir)
	var modules, groups strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&modules, "  %s: %s\n", c.name, c.module)
		fmt.Fprintf(&groups, "- {targets: [%q], labels: {__param_module: %s, name: %s}}\n", c.target, c.name, c.name)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	write(t, at("blackbox.yml"), "modules:\n"+modules.String())
	write(t, at("targets.yml"), groups.String())
	write(t, at("prometheus.yml"), `scrape_configs:
- job_name: parity
  metrics_path: /probe
  scrape_interval: 1h
  scrape_timeout: 5s
  file_sd_configs: [{files: [targets.yml]}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [name], target_label: instance}
  - {target_label: __address__, replacement: "127.0.0.1:9115"}
`)
	addr := freeAddr(t)
	spawnProgram(t, "env", "SSL_CERT_FILE="+trust, tool, "--config.file="+at("blackbox.yml"), "--web.listen-address="+addr)
	ready(t, "http://"+addr+"/-/healthy")

	broker := freeAddr(t)
	nats := "nats://" + broker
	write(t, at("policy.yaml"), "targets: {reopen: [loopback]}\nsecrets: {targets: [127.0.0.0/8]}\n")
	spawn(t, "broker", "--listen", broker, "--store", at("broker")).line("broker ready on", nats)
	bin, err := netmon()
	if err != nil {
		t.Fatal(err)
	}
	spawnProgram(t, "env", "SSL_CERT_FILE="+trust, "NETMON_SECRET_BASIC_PASSWORD=geheim", "NETMON_SECRET_BASIC_WRONG_PASSWORD=wrong", bin,
		"agent", "--broker", nats, "--id", "paris", "--state", at("agent"), "--policy", at("policy.yaml")).line("agent", "paris", "connected to", nats)
	said := netmonDo(t, 0, "import", "prometheus", at("prometheus.yml"), at("blackbox.yml"), "--apply", "--broker", nats)
	if want := fmt.Sprintf("imported %d of %d checks", len(cases), len(cases)); !strings.Contains(said, want) || strings.Contains(said, "geheim") {
		t.Errorf("want %q in\n%s", want, said)
	}

	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			theirs, how := blackboxSays(t, addr, c)
			ours := netmonSays(t, nats, c)
			if theirs != c.ok {
				t.Errorf("blackbox_exporter says %v, want %v:\n%s", theirs, c.ok, how)
			}
			if (ours.Outcome == wire.OK) != c.ok || ours.Outcome == wire.Broken {
				t.Errorf("netmon says %v (%s: %s), want %v", ours.Outcome, ours.Failure, ours.Error, c.ok)
			}
		})
	}
}

// blackboxSays has blackbox_exporter measure, and is what it says and how it came to that.
func blackboxSays(t *testing.T, addr string, c imported) (ok bool, how string) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/probe?debug=true&" + url.Values{"target": {c.target}, "module": {c.name}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(text), "\nprobe_success 1\n"), string(text)
}

// netmonSays has the agent measure.
func netmonSays(t *testing.T, nats string, c imported) wire.Result {
	t.Helper()
	code := 0
	if !c.ok {
		code = 1
	}
	text := netmonDo(t, code, "run", strings.ReplaceAll(c.name, ".", "-"), "-o", "ndjson", "--broker", nats)
	_, line, _ := strings.Cut("\n"+text, "\n{")
	line, _, _ = strings.Cut("{"+line, "\n")
	var r wire.Result
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return r
}

// importTargets starts the targets. trust is a file with the authority of those with TLS.
func importTargets(t *testing.T, dir string) (trust string, cases []imported) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ca := testcert.New(t, "import authority", -400, 400, nil, testcert.CA)
	trust = filepath.Join(dir, "roots.pem")
	must(os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}), 0o600))
	chain := func(from, to int) *tls.Config {
		return testcert.Chain(testcert.New(t, "import", from, to, ca, testcert.Server), ca)
	}
	web := "http://" + serveHTTP(t, importPage, nil)
	secure, expired := "https://"+serveHTTP(t, importPage, chain(-1, 90)), "https://"+serveHTTP(t, importPage, chain(-90, -10))
	tcp := func(turns ...targets.TCPTurn) string {
		t.Helper()
		s, err := targets.ServeTCP("127.0.0.1:0", turns...)
		must(err)
		t.Cleanup(func() { s.Close() })
		return s.Addr
	}
	ssh := tcp(targets.TCPTurn{Say: "SSH-2.0-OpenSSH_9.9\r\n"}, targets.TCPTurn{Hear: "SSH-2.0-probe\n", Hold: true})
	irc := tcp(targets.TCPTurn{Hear: "NICK probe\nUSER probe\n", Say: ":irc NOTICE * :hello\r\nPING :4711\r\n"}, targets.TCPTurn{Hear: "PONG 4711\n", Say: ":irc.example 001 probe :welcome\r\n"}, targets.TCPTurn{Hold: true})
	smtp := tcp(targets.TCPTurn{Say: "220 mx.example ESMTP ready\r\n"}, targets.TCPTurn{Hear: "EHLO", Say: "250-mx.example\r\n250 STARTTLS\r\n"},
		targets.TCPTurn{Hear: "STARTTLS", Say: "220 go\r\n"}, targets.TCPTurn{TLS: chain(-1, 90)}, targets.TCPTurn{Hear: "EHLO", Say: "250-mx.example\r\n250 AUTH PLAIN\r\n"}, targets.TCPTurn{Hold: true})
	names, err := targets.ServeDNS("127.0.0.1:0")
	must(err)
	t.Cleanup(func() { names.Close() })
	closed := freeAddr(t)
	const irc2 = `{prober: tcp, timeout: 2s, tcp: {query_response: [{send: NICK probe}, {send: USER probe}, {expect: "PING :([^ ]+)", send: "PONG ${1}"}, {expect: "%s"}]}}`
	const smtp2 = `{prober: tcp, timeout: 3s, tcp: {query_response: [{expect: "^220 ([^ ]+) ESMTP"}, {send: "EHLO probe\r"}, {expect: "^250[- ]STARTTLS"}, {send: "STARTTLS\r"}, {expect: "^220"}, {starttls: true}, {send: "EHLO probe\r"}, {expect: "%s"}]}}`
	dns := func(name, more string) string {
		return `{prober: dns, timeout: 2s, dns: {query_name: ` + name + `, query_type: A` + more + `}}`
	}
	cases = []imported{
		{"ok", web + "/", `{prober: http}`, true},
		{"without-scheme", strings.TrimPrefix(web, "http://") + "/", `{prober: http}`, true},
		{"status-500", web + "/500", `{prober: http}`, false},
		{"status-500-wanted", web + "/500", `{prober: http, http: {valid_status_codes: [500, 503]}}`, true},
		{"status-200-not-wanted", web + "/", `{prober: http, http: {valid_status_codes: [404]}}`, false},
		{"redirect", web + "/moved", `{prober: http}`, true},
		{"redirect-taken", web + "/moved", `{prober: http, http: {follow_redirects: false, valid_status_codes: [302]}}`, true},
		{"redirect-not-followed", web + "/moved", `{prober: http, http: {follow_redirects: false}}`, false},
		{"redirects-for-ever", web + "/loop", `{prober: http}`, false},
		{"body", web + "/", `{prober: http, http: {fail_if_body_not_matches_regexp: ["open for business", "version [0-9.]+"]}}`, true},
		{"wrong-body", web + "/", `{prober: http, http: {fail_if_body_not_matches_regexp: ["closed"]}}`, false},
		{"wrong-body-by-regex", web + "/", `{prober: http, http: {fail_if_body_not_matches_regexp: ["version [a-z]+"]}}`, false},
		{"forbidden-body", web + "/", `{prober: http, http: {fail_if_body_matches_regexp: ["closed", "for b.s"]}}`, false},
		{"no-forbidden-body", web + "/", `{prober: http, http: {fail_if_body_matches_regexp: ["closed", "^for"]}}`, true},
		{"header", web + "/", `{prober: http, http: {fail_if_header_not_matches: [{header: content-type, regexp: "^text/plain"}]}}`, true},
		{"wrong-header", web + "/", `{prober: http, http: {fail_if_header_not_matches: [{header: Content-Type, regexp: json}]}}`, false},
		{"missing-header", web + "/", `{prober: http, http: {fail_if_header_not_matches: [{header: X-Missing, regexp: ".*"}]}}`, false},
		{"no-cookie", web + "/", `{prober: http, http: {fail_if_header_matches: [{header: Set-Cookie, regexp: ".*", allow_missing: true}]}}`, true},
		{"a-cookie", web + "/cookie", `{prober: http, http: {fail_if_header_matches: [{header: Set-Cookie, regexp: ".*", allow_missing: true}]}}`, false},
		{"post", web + "/post", `{prober: http, http: {method: POST, headers: {X-From: probe, Host: vhost.example}, body: "hello"}}`, true},
		{"post-without-body", web + "/post", `{prober: http, http: {method: POST, headers: {X-From: probe, Host: vhost.example}}}`, false},
		{"basic", web + "/private", `{prober: http, http: {basic_auth: {username: anna, password: geheim}}}`, true},
		{"basic-wrong", web + "/private", `{prober: http, http: {basic_auth: {username: anna, password: wrong}}}`, false},
		{"not-encrypted", web + "/", `{prober: http, http: {fail_if_not_ssl: true}}`, false},
		{"slow", web + "/slow", `{prober: http, timeout: 1s}`, false},
		{"gzip", web + "/gzip", `{prober: http, http: {compression: gzip, headers: {Accept-Encoding: gzip}, fail_if_body_not_matches_regexp: ["compressed"]}}`, true},
		{"large", web + "/", `{prober: http, http: {body_size_limit: 4B}}`, false},
		{"refused-http", "http://" + closed + "/", `{prober: http}`, false},
		{"encrypted", secure + "/", `{prober: http, http: {fail_if_not_ssl: true, valid_http_versions: ["HTTP/2.0"]}}`, true},
		{"downgraded", secure + "/to-http?" + web + "/", `{prober: http, http: {fail_if_not_ssl: true}}`, false},
		{"expired", expired + "/", `{prober: http}`, false},
		{"expired-accepted", expired + "/", `{prober: http, http: {tls_config: {insecure_skip_verify: true}}}`, true},
		{"wrong-name", secure + "/", `{prober: http, http: {tls_config: {server_name: other.example}}}`, false},
		{"own-authority", secure + "/", `{prober: http, http: {tls_config: {server_name: localhost}}}`, true},
		{"connect", ssh, `{prober: tcp}`, true},
		{"refused", closed, `{prober: tcp}`, false},
		{"banner", ssh, `{prober: tcp, timeout: 2s, tcp: {query_response: [{expect: "^SSH-2.0-", send: "SSH-2.0-probe"}]}}`, true},
		{"wrong-banner", ssh, `{prober: tcp, timeout: 1s, tcp: {query_response: [{expect: "^SSH-1"}]}}`, false},
		{"dialogue", irc, fmt.Sprintf(irc2, "^:[^ ]+ 001"), true},
		{"wrong-dialogue", irc, fmt.Sprintf(irc2, "^:[^ ]+ 002"), false},
		{"starttls", smtp, fmt.Sprintf(smtp2, "^250[- ]AUTH"), true},
		{"starttls-no-login", smtp, fmt.Sprintf(smtp2, "^250[- ]SIZE"), false},
		{"handshake", strings.TrimPrefix(secure, "https://"), `{prober: tcp, tcp: {tls: true}}`, true},
		{"handshake-expired", strings.TrimPrefix(expired, "https://"), `{prober: tcp, tcp: {tls: true}}`, false},
		{"handshake-plain", ssh, `{prober: tcp, timeout: 2s, tcp: {tls: true}}`, false},
		{"name", names.Addr, dns("shop.example", ""), true},
		{"name-over-tcp", names.Addr, dns("shop.example", ", transport_protocol: tcp"), true},
		{"no-such-name", names.Addr, dns("missing.example", ""), false},
		{"no-such-name-wanted", names.Addr, dns("missing.example", ", valid_rcodes: [NXDOMAIN]"), true},
		{"record", names.Addr, dns("shop.example", `, validate_answer_rrs: {fail_if_none_matches_regexp: ["IN\tA\t[0-9.]+$"]}`), true},
		{"wrong-record", names.Addr, dns("shop.example", `, validate_answer_rrs: {fail_if_none_matches_regexp: ["203.0.113.77"]}`), false},
		{"dead-server", closed, dns("shop.example", ""), false},
	}
	if os.Geteuid() == 0 { // who may send echo requests
		cases = append(cases, imported{"ping", "127.0.0.1", `{prober: icmp, icmp: {payload_size: 100, ttl: 9}}`, true})
	}
	return trust, cases
}

// importPage is what the web servers answer.
func importPage(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(io.LimitReader(r.Body, 100))
	switch r.URL.Path {
	case "/500":
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	case "/moved":
		http.Redirect(w, r, "/", http.StatusFound)
		return
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
		return
	case "/to-http":
		http.Redirect(w, r, r.URL.RawQuery, http.StatusFound)
		return
	case "/cookie":
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	case "/post":
		if r.Method != http.MethodPost || string(body) != "hello" || r.Header.Get("X-From") != "probe" || r.Host != "vhost.example" {
			http.Error(w, "not that", http.StatusBadRequest)
			return
		}
	case "/private":
		if user != "anna" || password != "geheim" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
	case "/slow":
		<-r.Context().Done()
		return
	case "/gzip":
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		fmt.Fprintln(z, "compressed")
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintln(w, "open for business, version 1.2")
}
