package gatus_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"netmon/console/migrate/gatus"
	"netmon/console/migrate/migratetest"
)

// TestConditions_Several: several conditions of a sort are one that means all of them, or each
// but one is lost.
func TestConditions_Several(t *testing.T) {
	for _, c := range []struct {
		endpoint map[string]any
		want     string // the options
		lost     string // a part of the only loss; "": none
	}{
		{at("tcp://h:1", "[BODY] == pat(*aaa*)", "[BODY] == pat(*bbb*)"), `{"steps":[{"expect":"(?s)^.*aaa.*$","send":"x"}]}`, "pat(*bbb*): netmon compares an answer with one expression"},
		{at("tcp://h:1", "[BODY] == a", "[BODY] == a"), `{"steps":[{"expect":"^a$","send":"x"}]}`, ""},
		{at("udp://h:1", "[BODY] == a", "[BODY] == b"), `{"expect":{"regex":"^a$"},"payload":"x"}`, "[BODY] == b: netmon has one expect.regex"},
		{at("icmp://h", "[RESPONSE_TIME] < 100", "[RESPONSE_TIME] < 500"), `{"count":1,"within":"100ms"}`, ""},
		{at("icmp://h", "[RESPONSE_TIME] < 500", "[RESPONSE_TIME] < 100"), `{"count":1,"within":"100ms"}`, ""},
		{at("tls://h:1", "[CERTIFICATE_EXPIRATION] > 240h", "[CERTIFICATE_EXPIRATION] > 48h"), `{"expect":{"days_left":10}}`, ""},
		{dns("[DNS_RCODE] == NOERROR", "[DNS_RCODE] == any(NOERROR, NXDOMAIN)"), `{"expect":{"rcode":["NOERROR"]}}`, ""},
		{dns("[DNS_RCODE] == NOERROR", "[DNS_RCODE] == NXDOMAIN"), `{"expect":{"rcode":["NOERROR"]}}`, "no response code meets this and NOERROR"},
		{dns("[BODY] == 192.0.2.1", "[BODY] == pat(192.*)"), `{"expect":{"answer":"\\s192\\.0\\.2\\.1$"}}`, "netmon has one expect.answer"},
	} {
		m := migratetest.One(t, gatus.Source(), file(t, c.endpoint), "x")
		if got := string(m.Options); got != c.want {
			t.Errorf("%v: got %s, want %s", c.endpoint["conditions"], got, c.want)
		}
		if c.lost == "" && len(m.Lost) > 0 || c.lost != "" && (len(m.Lost) != 1 || !strings.Contains(m.Lost[0], c.lost)) {
			t.Errorf("%v: lost %q, want %q", c.endpoint["conditions"], m.Lost, c.lost)
		}
	}
}

func at(url string, conditions ...string) map[string]any {
	return map[string]any{"name": "x", "url": url, "body": "x", "conditions": conditions}
}

func dns(conditions ...string) map[string]any {
	e := at("192.0.2.53", conditions...)
	e["dns"] = map[string]any{"query-name": "example.com", "query-type": "A"}
	return e
}

func file(t *testing.T, endpoints ...map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"endpoints": endpoints})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAlerts_Disabled: an alert that is switched off, there or where it is usual, has no say.
func TestAlerts_Disabled(t *testing.T) {
	const usual = "alerting: {slack: {default-alert: {failure-threshold: 5}}, email: {default-alert: {enabled: false, failure-threshold: 1}}}\n"
	for alerts, want := range map[string]string{
		"[{type: discord, enabled: false, failure-threshold: 1}, {type: slack}]": "5/5",
		"[{type: email}, {type: slack}]":                                         "5/5",
		"[{type: email, enabled: true}, {type: slack}]":                          "1/1",
	} {
		m := migratetest.One(t, gatus.Source(), usual+`endpoints: [{name: x, url: "https://example.com/", alerts: `+alerts+`}]`, "x")
		if m.Verdict == nil || m.Verdict.Down.String() != want {
			t.Errorf("%s: %+v, want %s", alerts, m.Verdict, want)
		}
	}
}

