package policy

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSecret_FromListedPlacesAlone(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	dir, outside := filepath.Join(base, "secrets"), filepath.Join(base, "outside")
	for path, text := range map[string]string{
		filepath.Join(dir, "word"): "sesame\n", filepath.Join(dir, "sub", "word"): "open\r\n", filepath.Join(outside, "word"): "hidden",
		filepath.Join(dir, "huge"): strings.Repeat("x", maxSecret+1), filepath.Join(base, "secrets2", "word"): "beside",
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
	p := read(t, `{"secrets":{"targets":["10.0.0.0/8 ports 443"]}}`)
	for to, want := range map[string]bool{"10.0.0.1:443": true, "[::ffff:10.0.0.1]:443": true, "10.0.0.1:80": false, "192.0.2.1:443": false, "[64:ff9b::a00:1]:443": false} {
		if err := p.AllowSecrets(netip.MustParseAddrPort(to)); (err == nil) != want {
			t.Errorf("AllowSecrets(%s) = %v, want %v", to, err, want)
		}
	}
	if p.AllowSecrets(netip.AddrPort{}) == nil {
		t.Error("an address that only a proxy knows is allowed")
	}
	if err := read(t, `{}`).AllowSecrets(netip.AddrPort{}); err != nil {
		t.Errorf("without secrets.targets: %v", err)
	}
}
