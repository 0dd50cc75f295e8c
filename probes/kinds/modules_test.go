package kinds

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// TestModules: what blackbox_exporter's own configuration names can be measured here, by the
// targets that it takes, with and without the name of a host.
func TestModules(t *testing.T) {
	for _, x := range []struct{ module, target, kind, options, hostname string }{
		{"http_2xx", "example.com", "http", `{"expect":{"status":"200-299"}}`, ""},
		{"http_2xx", "https://192.0.2.1/", "https", `{"expect":{"status":"200-299"},"host":"example.com","tls":{"server_name":"example.com"}}`, "example.com"},
		{"http_post_2xx", "http://example.com/x", "http", `{"expect":{"status":"200-299"},"method":"POST"}`, ""},
		{"tcp_connect", "example.com:22", "tcp", "", "example.com"}, // there is no TLS that it could be the name in
		{"pop3s_banner", "192.0.2.1:995", "tcp", `{"expect":{"banner":"^\\+OK"},"security":"tls","tls":{"server_name":"example.com"}}`, "example.com"},
		{"ssh_banner", "example.com:22", "tcp", `{"expect":{"banner":"^SSH-2.0-"},"steps":[{"send":"SSH-2.0-blackbox-ssh-check\n"}]}`, ""},
		{"irc_banner", "example.com:6667", "tcp", `{"steps":[{"expect":"PING :(?P\u003cping\u003e[^ \\r\\n]+)","send":"NICK prober\nUSER prober prober prober :prober\n"},{"expect":"^:[^ ]+ 001","send":"PONG ${capture:ping}\n"}]}`, ""},
		{"icmp", "192.0.2.1", "icmp", `{"count":1}`, ""},
		{"icmp_ttl5", "192.0.2.1", "icmp", `{"count":1,"ttl":5}`, ""},
		{"dns_tcp", "example.com@192.0.2.53", "dns", `{"transport":"tcp"}`, ""},
		{"dns_udp", "example.com", "dns", `{"transport":"udp"}`, ""},
		{"dns_soa", "example.com", "dns", `{"type":"SOA"}`, ""},
		{"ntp", "pool.ntp.org", "ntp", "", ""},
		{"tls", "192.0.2.1:443", "tls", `{"tls":{"server_name":"example.com"}}`, "example.com"},
	} {
		found := false
		for _, k := range All() {
			m, ok := k.ModuleOf(x.module)
			if !ok {
				continue
			}
			options, err := m.With(nil, x.hostname)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.New(nil, x.target, options); err != nil {
				if k.Name == x.kind {
					t.Errorf("%s of %s: %v", x.module, x.target, err)
				}
				continue
			}
			if found = true; k.Name != x.kind || string(options) != x.options {
				t.Errorf("%s of %s is %s %s, want %s %s", x.module, x.target, k.Name, options, x.kind, x.options)
			}
			break
		}
		if !found {
			t.Errorf("no kind measures %s of %s", x.module, x.target)
		}
	}
}

// TestModules_Names: a module is of several kinds only where their targets differ, and each
// has options that its kind takes.
func TestModules_Names(t *testing.T) {
	for _, k := range All() {
		for _, m := range k.Modules {
			if _, other := All().Find(m.Name); other && m.Name != k.Name {
				t.Errorf("the module %s of kind %s has the name of a kind", m.Name, k.Name)
			}
			if _, err := k.New(nil, k.Example, json.RawMessage(m.Options)); err != nil && m.Name != "pop3s_banner" {
				t.Errorf("module %s of kind %s: %v", m.Name, k.Name, err)
			}
		}
	}
}

func TestModule_With(t *testing.T) {
	m := probes.Module{Name: "x", Options: `{"host":"a","n":12345678901234567890}`, Hostname: []string{"host", "tls.server_name"}}
	got, err := m.With(json.RawMessage(`{"tls":{"insecure":true}}`), "b")
	if want := `{"host":"a","n":12345678901234567890,"tls":{"insecure":true,"server_name":"b"}}`; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if _, err := m.With(json.RawMessage(`[]`), ""); err == nil {
		t.Error("a list is taken for options")
	}
}

func modulesTable() string {
	var b strings.Builder
	b.WriteString("| module | kind | options | `hostname=` sets |\n|---|---|---|---|\n")
	for _, k := range All() {
		for _, m := range k.Modules {
			options := ""
			if m.Options != "" {
				options = "`" + m.Options + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, k.Name, options, strings.Join(m.Hostname, ", "))
		}
	}
	return b.String()
}

// TestModules_Dialogues: servers that speak SSH and IRC are ok, and others are not.
func TestModules_Dialogues(t *testing.T) {
	// talks is a server that says its lines, each after a line that it waits for.
	talks := func(turns ...[2]string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				lines := bufio.NewReader(c)
				for _, turn := range turns {
					for turn[0] != "" {
						line, err := lines.ReadString('\n')
						if err != nil || strings.TrimRight(line, "\r\n") == turn[0] {
							break
						}
					}
					_, _ = io.WriteString(c, turn[1])
				}
				_, _ = io.Copy(io.Discard, lines)
				c.Close()
			}
		}()
		return l.Addr().String()
	}
	ssh := talks([2]string{"", "SSH-2.0-OpenSSH_9\r\n"})
	irc := talks([2]string{"", ":irc.test NOTICE * :hello\r\n"}, [2]string{"NICK prober", "PING :to-ken\r\n"}, [2]string{"PONG to-ken", ":irc.test 001 prober :Welcome\r\n"})
	mute := talks([2]string{"", "220 mail\r\n"})
	for _, x := range []struct {
		module, target string
		want           wire.Outcome
	}{
		{"ssh_banner", ssh, wire.OK}, {"ssh_banner", mute, wire.Failed}, {"irc_banner", irc, wire.OK}, {"irc_banner", ssh, wire.Failed}, {"tcp_connect", mute, wire.OK}, {"pop3s_banner", mute, wire.Failed},
	} {
		k, _ := All().Find("tcp")
		m, ok := k.ModuleOf(x.module)
		if !ok {
			t.Fatal(x.module)
		}
		env := &probes.Env{}
		c, err := k.New(env, x.target, json.RawMessage(m.Options))
		if err != nil {
			t.Fatal(err)
		}
		patience := 60 * time.Second
		if x.want == wire.Failed {
			patience = time.Second
		}
		if r := c.Run(t.Context(), patience, nil); r.Outcome != x.want {
			t.Errorf("%s of %s: %s: %s %s, want %s", x.module, x.target, r.Outcome, r.Failure, r.Error, x.want)
		}
		env.Close()
	}
}
