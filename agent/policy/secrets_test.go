package policy

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"netmon/internal/reach"
	"netmon/wire"
)

func TestSecret_FromListedPlacesAlone(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := filepath.Join(base, "secrets"), filepath.Join(base, "outside")
	for path, text := range map[string]string{
		filepath.Join(dir, "word"): "sesame\n", filepath.Join(dir, "sub", "word"): "open\r\n", filepath.Join(outside, "word"): "hidden",
		filepath.Join(dir, "huge"): strings.Repeat("x", reach.MaxSecret+1), filepath.Join(base, "secrets2", "word"): "beside",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type row struct{ kind, name, want, err string }
	rows := []row{
		{"file", filepath.Join(dir, "word"), "sesame", ""},
		{"file", filepath.Join(dir, "sub", "word"), "open", ""},
		{"file", filepath.Join(dir, "none"), "", "no such file"},
		{"file", filepath.Join(dir, "huge"), "", "over 262144 bytes"},
		{"file", dir, "", "secrets.files has no folder"},
		{"file", filepath.Join(dir, "sub"), "", "not a regular file"},
		{"file", filepath.Join(outside, "word"), "", "secrets.files has no folder"},
		{"file", filepath.Join(base, "secrets2", "word"), "", "secrets.files has no folder"},
		{"file", dir + "/../outside/word", "", "without . and .."},
		{"file", "word", "", "absolute"},
		{"env", "NETMON_TEST_ALLOWED_A", "a", ""},
		{"env", "NETMON_TEST_ALLOWED_NONE", "", "not set on this agent"},
		{"env", "NETMON_TEST_OTHER", "", "secrets.env does not have"},
		{"env", "PATH", "", "secrets.env does not have"},
	}
	if runtime.GOOS != "windows" {
		for name, to := range map[string]string{"in": "word", "out": filepath.Join(outside, "word"), "updir": "../outside/word", "dir": outside} {
			if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows,
			row{"file", filepath.Join(dir, "in"), "sesame", ""},
			row{"file", filepath.Join(dir, "out"), "", "escapes"},
			row{"file", filepath.Join(dir, "updir"), "", "escapes"},
			row{"file", filepath.Join(dir, "dir", "word"), "", "escapes"})
	}
	t.Setenv("NETMON_TEST_ALLOWED_A", "a")
	t.Setenv("NETMON_TEST_OTHER", "b")
	p := read(t, fmt.Sprintf(`{"secrets":{"env":["NETMON_TEST_ALLOWED_*"],"files":[%q]}}`, dir))
	for _, r := range rows {
		got, err := p.Secret(r.kind, r.name)
		if got != r.want || (err == nil) != (r.err == "") || err != nil && !strings.Contains(err.Error(), r.err) {
			t.Errorf("Secret(%s, %s) = %q, %v, want %q, %q", r.kind, r.name, got, err, r.want, r.err)
		}
	}
}

func TestSecret_ByDefault(t *testing.T) {
	t.Setenv("NETMON_SECRET_WORD", "sesame")
	p := read(t, `{}`)
	if got, err := p.Secret("env", "NETMON_SECRET_WORD"); got != "sesame" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, name := range []string{"HOME", "NETMON_CREDS", "NETMON_SECRET"} {
		if _, err := p.Secret("env", name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	if _, err := p.Secret("file", "/etc/passwd"); err == nil {
		t.Error("/etc/passwd is read")
	}
	none := read(t, `{"secrets":{"env":[],"files":[]}}`)
	if _, err := none.Secret("env", "NETMON_SECRET_WORD"); err == nil {
		t.Error("read although no name is listed")
	}
}

func TestAllowSecrets(t *testing.T) {
	behindProxy := netip.AddrPortFrom(netip.Addr{}, 443)
	for _, c := range []struct {
		name, policy string
		to           netip.AddrPort
		want         bool
	}{
		{"listed", `["10.0.0.0/8 ports 443"]`, netip.MustParseAddrPort("10.0.0.1:443"), true},
		{"listed, written as IPv6", `["10.0.0.0/8 ports 443"]`, netip.MustParseAddrPort("[::ffff:10.0.0.1]:443"), true},
		{"another port", `["10.0.0.0/8 ports 443"]`, netip.MustParseAddrPort("10.0.0.1:80"), false},
		{"another network", `["10.0.0.0/8 ports 443"]`, netip.MustParseAddrPort("192.0.2.1:443"), false},
		{"by a translator", `["10.0.0.0/8 ports 443"]`, netip.MustParseAddrPort("[64:ff9b::a00:1]:443"), false},
		{"known to a proxy alone", `["10.0.0.0/8 ports 443"]`, behindProxy, false},
		{"known to a proxy alone, where all may be", `["any ports 443"]`, behindProxy, true},
		{"the same with another port", `["any ports 80"]`, behindProxy, false},
		{"without a list", `null`, netip.MustParseAddrPort("10.0.0.1:443"), false},
		{"with an empty list", `[]`, netip.MustParseAddrPort("10.0.0.1:443"), false},
		{"without a list, by a proxy", `null`, behindProxy, false},
	} {
		p := read(t, `{"secrets":{"targets":`+c.policy+`}}`)
		if err := p.AllowSecrets(c.to); (err == nil) != c.want {
			t.Errorf("%s: AllowSecrets(%s) with %s = %v, want %v", c.name, c.to, c.policy, err, c.want)
		} else if err != nil && strings.Contains(err.Error(), c.to.Addr().String()) {
			t.Errorf("%s: the error tells the address: %v", c.name, err)
		}
	}
}

// TestCheck_Secrets: what a monitor writes out is refused before anything runs,
// with what to write where.
func TestCheck_Secrets(t *testing.T) {
	const header, nowhere = `"headers":{"X-A":"${env:NETMON_SECRET_A}"}`, `may only reach the targets in secrets.targets, and that list is empty`
	for _, c := range []struct {
		name, policy, kind, target, options string
		field, says, write                  string // "": it is allowed
	}{
		{"no list", `{}`, "http", "http://192.0.2.1/", `{` + header + `}`, "options.headers.X-A", nowhere, `write secrets: {targets: ["192.0.2.1 ports 80"]} into /etc/netmon/policy.yaml on the agent's host`},
		{"no list, a name", `{}`, "https", "https://api.example/", `{"auth":{"bearer":"${file:/etc/netmon/secrets/a}"}}`, "options.auth.bearer", nowhere, `["NETWORK-OF-api.example ports 443"]`},
		{"no list, and a proxy", `{}`, "http", "http://192.0.2.1/", `{` + header + `,"proxy":{"url":"http://192.0.2.9:3128"}}`, "options.headers.X-A", nowhere, `["192.0.2.1 ports 80", "192.0.2.9 ports 3128"]`},
		{"a secret of the proxy", `{}`, "http", "http://192.0.2.1/", `{"proxy":{"url":"http://192.0.2.9:3128","user":"ana","password":"${env:NETMON_SECRET_A}"}}`, "options.proxy.password", nowhere, ""},
		{"no list, and a resolver", `{}`, "http", "http://192.0.2.1/", `{` + header + `,"resolver":"192.0.2.53"}`, "options.headers.X-A", nowhere, `["192.0.2.1 ports 80"]`},
		{"a community", `{}`, "udp", "192.0.2.1:161", `{"protocol":"snmp","community":"${env:NETMON_SECRET_A}"}`, "options.community", nowhere, `"192.0.2.1 ports 161"`},
		{"a dialogue", `{}`, "tcp", "192.0.2.1:25", `{"steps":[{"send":"x"},{"send":"AUTH ${env:NETMON_SECRET_A}\r\n"}]}`, "options.steps[1].send", nowhere, ""},
		{"what ends a dialogue", `{}`, "tcp", "192.0.2.1:25", `{"quit":"${env:NETMON_SECRET_A}"}`, "options.quit", nowhere, ""},
		{"a reference, escaped", `{}`, "http", "http://192.0.2.1/", `{"headers":{"X-A":"\u0024{env:NETMON_SECRET_A}"}}`, "options.headers.X-A", nowhere, ""},
		{"a client's key", `{}`, "tls", "192.0.2.1", `{"tls":{"cert":"${file:/etc/netmon/secrets/c}","key":"${file:/etc/netmon/secrets/k}"}}`, "options.tls.cert", nowhere, ""},
		{"an authority's certificate is no secret", `{}`, "tls", "192.0.2.1", `{"tls":{"ca":"${file:/etc/netmon/secrets/ca.pem}"}}`, "", "", ""},
		{"no secret", `{}`, "http", "http://192.0.2.1/", `{"headers":{"X-A":"b"}}`, "", "", ""},
		{"listed", `{"secrets":{"targets":["192.0.2.0/24 ports 80"]}}`, "http", "http://192.0.2.1/", `{` + header + `}`, "", "", ""},
		{"listed, and a resolver that is not", `{"secrets":{"targets":["192.0.2.1 ports 80"]}}`, "http", "http://192.0.2.1/", `{` + header + `,"resolver":"198.51.100.53"}`, "", "", ""},
		{"elsewhere", `{"secrets":{"targets":["192.0.2.0/24 ports 80"]}}`, "http", "http://198.51.100.1/", `{` + header + `}`, "target", "secrets.targets", `add "198.51.100.1 ports 80" to that list in /etc/netmon/policy.yaml`},
		{"a port to which none may", `{"secrets":{"targets":["192.0.2.0/24 ports 443"]}}`, "http", "http://api.example/", `{` + header + `}`, "target", "secrets.targets", `add "NETWORK-OF-api.example ports 80"`},
		{"a name that may be there", `{"secrets":{"targets":["192.0.2.0/24 ports 80"]}}`, "http", "http://api.example/", `{` + header + `}`, "", "", ""},
		{"a proxy elsewhere", `{"secrets":{"targets":["192.0.2.0/24"]}}`, "http", "http://192.0.2.1/", `{` + header + `,"proxy":{"url":"http://198.51.100.9:3128"}}`, "options.proxy.url", "secrets.targets", `add "198.51.100.9 ports 3128"`},
	} {
		p := read(t, c.policy)
		p.At("/etc/netmon/policy.yaml")
		m, f := monitor(t, c.kind, c.target, "10s", c.options)
		err := p.Check(m, f)
		all := wire.FieldErrors(err)
		switch {
		case (err == nil) != (c.field == ""):
			t.Errorf("%s: %v", c.name, err)
		case err != nil && (len(all) != 1 || all[0].Path != c.field || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.write)):
			t.Errorf("%s: %v, want %s: %s … %s", c.name, err, c.field, c.says, c.write)
		case err != nil && len(err.Error()) > wire.MaxReason:
			t.Errorf("%s: a heartbeat cuts it: %d bytes", c.name, len(err.Error()))
		}
	}
}
