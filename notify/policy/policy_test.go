package policy

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/wire"
)

func read(t *testing.T, text string) *Policy {
	t.Helper()
	f := Default()
	if err := wire.DecodeStrict([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	p, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func destination(t *testing.T, text string) Destination {
	t.Helper()
	p, err := ParseDestination(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAllow_ByDefault(t *testing.T) {
	p := read(t, `{}`)
	for _, to := range []string{"169.254.169.254:80", "[fd00:ec2::254]:80", "[::ffff:169.254.169.254]:80", "[64:ff9b::a9fe:a9fe]:80", "[64:ff9b:1::1]:80", "[fe80::1]:80", "127.0.0.1:25", "[::1]:80", "0.0.0.0:80", "[::]:80"} {
		if err := p.Allow(netip.MustParseAddrPort(to)); err == nil {
			t.Errorf("%s is allowed", to)
		} else if !strings.HasPrefix(err.Error(), "the notifier's policy does not allow it: ") {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, to := range []string{"192.0.2.1:443", "10.0.0.1:25", "[2001:db8::1]:443"} {
		if err := p.Allow(netip.MustParseAddrPort(to)); err != nil {
			t.Errorf("%s: %v", to, err)
		}
	}
	up, err := Parse("x", nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Allow(netip.MustParseAddrPort("127.0.0.1:25")); err != nil {
		t.Errorf("netmon up: %v", err)
	}
	if up.Allow(netip.MustParseAddrPort("169.254.169.254:80")) == nil {
		t.Error("netmon up reaches the metadata service")
	}
}

func TestPermit_Targets(t *testing.T) {
	t.Setenv("NETMON_SECRET_A", "s3cret")
	t.Setenv("HOME_SECRET", "private")
	p := read(t, `{"secrets":{"targets":["hooks.slack.com ports 443","*.example.org ports 443,8443","relay port 25","192.0.2.0/24 ports 587"]}}`)
	for to, want := range map[string]struct{ ok, byNetwork bool }{
		"https://hooks.slack.com/x":      {true, false},
		"https://HOOKS.slack.com./x":     {true, false},
		"http://hooks.slack.com/x":       {false, false},
		"https://slack.com/x":            {false, false},
		"https://a.b.example.org:8443/":  {true, false},
		"https://example.org/":           {false, false},
		"https://evilexample.org/":       {false, false},
		"relay:25":                       {true, false},
		"192.0.2.7:587":                  {true, true},
		"192.0.3.7:587":                  {false, false},
		"smtp.elsewhere.test:587":        {true, true}, // its address is asked about when it is dialled
		"https://hooks.slack.com.evil/x": {false, false},
	} {
		got, err := p.Permit("${env:NETMON_SECRET_A}", destination(t, to))
		if (err == nil) != want.ok || got.ByNetwork != want.byNetwork || err == nil && got.Value != "s3cret" {
			t.Errorf("%s: %+v %v, want %+v", to, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "secrets.targets says: to allow it, add ") {
			t.Errorf("%s: %v does not say what to write", to, err)
		}
	}
	if err := p.AllowSecrets(netip.MustParseAddrPort("198.51.100.1:587")); err == nil || !strings.Contains(err.Error(), `"NETWORK ports 587"`) {
		t.Errorf("another network: %v", err)
	}
	if _, err := p.Permit("${env:HOME_SECRET}", destination(t, "https://hooks.slack.com")); err == nil || !strings.Contains(err.Error(), "secrets.env does not have") {
		t.Errorf("a variable that is not listed: %v", err)
	}
	if _, err := p.Permit("${file:/etc/passwd}", destination(t, "https://hooks.slack.com")); err == nil || !strings.Contains(err.Error(), "secrets.files has no folder of") {
		t.Errorf("a file that is not listed: %v", err)
	}
	_, err := read(t, `{}`).Permit("${env:NETMON_SECRET_A}", destination(t, "mx.test:25"))
	if err == nil || !strings.Contains(err.Error(), `write secrets: {targets: ["mx.test ports 25"]} into the notifier's policy file`) {
		t.Errorf("no targets: %v", err)
	}
}

// TestGrant: the word of the host's owner is about a reference at a place, and about
// nothing else.
func TestGrant(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "pw")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MY_HOOK", "https://hooks.example.org/T/x")
	p := read(t, `{}`)
	pw := "${file:" + filepath.ToSlash(file) + "}"
	p.Grant(Grant{pw, destination(t, "mx.test:587")}, Grant{Reference: "${env:MY_HOOK}"})
	if got, err := p.Permit(pw, destination(t, "mx.test:587")); err != nil || got.Value != "s3cret" || got.ByNetwork {
		t.Errorf("%+v %v", got, err)
	}
	for _, to := range []string{"mx.test:25", "evil.test:587"} {
		if _, err := p.Permit(pw, destination(t, to)); err == nil {
			t.Errorf("it may go to %s", to)
		}
	}
	if _, err := p.Permit("${file:"+filepath.ToSlash(dir)+"/other}", destination(t, "mx.test:587")); err == nil {
		t.Error("another file of the folder may be read")
	}
	if got, err := p.Permit("${env:MY_HOOK}", destination(t, "https://hooks.example.org")); err != nil || got.Value != "https://hooks.example.org/T/x" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := p.Permit("${env:MY_HOOK}", destination(t, "https://evil.test")); err == nil {
		t.Error("a URL goes elsewhere than it leads")
	}
}

// TestTargets_SharedNames: secrets go to no name under which anybody can have a host.
func TestTargets_SharedNames(t *testing.T) {
	for rule, shared := range map[string]bool{
		"*.logic.azure.com ports 443": true, "*.westeurope.logic.azure.com ports 443": true, "*.api.powerplatform.com ports 443": true, "*.environment.api.powerplatform.com": true,
		"*.com": true, "*.co.uk ports 443": true, "*.github.io": true, "*.HerokuApp.com. ports 443": true, "*.workers.dev": true,
		"prod-1.westeurope.logic.azure.com ports 443": false, "shop.github.io": false, "*.example.org ports 443": false, "*.shop.co.uk": false,
		"*.internal ports 443": false, "*.corp ports 443": false, "*.svc.cluster.local": false, "*.hooks.slack.com": false, "relay ports 25": false,
	} {
		f := Default()
		f.Secrets.Targets = []string{rule}
		_, err := New(f)
		if shared != (err != nil) || shared && !strings.Contains(err.Error(), "secrets.targets[0]: anybody can have a host under ") {
			t.Errorf("%s: %v, want it refused: %v", rule, err, shared)
		}
	}
}

func TestNew_ReportsEveryMistake(t *testing.T) {
	_, err := Parse("notifier.yaml", []byte("targets: {allow: [], deny: [metadat], reopen: [1.2.3.4/8]}\nsecrets:\n  env: ['[']\n  files: [rel]\n  targets: [loopbak, hooks.slack.com ports x, 10.0.0.1/8]\nexec: scripts\ncolour: red\n"), false)
	if err == nil {
		t.Fatal("no mistake")
	}
	for _, want := range []string{"targets.allow: is empty", `targets.deny[0]: want a network`, "targets.reopen[0]: want the network", "secrets.env[0]: ", "secrets.files[0]: ", `secrets.targets[0]: want a network`, `secrets.targets[1]: want ports`, "secrets.targets[2]: want the network",
		`exec: want a folder as an absolute path, got "scripts"`, `unknown field "colour"`, "notifier.yaml:7: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
}
