package kuma_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"netmon/console/migrate/kuma"
	"netmon/console/migrate/migratetest"
)

// backup is one monitor as version 1 exports it, with what is usual there.
func backup(t *testing.T, fields map[string]any) string {
	t.Helper()
	m := map[string]any{
		"id": 1, "name": "x", "type": "http", "url": "https://example.com/", "hostname": nil, "port": nil, "method": "GET", "interval": 60, "active": true,
		"accepted_statuscodes": []string{"200-299"}, "maxredirects": 10, "dns_resolve_type": "A", "dns_resolve_server": "1.1.1.1", "packetSize": 56,
		"jsonPath": "$", "jsonPathOperator": "==", "ping_count": 1, "mqttCheckType": "keyword", "httpBodyEncoding": "json", "kafkaProducerSsl": true,
	}
	maps.Copy(m, fields)
	text, err := json.Marshal(map[string]any{"version": "1.23.16", "monitorList": []any{m}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestSource_Fields: what counts for a type is carried or lost; what counts for others is neither.
func TestSource_Fields(t *testing.T) {
	for _, c := range []struct {
		fields map[string]any
		want   string
		lost   string
	}{
		{map[string]any{"type": "http"}, `{"expect":{"status":"200-299"}}`, ""},
		{map[string]any{"type": "port", "hostname": "h", "port": 1}, "", ""},
		{map[string]any{"type": "ntp", "hostname": "h", "ntpRootDispersionThreshold": 1000}, "", "ntpRootDispersionThreshold: netmon has nothing like it"},
		{map[string]any{"type": "ntp", "hostname": "h", "ntpStratumThreshold": 3}, `{"expect":{"stratum":3}}`, ""},
		{map[string]any{"type": "ping", "hostname": "h", "ntpRootDispersionThreshold": 1000, "ping_per_request_timeout": 2}, `{"count":1,"wait":"2s"}`, ""},
		{map[string]any{"type": "json-query", "jsonPath": "$.n", "jsonPathOperator": ">", "expectedValue": "5"}, `{"expect":{"json":[{"min":5.000000000000001,"path":"$.n"}],"status":"200-299"}}`, ""},
		{map[string]any{"type": "json-query", "jsonPath": "$.n", "jsonPathOperator": "<", "expectedValue": "0.5"}, `{"expect":{"json":[{"max":0.49999999999999994,"path":"$.n"}],"status":"200-299"}}`, ""},
		{map[string]any{"type": "json-query", "jsonPath": "$.n", "jsonPathOperator": ">=", "expectedValue": "5"}, `{"expect":{"json":[{"min":5,"path":"$.n"}],"status":"200-299"}}`, ""},
		{map[string]any{"headers": `{"Host": "www.example.org"}`}, `{"expect":{"status":"200-299"},"host":"www.example.org","tls":{"server_name":"www.example.org"}}`, ""},
		{map[string]any{"type": "websocket-upgrade", "url": "wss://h/feed"}, "", "the WebSocket itself"},
	} {
		m := migratetest.One(t, kuma.Source(), backup(t, c.fields), "x")
		if got := string(m.Options); got != c.want {
			t.Errorf("%v: options %s, want %s", c.fields, got, c.want)
		}
		if c.lost == "" && len(m.Lost) > 0 || c.lost != "" && (len(m.Lost) != 1 || !strings.Contains(m.Lost[0], c.lost)) {
			t.Errorf("%v: lost %q, want %q", c.fields, m.Lost, c.lost)
		}
	}
}

func TestSecrets(t *testing.T) {
	places := map[string]string{}
	for place, fields := range map[string]map[string]any{
		"url":             {"url": "https://a:S3CRET@example.com/"},
		"query":           {"url": "https://example.com/?token=S3CRET"},
		"header":          {"headers": `{"X-Vault": "S3CRET"}`},
		"headers no JSON": {"headers": `X-Vault: S3CRET`},
		"body":            {"body": `{"password": "S3CRET"}`},
		"basic":           {"authMethod": "basic", "basic_auth_user": "a", "basic_auth_pass": "S3CRET"},
		"stale basic":     {"authMethod": "mtls", "basic_auth_pass": "S3CRET", "tlsKey": "S3CRET", "tlsCert": "S3CRET", "tlsCa": "S3CRET"},
		"bearer":          {"authMethod": "bearer", "bearer_token": "S3CRET"},
		"oauth":           {"authMethod": "oauth2-cc", "oauth_client_secret": "S3CRET"},
		"push":            {"type": "push", "pushToken": "S3CRET"},
		"database":        {"type": "postgres", "databaseConnectionString": "postgres://a:S3CRET@h/d"},
		"radius":          {"type": "radius", "radiusSecret": "S3CRET", "radiusPassword": "S3CRET"},
		"mqtt":            {"type": "mqtt", "mqttPassword": "S3CRET"},
		"json":            {"type": "json-query", "jsonPath": "$.token", "expectedValue": "S3CRET"},
		"unknown":         {"someNewPassword": "S3CRET"},
	} {
		places[place] = backup(t, fields)
	}
	places["proxy"] = strings.Replace(backup(t, map[string]any{"proxyId": 1}), `"version"`,
		`"proxyList": [{"id": 1, "protocol": "http", "host": "p.example.com", "port": 1, "auth": true, "username": "a", "password": "S3CRET", "active": true}], "version"`, 1)
	places["notification"] = strings.Replace(backup(t, nil), `"version"`, `"notificationList": [{"id": 1, "name": "ops", "config": "{\"webhookURL\": \"S3CRET\"}"}], "version"`, 1)
	migratetest.NoSecret(t, kuma.Source(), places)
}
