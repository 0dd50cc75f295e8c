package http

import (
	"crypto"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/crypto/ocsp"

	"netmon/internal/freeport"
	"netmon/internal/need"
	"netmon/internal/probetest"
	"netmon/probes"
	"netmon/wire"
)

const nginxConf = `
daemon off; master_process off; pid DIR/pid; error_log stderr warn;
events { worker_connections 64; }
http {
  access_log off; types { text/html html; application/json json; }
  client_body_temp_path DIR/t1; proxy_temp_path DIR/t2; fastcgi_temp_path DIR/t3; uwsgi_temp_path DIR/t4; scgi_temp_path DIR/t5;
  gzip on; gzip_min_length 100; gzip_types application/json; gzip_http_version 1.0;
  root DIR/www;
  ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate CERT; ssl_certificate_key KEY;
  server { listen 127.0.0.1:PORT0;
    location = /old { return 301 /big.html; } location = /secure { return 308 https://127.0.0.1:PORT1/big.html; }
    location = /closed { return 444; } location = /auth { auth_basic x; auth_basic_user_file DIR/users; try_files /big.html =404; } }
  server { listen 127.0.0.1:PORT1 ssl http2; ssl_stapling on; ssl_stapling_file DIR/staple; }
  server { listen 127.0.0.1:PORT2 ssl; ssl_protocols TLSv1.2; ssl_client_certificate CA; ssl_verify_client on; }
  server { listen 127.0.0.1:PORT3 http2; }
}`

// nginx is a running nginx: HTTP, HTTPS with HTTP/2, TLS 1.2 with client
// certificates, HTTP/2 without TLS.
type nginx struct {
	pki   *probetest.WebPKI
	bases [4]string
}

func startNginx(t *testing.T) nginx {
	t.Helper()
	tool := need.Tool(t, "nginx", "nginx")
	n, dir := nginx{pki: probetest.NewWebPKI(t)}, t.TempDir()
	cert, key := n.pki.Issue(t, "127.0.0.1", time.Now().Add(10*24*time.Hour))
	replace := []string{"DIR", dir, "CERT", cert, "KEY", key, "CA", n.pki.Ca}
	for i := range n.bases {
		addr := freeport.Addr(t)
		_, port, _ := net.SplitHostPort(addr)
		n.bases[i] = "http://" + addr
		if i == 1 || i == 2 {
			n.bases[i] = "https://" + addr
		}
		replace = append(replace, fmt.Sprintf("PORT%d", i), port)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	staple, err := ocsp.CreateResponse(n.pki.Cert, n.pki.Cert, ocsp.Response{Status: ocsp.Good, SerialNumber: pair.Leaf.SerialNumber,
		ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}, crypto.Signer(n.pki.Key))
	if err != nil {
		t.Fatal(err)
	}
	os.Mkdir(filepath.Join(dir, "www"), 0o755)
	for name, content := range map[string]string{
		"www/index.html": "<h1>hello</h1>\n", "www/big.html": strings.Repeat("<p>hello, world</p>\n", 5000), "www/up.json": probetest.HTTPPage,
		"users": "joe:{PLAIN}s3cret\n", "staple": string(staple), "nginx.conf": strings.NewReplacer(replace...).Replace(nginxConf),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	probetest.Daemon(t, tool, "-c", filepath.Join(dir, "nginx.conf"), "-p", dir, "-e", "stderr")
	untilAnswered(t, "http", n.bases[0], "")
	return n
}

// curled is what curl -w says of a transfer.
type curled struct {
	Status    int     `json:"response_code"`
	Version   string  `json:"http_version"`
	Body      int64   `json:"size_download"`
	Headers   int64   `json:"size_header"`
	Redirects int     `json:"num_redirects"`
	URL       string  `json:"url_effective"`
	Remote    string  `json:"remote_ip"`
	Connect   float64 `json:"time_connect"`
	TLS       float64 `json:"time_appconnect"`
	First     float64 `json:"time_starttransfer"`
	Total     float64 `json:"time_total"`
}

// TestHTTP_AsCurl asks a server that we did not write the same as curl does.
func TestHTTP_AsCurl(t *testing.T) {
	curl := need.Tool(t, "curl", "curl")
	n := startNginx(t)
	cert, key := n.pki.Issue(t, "client", time.Now().Add(time.Hour))
	password := filepath.Join(t.TempDir(), "password")
	os.WriteFile(password, []byte("s3cret\n"), 0o600)
	tlsOptions := `"ca":"${file:` + n.pki.Ca + `}","cert":"${file:` + cert + `}","key":"${file:` + key + `}"`
	for name, c := range map[string]struct {
		url, options string
		curl         []string
		status       int
	}{
		"HTTP/1.1":                    {n.bases[0] + "/big.html", ``, nil, 200},
		"without gzip":                {n.bases[0] + "/big.html", `"headers":{"Accept-Encoding":"identity"}`, []string{"-H", "Accept-Encoding: identity"}, 200},
		"HEAD":                        {n.bases[0] + "/big.html", `"method":"HEAD"`, []string{"-I"}, 200},
		"not found":                   {n.bases[0] + "/nothing", ``, nil, 404},
		"a method that is none":       {n.bases[0] + "/", `"method":"BREW"`, []string{"-X", "BREW"}, 405},
		"a redirect":                  {n.bases[0] + "/old", ``, nil, 200},
		"a redirect, as the answer":   {n.bases[0] + "/old", `"redirects":-1`, []string{"--max-redirs", "0"}, 301},
		"a redirect to HTTPS":         {n.bases[0] + "/secure", ``, nil, 200},
		"basic authentication":        {n.bases[0] + "/auth", `"auth":{"user":"joe","password":"${file:` + password + `}"}`, []string{"-u", "joe:s3cret"}, 200},
		"none":                        {n.bases[0] + "/auth", ``, nil, 401},
		"HTTP/2 by ALPN":              {n.bases[1] + "/big.html", ``, nil, 200},
		"HTTPS, HTTP/1.1":             {n.bases[1] + "/up.json", `"http_version":"1.1"`, []string{"--http1.1"}, 200},
		"TLS 1.2, client certificate": {n.bases[2] + "/big.html", ``, nil, 200},
		"HTTP/2, prior knowledge":     {n.bases[3] + "/big.html", `"http_version":"2"`, []string{"--http2-prior-knowledge"}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-s", "--noproxy", "*", "-o", filepath.Join(t.TempDir(), "body"), "-w", "%{json}", "-H", "Connection: close",
				"--cacert", n.pki.Ca, "--cert", cert, "--key", key}, c.curl...)
			if !strings.Contains(c.options, "Accept-Encoding") {
				args = append(args, "-H", "Accept-Encoding: gzip")
			}
			if !strings.Contains(c.options, "redirects") {
				args = append(args, "-L")
			}
			out, err := exec.CommandContext(t.Context(), curl, append(args, c.url)...).Output()
			var want curled
			if jerr := json.Unmarshal(out, &want); jerr != nil {
				t.Fatalf("curl: %v, %v: %s", err, jerr, out)
			}
			if c.options != "" {
				c.options += ","
			}
			kind, _, _ := strings.Cut(c.url, ":")
			r := measure(t, kind, c.url, `{`+c.options+`"tls":{`+tlsOptions+`},"expect":{"status":"100-599"}}`)
			if probetest.WantFailure(t, r, wire.OK, ""); t.Failed() {
				return
			}
			d := probetest.DetailsOf[Details](t, r)
			url := d.URL
			if url == "" {
				url = c.url
			}
			got := curled{d.Status, strings.TrimPrefix(d.Protocol, "HTTP/"), *d.BodyBytes, d.HeaderBytes, len(d.Redirects), url, r.Address, want.Connect, want.TLS, want.First, want.Total}
			if d.Protocol == "HTTP/2" || len(d.Redirects) > 0 { // curl adds up the headers of all responses
				got.Headers = want.Headers
			}
			if got != want || d.Status != c.status {
				t.Errorf("\nwe see %+v\ncurl   %+v", got, want)
			}
			t.Logf("connect %v, tls %v, total %v; curl %.3f, %.3f, %.3f ms", time.Duration(d.ConnectNS), time.Duration(d.TLSNS), r.Elapsed(),
				want.Connect*1e3, max(0, want.TLS-want.Connect)*1e3, want.Total*1e3)
		})
	}
}

