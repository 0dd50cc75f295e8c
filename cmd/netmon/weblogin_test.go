package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"netmon/console"
	"netmon/internal/endpoint"
	"netmon/internal/host"
	"netmon/internal/natstest"
	"netmon/internal/testcert"
	"netmon/wire"
)

// TestWebLogin signs in to pages that another identity serves, by the command, and is signed
// out where the person is shut out.
func TestWebLogin(t *testing.T) {
	s := natstest.StartSecure(t)
	dirs := map[string]string{}
	for name, role := range map[string]wire.Role{"pages": wire.RoleViewer, "olga": wire.RoleOperator, "vic": wire.RoleViewer} {
		_, dirs[name] = s.LetIn(t, role, name)
	}
	anna, dir := s.LetIn(t, wire.RoleAdmin, "anna")
	admin, err := console.ConnectAs(endpoint.PersonIn(dir), host.By(s.Connect, anna, dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	root := testcert.New(t, "pages", -1, 10, nil, func(c *testcert.Cert) { testcert.CA(c); testcert.Server(c) })
	der, err := x509.MarshalPKCS8PrivateKey(root.Key)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: root.Raw}, key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pages := follow(t, "web", "--creds", dirs["pages"], "--listen", "127.0.0.1:0", "--host", "localhost", "--tls-cert", cert, "--tls-key", key)
	pages.line("pages of", " on https://localhost:")
	_, at, _ := strings.Cut(pages.lines.Text(), " on ")
	login := func(who string, args ...string) (out, errs string, err error) {
		var o, e strings.Builder
		cmd := exec.CommandContext(t.Context(), "netmon", append([]string{"web", "login", "--creds", dirs[who]}, args...)...)
		cmd.Stdout, cmd.Stderr = &o, &e
		err = cmd.Run()
		return strings.TrimSpace(o.String()), e.String(), err
	}
	for name, tc := range map[string]struct {
		who  string
		args []string
		want string
	}{
		"another authority":   {"olga", []string{at}, "give the authority that it is from as --ca FILE"},
		"in clear":            {"olga", []string{"http://mon.example.org"}, `want https, got "http://mon.example.org"`},
		"more than one's own": {"vic", []string{"--ca", cert, "--role", "operator", at}, `role: want one of [viewer], as your own is viewer, got "operator"`},
		"an admin's session":  {"olga", []string{"--ca", cert, "--role", "admin", at}, `--role: want viewer or operator, got "admin"`},
		"longer than a day":   {"olga", []string{"--ca", cert, "--for", "25h", at}, `--for: want 1m to 24h, got "25h"`},
		"where nobody is":     {"olga", []string{"http://127.0.0.1:1"}, "connection refused"},
		"without an address":  {"olga", nil, "want the address of the pages"},
	} {
		if out, errs, err := login(tc.who, tc.args...); err == nil || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: %v, %q, want %q", name, err, out+errs, tc.want)
		}
	}
	link, errs, err := login("olga", "--ca", cert, at)
	if err != nil || !strings.HasPrefix(link, at+"session/new?code=") {
		t.Fatalf("%v: %s%s", err, link, errs)
	}
	if !strings.Contains(errs, "It acts as olga, role operator, until ") {
		t.Errorf("it says %q", errs)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root.Certificate)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	_, code, _ := strings.Cut(link, "code=")
	resp, err := browser.PostForm(at+"session/new", url.Values{"code": {code}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	signedIn := func() bool {
		resp, err := browser.Get(at + "agents")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	if !signedIn() {
		t.Fatal("the link does not sign in")
	}
	if _, err := admin.Access(t.Context(), wire.AccessCommand{Op: wire.AccessRevoke, Name: "olga"}); err != nil {
		t.Fatal(err)
	}
	for signedIn() { // until the broker has closed its connection
		if t.Context().Err() != nil {
			t.Fatal("who was shut out is signed in")
		}
	}
	pages.stop()
}
