package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/testcert"
)

// scraper asks as Prometheus does.
type scraper struct {
	t     *testing.T
	c     *http.Client
	token string
}

// get is an answer: its code, and its text.
func (s *scraper) get(url string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
	resp, err := s.c.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(data)
}

// says waits until an answer holds a text.
func (s *scraper) says(url, want string) {
	s.t.Helper()
	for limit := time.Now().Add(2 * patience); ; time.Sleep(50 * time.Millisecond) { // between two looks
		code, text := s.get(url)
		if code == http.StatusOK && strings.Contains(text, want) {
			return
		}
		if time.Now().After(limit) {
			s.t.Fatalf("%s: there is no %s in %d\n%s", url, want, code, text)
		}
	}
}

// TestExport: netmon export over TLS and with a token, and the metrics of a controller, an agent and
// pages beside them, of one mesh.
func TestExport(t *testing.T) {
	t.Parallel()
	dir, addr, target := t.TempDir(), freeAddr(t), listener(t)
	url := "nats://" + addr
	spawn(t, "broker", "--listen", addr, "--store", filepath.Join(dir, "broker"), "--no-controller").line("broker ready on", url)
	lead, paris, pages := freeAddr(t), freeAddr(t), freeAddr(t)
	controller := spawn(t, "controller", "--broker", url, "--state", filepath.Join(dir, "controller"), "--metrics", lead)
	controller.line("metrics:", "http://"+lead+"/metrics")
	controller.line("controller ready at", url)
	agent := spawn(t, "agent", "--broker", url, "--id", "paris", "--state", filepath.Join(dir, "paris"), "--metrics", paris)
	agent.line("metrics:", "http://"+paris+"/metrics")
	agent.line("agent paris connected to")
	web := spawn(t, "web", "--broker", url, "--listen", pages)
	web.line("pages of", pages)

	const token = "a-token-of-a-test-0123456789"
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := testcert.New(t, "test", -1, 1, nil, testcert.CA)
	cert := testcert.New(t, "localhost", -1, 1, ca, testcert.Server)
	key, err := x509.MarshalPKCS8PrivateKey(cert.Key)
	if err != nil {
		t.Fatal(err)
	}
	export := spawn(t, "export", "--broker", url, "--listen", "127.0.0.1:0", "--token-file", file("token", []byte(token+"\n")), "--allow-probe",
		"--tls-cert", file("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})), "--tls-key", file("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	_, at, _ := strings.Cut(export.line("metrics of "+url+" on https://"), " on ")
	at = strings.TrimSuffix(strings.TrimSpace(at), "/metrics")

	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	plain := &scraper{t, &http.Client{Timeout: patience}, ""}
	secure := &scraper{t, &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}, token}
	if code, text := (&scraper{t, secure.c, "another-token-0123456789"}).get(at + "/metrics"); code != http.StatusUnauthorized || strings.Contains(text, "netmon_verdict") {
		t.Errorf("by another token: %d %s", code, text)
	}

	netmonDo(t, 0, "add", "--broker", url, "tcp", target, "--name", "port", "--every", "1s", "--tag", "team=shop")
	mesh := `probe_success{agent="paris",instance="` + target + `",kind="tcp",monitor="port",tag_team="shop"} 1`
	secure.says(at+"/metrics", mesh)
	secure.says(at+"/metrics", `netmon_verdict{monitor="port",state="up"} 1`)
	plain.says("http://"+lead+"/metrics", mesh)
	plain.says("http://"+pages+"/metrics", mesh)
	plain.says("http://"+pages+"/sd", `"__param_module":"port"`)
	plain.says("http://"+paris+"/metrics", `probe_success{agent="paris",instance="`+target+`",kind="tcp",monitor="port"} 1`)
	secure.says(at+"/probe?module=tcp_connect&target="+target, `netmon_probe_info{agent="paris",monitor="port"} 1`)
	secure.says(at+"/probe?module=tcp_connect&target="+freeAddr(t), "probe_success 0")
	if code, text := plain.get("http://" + lead + "/probe?module=port"); code != http.StatusForbidden {
		t.Errorf("a controller measures: %d %s", code, text)
	}
	for name, p := range map[string]*proc{"export": export, "web": web, "agent": agent, "controller": controller} {
		if code, _ := p.stop(); code != 0 {
			t.Errorf("%s ended with %d", name, code)
		}
	}
}