func TestHTTP_Nginx(t *testing.T) {
	n := startNginx(t)
	ca := `"tls":{"ca":"${file:` + n.pki.Ca + `}"}`
	r := measure(t, "https", n.bases[1]+"/big.html", `{`+ca+`,"expect":{"headers":{"server":"^nginx"},"body_regex":"^(<p>hello, world</p>\n){5}","min_bytes":100000,"max_bytes":100000,"version":"1.3","alpn":"h2","days_left":9}}`)
	probetest.WantFailure(t, r, wire.OK, "")
	d := probetest.DetailsOf[Details](t, r)
	if d.Encoding != "gzip" || *d.DecodedBytes != 100000 || *d.BodyBytes > 2000 || d.TLS.Version != "TLS 1.3" || len(d.TLS.Chain) != 1 || d.TLS.OCSP != "good" {
		t.Errorf("%s", r.Details)
	}
	r = measure(t, "https", n.bases[2], `{`+ca+`}`)
	probetest.WantFailure(t, r, wire.Failed, wire.FailMismatch) // nginx says it with status 400
	if d := probetest.DetailsOf[Details](t, r); d.Status != 400 || d.TLS.Version != "TLS 1.2" {
		t.Errorf("%s", r.Details)
	}
	probetest.WantFailure(t, measure(t, "http", n.bases[0]+"/closed", ""), wire.Failed, wire.FailClosed)
	probetest.WantFailure(t, measure(t, "https", n.bases[1], `{"tls":{}}`), wire.Failed, wire.FailCertificate)
	// nginx keeps connections, and reuses the one that we kept.
	env := &probes.Env{}
	t.Cleanup(func() { env.Close() })
	c, err := Kinds().New(env, "https", n.bases[1]+"/up.json", json.RawMessage(`{"keep_alive":true,`+ca+`,"expect":{"json":[{"path":"$.jobs[0].ok","equals":true}],"days_left":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		r := c.Run(t.Context(), 5*time.Second, nil)
		probetest.WantFailure(t, r, wire.OK, "")
		if d := probetest.DetailsOf[Details](t, r); d.Reused != (i > 0) || (d.TLSNS == 0) != (i > 0) || d.TLS.Version != "TLS 1.3" || r.CertExpires == nil {
			t.Errorf("run %d: %s", i, r.Details)
		}
	}
}

// TestHTTP_ReadmeExample: what README.md shows is accepted.
func TestHTTP_ReadmeExample(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```yaml\nkind: https\n")
	example, _, ok := strings.Cut(example, "```")
	if !ok {
		t.Fatal("README.md has no example of https")
	}
	data, err := yaml.YAMLToJSON([]byte("kind: https\n" + example))
	if err != nil {
		t.Fatal(err)
	}
	var m wire.Monitor
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m.Name, m.Every = "x", wire.Duration(time.Minute)
	if err := Kinds().CheckMonitor(m); err != nil {
		t.Error(err)
	}
}