// TestRemarks: what all endpoints have in common is said once.
func TestRemarks(t *testing.T) {
	found := migratetest.Read(t, gatus.Source(), file(t, at("icmp://a", "[RESPONSE_TIME] < 150"), at("icmp://b", "[RESPONSE_TIME] < 150")))
	var texts []string
	for _, r := range found.Remarks {
		texts = append(texts, r.Text)
	}
	for _, want := range []string{"never down", "endpoints without alerts are down after 2 bad runs of 3"} {
		if n := len(slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return !strings.Contains(s, want) })); n != 1 {
			t.Errorf("%q is said %d times in %q", want, n, texts)
		}
	}
	found = migratetest.Read(t, gatus.Source(), "modules: {http_2xx: {prober: http}}")
	if len(found.Remarks) != 1 || found.Remarks[0].String() != "file: it looks like a file of blackbox_exporter: nothing of it is imported" {
		t.Errorf("another tool's file: %q", found.Remarks)
	}
}

// TestHost: Gatus's header Host is none of TLS, and its bodies for GraphQL are JSON.
func TestHost(t *testing.T) {
	e := at("https://192.0.2.1/")
	e["headers"], e["graphql"], e["body"] = map[string]any{"Host": "www.example.com"}, true, "{a(b:\"\a\u2028\")}"
	m := migratetest.One(t, gatus.Source(), file(t, e), "x")
	var o struct {
		Host, Body string
		TLS        any
	}
	if err := json.Unmarshal(m.Options, &o); err != nil || o.Host != "www.example.com" || o.TLS != nil {
		t.Errorf("%s %v", m.Options, err)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(o.Body), &sent); err != nil || sent["query"] != e["body"] {
		t.Errorf("body %q: %v", o.Body, err)
	}
}

func TestSecrets(t *testing.T) {
	of := func(rest string) string { return `endpoints: [{name: x, url: "https://example.com/", ` + rest + `}]` }
	migratetest.NoSecret(t, gatus.Source(), map[string]string{
		"url":                `endpoints: [{name: x, url: "https://anna:S3CRET@example.com/"}]`,
		"query":              `endpoints: [{name: x, url: "https://example.com/?token=S3CRET"}]`,
		"header":             of(`headers: {X-Vault: S3CRET}`),
		"Authorization":      of(`headers: {authorization: "Bearer S3CRET"}`),
		"Cookie":             of(`headers: {Cookie: "a=S3CRET"}`),
		"body":               of(`body: '{"password": "S3CRET"}'`),
		"graphql":            of(`graphql: true, body: '{login(password: "S3CRET")}'`),
		"proxy":              of(`client: {proxy-url: "http://a:S3CRET@proxy.example.com:1"}`),
		"oauth2":             of(`client: {oauth2: {client-secret: S3CRET}}`),
		"condition":          of(`conditions: ["[BODY].token == S3CRET42", "[BODY].user.api_key != S3CRET", "S3CRET == [BODY].password", "[BODY].secret == pat(S3CRET*)"]`),
		"ssh":                `endpoints: [{name: x, url: "ssh://h:22", ssh: {username: a, password: S3CRET}}]`,
		"alert":              "alerting: {slack: {webhook-url: \"https://h/S3CRET\"}}\n" + of(`alerts: [{type: slack, provider-override: {webhook-url: S3CRET}}]`),
		"external-endpoints": "external-endpoints: [{name: a, token: S3CRET}]",
		"dialogue":           `endpoints: [{name: x, url: "tcp://h:1", body: "AUTH S3CRET\r\n"}]`,
		"storage":            "storage: {type: postgres, path: \"postgres://a:S3CRET@h/d\"}\n" + of("interval: 1m"),
	})
}
