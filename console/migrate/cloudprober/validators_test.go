package cloudprober_test

import (
	"strings"
	"testing"

	"netmon/console/migrate/cloudprober"
	"netmon/console/migrate/migratetest"
)

func probe(fields string) string {
	return `probe { name: "a" type: HTTP targets { host_names: "h.example.com" } ` + fields + ` }`
}

// TestSource_Several: validators all count there; a second one that netmon has no room for is lost.
func TestSource_Several(t *testing.T) {
	for fields, want := range map[string][2]string{ // options, and a part of the only loss
		`validator { regex: "aaa" } validator { regex: "bbb" }`: {`"body_regex":"aaa"`, "validator regex bbb: netmon has one: aaa"},
		`validator { regex: "aaa" } validator { regex: "aaa" }`: {`"body_regex":"aaa"`, ""},
		`validator { http_validator { success_header { name: "A" value_regex: "1" } } } validator { http_validator { success_header { name: "B" value_regex: "2" } } }`: {`"headers":{"A":"1","B":"2"}`, ""},
		`validator { http_validator { success_header { name: "A" value_regex: "1" } } } validator { http_validator { success_header { name: "a" value_regex: "2" } } }`: {`"headers":{"A":"1"}`, "success_header a: netmon has one expression for it; not 2"},
		`validator { http_validator { failure_header { name: "A" } } } validator { http_validator { failure_header { name: "B" } } }`:                                   {`"no_headers":["A","B"]`, ""},
		`validator { http_validator { success_status_codes: "200-299" } } validator { http_validator { success_status_codes: "200" } }`:                                 {`"status":"200"`, `expect.status: it is given twice, and netmon takes one; not "200-299"`},
		`validator { http_validator { failure_status_codes: "404,500-599" } }`:                                                                                          {`"status":"100-403,405-499"`, ""},
		`http_probe { body: "grant_type=x" body: "scope=y" }`:                                                                                                           {`"body":"grant_type=x\u0026scope=y","expect":{"status":"100-599"},"headers":{"Content-Type":"application/x-www-form-urlencoded"}`, ""},
		`http_probe { body: "{\"a\": 1}" }`:                                          {`"headers":{"Content-Type":"application/json"}`, ""},
		`http_probe { body: "a=%zz" }`:                                               {`{"body":"a=%zz","expect":{"status":"100-599"}}`, ""},
		`http_probe { body: "a=b" header { key: "content-type" value: "x/y" } }`:     {`"headers":{"content-type":"x/y"}`, ""},
		`http_probe { body: "@/etc/body.json" }`:                                     {`"body":"${file:/etc/body.json}"`, ""},
		`http_probe { body: "a=b" body: "@/etc/body.json" }`:                         {`{"expect":{"status":"100-599"}}`, "netmon takes a body from one file"},
		`http_probe { scheme: HTTPS header { key: "Host" value: "v.example.com" } }`: {`{"expect":{"status":"100-599"},"host":"v.example.com"}`, ""},
	} {
		m := migratetest.One(t, cloudprober.Source(), probe(fields), "a")
		if !strings.Contains(string(m.Options), want[0]) {
			t.Errorf("%s: options %s, want %s in them", fields, m.Options, want[0])
		}
		if want[1] == "" && len(m.Lost) > 0 || want[1] != "" && (len(m.Lost) != 1 || !strings.Contains(m.Lost[0], want[1])) {
			t.Errorf("%s: lost %q, want %q", fields, m.Lost, want[1])
		}
	}
}

// TestSource_Order: what a map holds in cloudprober's file comes out in one order.
func TestSource_Order(t *testing.T) {
	migratetest.Same(t, cloudprober.Source(), probe(`http_probe {
		scheme: HTTPS
		header { key: "X-Token-A" value: "1" } header { key: "X-Token-B" value: "2" } header { key: "X-Token-C" value: "3" }
		tls_config { ca_cert_file: "/ca" tls_cert_file: "/cert" tls_key_file: "/key" }
	}`))
	migratetest.Same(t, cloudprober.Source(), `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe {
		command: "/bin/x" env_var { key: "A_TOKEN" value: "1" } env_var { key: "B_TOKEN" value: "2" } env_var { key: "C_TOKEN" value: "3" } } }`)
}

// TestSource_Nameless: a probe without targets of its own is named alone.
func TestSource_Nameless(t *testing.T) {
	found := migratetest.Read(t, cloudprober.Source(), `probe { name: "redis" type: EXTERNAL targets { dummy_targets {} } external_probe { mode: SERVER command: "/bin/x" } }`)
	if len(found.Left) != 1 || !strings.HasPrefix(found.Left[0].String(), "file:1: redis (EXTERNAL): its program") {
		t.Errorf("left out: %v", found.Left)
	}
}

func TestSecrets(t *testing.T) {
	migratetest.NoSecret(t, cloudprober.Source(), map[string]string{
		"header":         probe(`http_probe { header { key: "X-Vault" value: "S3CRET" } }`),
		"headers":        probe(`http_probe { headers { name: "Authorization" value: "Bearer S3CRET" } }`),
		"body":           probe(`http_probe { body: "client_secret=S3CRET" body: "a=b" }`),
		"relative_url":   probe(`http_probe { relative_url: "/?api_key=S3CRET" }`),
		"proxy_url":      probe(`http_probe { proxy_url: "http://a:S3CRET@proxy.example.com:1" }`),
		"oauth_config":   probe(`http_probe { oauth_config { http_request { token_url: "https://h/" data: "client_secret=S3CRET" } } }`),
		"endpoint url":   `probe { name: "a" type: HTTP targets { endpoint { name: "b" url: "https://u:S3CRET@h.example.com/" } } }`,
		"env_var":        `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe { command: "/bin/x" env_var { key: "DB_PASSWORD" value: "S3CRET" } } }`,
		"env_var joined": `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe { command: "/bin/x" env_var { key: "PGPASSWORD" value: "S3CRET" } } }`,
		"argument":       `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe { command: "/bin/x --token S3CRET" } }`,
		"argument =":     `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe { command: "/bin/x --password=S3CRET" } }`,
		"argument URL":   `probe { name: "a" type: EXTERNAL targets { host_names: "h" } external_probe { command: "/bin/x https://a:S3CRET@h/" } }`,
		"surfacer":       `surfacer { type: POSTGRES postgres_surfacer { connection_string: "postgres://a:S3CRET@h/d" } } ` + probe(""),
		"body by label":  probe(`additional_label { key: "url" value: "https://a:S3CRET@h/" }`),
	})
}
