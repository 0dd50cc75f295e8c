package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestApply_BrokerOfThisHost: a monitor of ${broker} runs on the agents of this host alone
// where the broker was reached at a loopback address, as nobody listens there elsewhere.
func TestApply_BrokerOfThisHost(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte("monitors:\n- {name: own, kind: tcp, target: \"${broker}\"}\n- {name: web, kind: tcp, target: \"h:1\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		agents map[string]string // and their hosts
		want   string
		warns  bool
	}{
		"an agent here, and one elsewhere": {map[string]string{"paris": host, "tokyo": "far.example"}, "- paris", false},
		"no agent here":                    {map[string]string{"tokyo": "far.example"}, "agents: all", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := natstest.Start(t)
			js := natstest.JetStream(t, natstest.Connect(t, b))
			for id, at := range c.agents {
				data, err := json.Marshal(wire.Alive{Agent: id, Host: at})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := js.Publish(t.Context(), "agent."+id+".alive", data); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("NETMON_BROKER", b.URL())
			t.Setenv("XDG_CONFIG_HOME", t.TempDir())
			var out, errs bytes.Buffer
			if code := execute(t.Context(), []string{"netmon", "diff", "-f", file}, strings.NewReader(""), &out, &errs); code != 1 {
				t.Fatalf("exit code %d:\n%s%s", code, &out, &errs)
			}
			own, web, _ := strings.Cut(out.String(), "\nweb\n")
			if !strings.Contains(own, c.want) || strings.Contains(own, "tokyo") || !strings.Contains(web, "agents: all") {
				t.Errorf("want %q in\n%s", c.want, &out)
			}
			if got := strings.Contains(errs.String(), "WARNING: own: no agent runs on this host, and agents elsewhere cannot reach 127.0.0.1:"); got != c.warns {
				t.Errorf("it says\n%s", &errs)
			}
		})
	}
}
