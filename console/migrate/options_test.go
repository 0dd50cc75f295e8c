package migrate_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// TestMonitor_Carry: what is set twice is lost once, and says so; the same value twice is no loss.
func TestMonitor_Carry(t *testing.T) {
	var m migrate.Monitor
	o := migrate.Options{}
	o.Set("expect.body_regex", "aaa")
	o.Set("expect.body_regex", "bbb")
	o.Set("tls.insecure", true)
	o.Set("tls.insecure", true)
	o.Default("expect.body_regex", "ccc")
	o.Default("expect.status", "200")
	o.SetIn("headers", "X-A", "${env:NETMON_SECRET_A}")
	o.SetIn("headers", "X-A", "b")
	o.Set("expect.rcode", []string{"NOERROR"})
	o.Set("expect.rcode", []string{"NOERROR"})
	if err := m.Carry(o); err != nil {
		t.Fatal(err)
	}
	if got, want := string(m.Options), `{"expect":{"body_regex":"bbb","rcode":["NOERROR"],"status":"200"},"headers":{"X-A":"b"},"tls":{"insecure":true}}`; got != want {
		t.Errorf("options %s, want %s", got, want)
	}
	want := []string{`expect.body_regex: it is given twice, and netmon takes one; not "aaa"`, "headers.X-A: it is given twice, and netmon takes one"}
	if !slices.Equal(m.Lost, want) {
		t.Errorf("lost %q, want %q", m.Lost, want)
	}
}

func TestMonitor_HostNamesTLS(t *testing.T) {
	for _, c := range []struct{ kind, host, own, want string }{
		{"https", "www.example.com:8443", "", "www.example.com"},
		{"https", "[2001:db8::1]", "", "2001:db8::1"},
		{"https", "www.example.com", "tls.example.com", "tls.example.com"},
		{"http", "www.example.com", "", ""},
	} {
		m := migrate.Monitor{Saved: wire.Saved{Monitor: wire.Monitor{Kind: c.kind}}}
		o := migrate.Options{}
		if c.own != "" {
			o.Set("tls.server_name", c.own)
		}
		m.Header("host", c.host, o)
		if o.Get("host") != c.host || c.own == "" && o.Get("tls.server_name") != nil {
			t.Errorf("%+v: a header alone makes %v", c, o)
		}
		m.HostNamesTLS(o)
		if got, _ := o.Get("tls.server_name").(string); got != c.want {
			t.Errorf("%+v: server name %q", c, got)
		}
	}
}

// TestMonitor_SecretHeaders: a header is a secret by any part of its name.
func TestMonitor_SecretHeaders(t *testing.T) {
	for _, name := range []string{"X-Vault", "Apikey", "X-Authtoken", "PRIVATE-TOKEN", "X-Sessionid", "Set-Cookie", "X-My-Password"} {
		m, o := migrate.Monitor{}, migrate.Options{}
		m.Header(name, "S3CRET", o)
		if err := m.Carry(o); err != nil || strings.Contains(string(m.Options), "S3CRET") {
			t.Errorf("%s: %s %v", name, m.Options, err)
		}
	}
}

func TestSecretArgument(t *testing.T) {
	for line, want := range map[string]string{
		"-H h --token x": "--token", "--api-key=x": "--api-key", "a TOKEN=x": "TOKEN", "http://a:b@h/": "http://...@h/",
		"--key /etc/key.pem": "", "--token": "", "--auth -v": "", "-H token": "", "--monkey x": "",
	} {
		if got := migrate.SecretArgument(strings.Fields(line)); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

// TestFound_RunEvery: a timeout that is cut is told of.
func TestFound_RunEvery(t *testing.T) {
	found := &migrate.Found{Monitors: make([]migrate.Monitor, 3)}
	for i := range found.Monitors {
		found.Monitors[i].Timeout = wire.Duration(10 * time.Second)
	}
	found.Monitors[1].Timeout = wire.Duration(time.Second)
	found.RunEvery(time.Second)
	for i, m := range found.Monitors {
		if want := []string{"900ms", "1s", "900ms"}[i]; m.Every.String() != "1s" || m.Timeout.String() != want {
			t.Errorf("monitor %d: every %s, timeout %s, want %s", i, m.Every, m.Timeout, want)
		}
	}
	if len(found.Remarks) != 1 || found.Remarks[0].String() != "--every: 2 monitors have a timeout of 900ms now: it was longer than 1s, from one run to the next" {
		t.Errorf("%q", found.Remarks)
	}
}

func TestStatusRanges(t *testing.T) {
	if got, want := migrate.StatusRanges(func(code int) bool { return code != 404 && code < 500 }), "100-403,405-499"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := migrate.HostPort("[2001:db8::1]", "80"); got != "[2001:db8::1]:80" {
		t.Errorf("got %s", got)
	}
}
