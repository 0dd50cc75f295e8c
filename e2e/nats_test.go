package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"netmon/internal/need"
	"netmon/wire"
)

// TestNatsCLI looks at the mesh with the nats program: subjects, requests,
// services, stream and bucket are part of the contract.
func TestNatsCLI(t *testing.T) {
	t.Parallel()
	nats := need.Tool(t, "nats", "none: go build -C internal/natscli -o DIR github.com/nats-io/natscli/nats")
	m := newMesh(t)
	m.do(0, "add", "tcp", listener(t), "--name", "web", "--every", "100ms")
	run := func(args ...string) string {
		t.Helper()
		return do(t, 0, nats, append([]string{"--server", m.url}, args...)...)
	}

	tap := spawnProgram(t, nats, "--server", m.url, "sub", "--raw", "results.>")
	for _, id := range []string{"oregon", "paris", "tokyo"} {
		line := tap.line(`"agent":"` + id + `"`)
		var r wire.Result
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Monitor != "web" || r.Outcome != wire.OK {
			t.Errorf("%s: %v", line, err)
		}
	}

	var list wire.Reply
	out := run("req", "--raw", "agent.paris.cmd", `{"op":"list"}`)
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Monitors) != 1 || list.Monitors[0].Name != "web" {
		t.Errorf("list: %s %v", out, err)
	}
	run("req", "--raw", "agent.paris.cmd", `{"op":"start","monitors":[{"name":"by-hand","kind":"tcp","target":"127.0.0.1:1","every":"100ms"}]}`)
	tap.line(`"monitor":"by-hand"`, `"failure":"refused"`)
	if out = run("req", "--raw", "agent.paris.cmd", `{"op":"stop","names":["by-hand"]}`); !strings.Contains(out, `"state":"stopped"`) {
		t.Errorf("stop: %s", out)
	}
	if out = run("req", "--raw", "agent.paris.cmd", `{"op":"dance"}`); !strings.Contains(out, `"code":"invalid"`) || !strings.Contains(out, `"field":"op"`) {
		t.Errorf("a mistake: %s", out)
	}
	for _, id := range []string{"oregon", "paris", "tokyo"} {
		if out = run("micro", "ls"); !strings.Contains(out, "netmon agent "+id) {
			t.Errorf("micro ls does not show %s:\n%s", id, out)
		}
	}
	if out = run("stream", "ls", "--names"); !strings.Contains(out, wire.ResultsStream) || !strings.Contains(out, wire.AgentsStream) {
		t.Errorf("streams: %s", out)
	}
	if out = run("kv", "get", wire.MonitorsBucket, "web", "--raw"); !strings.Contains(out, `"name":"web"`) {
		t.Errorf("bucket: %s", out)
	}
}
