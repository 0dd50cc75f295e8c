package prometheus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/console/migrate"
	"netmon/console/migrate/migratetest"
	"netmon/console/migrate/prometheus"
)

// with is a source of prometheus.yml alone, which has this module beside it.
func with(t *testing.T, module string) migrate.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "blackbox.yml")
	if err := os.WriteFile(path, []byte("modules: {m: "+module+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := prometheus.Source()
	read := s.Read
	s.Read = func(in *migrate.Input) (*migrate.Found, error) {
		more, err := migrate.NewInput([]string{path}, nil)
		if err != nil {
			return nil, err
		}
		return read(&migrate.Input{Files: append(more.Files, in.Files...)})
	}
	return s
}

func job(target string) string {
	return `scrape_configs: [{job_name: j, metrics_path: /probe, params: {module: [m]}, static_configs: [{targets: ["` + target + `"]}],
  relabel_configs: [{source_labels: [__address__], target_label: __param_target}, {target_label: __address__, replacement: "b:9115"}], authorization: {credentials: S3CRET}}]`
}

// TestHost: there a header Host is the name in TLS, unless tls_config has one.
func TestHost(t *testing.T) {
	for module, want := range map[string]string{
		"{prober: http, http: {headers: {Host: v.example.com}}}":                                           `"server_name":"v.example.com"`,
		"{prober: http, http: {headers: {Host: v.example.com}, tls_config: {server_name: t.example.com}}}": `"server_name":"t.example.com"`,
	} {
		found := migratetest.Read(t, with(t, module), job("https://192.0.2.1/"))
		if len(found.Monitors) != 1 || !strings.Contains(string(found.Monitors[0].Options), want) || len(found.Monitors[0].Lost) > 0 {
			t.Errorf("%s: %+v, want %s", module, found.Monitors, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	for place, module := range map[string]string{
		"headers":       "{prober: http, http: {headers: {X-Vault: S3CRET, Authorization: Bearer S3CRET}}}",
		"http_headers":  "{prober: http, http: {http_headers: {X-A: {secrets: [S3CRET]}, X-Session: {values: [S3CRET]}}}}",
		"basic_auth":    "{prober: http, http: {basic_auth: {username: a, password: S3CRET}}}",
		"bearer_token":  "{prober: http, http: {bearer_token: S3CRET}}",
		"authorization": "{prober: http, http: {authorization: {type: Token, credentials: S3CRET}}}",
		"oauth2":        "{prober: http, http: {oauth2: {client_id: a, client_secret: S3CRET, token_url: https://h/}}}",
		"body":          "{prober: http, http: {method: POST, body: 'password=S3CRET'}}",
		"proxy_url":     "{prober: http, http: {proxy_url: 'http://a:S3CRET@p.example.com:1'}}",
		"proxy header":  "{prober: http, http: {proxy_url: 'http://p.example.com:1', proxy_connect_header: {Proxy-Authorization: [S3CRET]}}}",
		"tls key":       "{prober: http, http: {tls_config: {key: S3CRET, cert: S3CRET, ca: S3CRET}}}",
		"dialogue":      "{prober: tcp, tcp: {query_response: [{send: 'PASS S3CRET'}]}}",
	} {
		migratetest.NoSecret(t, with(t, module), map[string]string{place: job("https://h.example.com:1/")})
	}
	migratetest.NoSecret(t, with(t, "{prober: http}"), map[string]string{"url": job("https://a:S3CRET@h/"), "query": job("https://h/?token=S3CRET")})
}
