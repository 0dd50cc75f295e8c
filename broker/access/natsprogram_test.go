package access_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"netmon/broker/access"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// TestNatsProgram reads with the nats program, which asks for consumers in its
// own way: what the gate lowers and adds must not get in its way.
func TestNatsProgram(t *testing.T) {
	program := need.Tool(t, "nats", "none: go build -C internal/natscli -o DIR github.com/nats-io/natscli/nats")
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	agent, olga := who[wire.RoleAgent].connect(t, s.Mesh), who[wire.RoleOperator].connect(t, s.Mesh)
	if err := ask(agent, message("results.paris.web", `{"n":1}`)); err != nil {
		t.Fatal(err)
	}
	store, _ := bucket(t, natstest.JetStream(t, s.As(t, access.Controller, "controller")))
	if err := saveSigned(olga, who[wire.RoleOperator].signer(), store, "web", "", strings.ReplaceAll(savedWeb, "<me>", "olga"), 0); err != nil {
		t.Fatal(err)
	}
	vic := who[wire.RoleViewer]
	for want, args := range map[string]string{
		`{"n":1}`:      "sub --stream RESULTS --all --count 1 --raw",
		`"name":"web"`: "kv get monitors web --raw",
		"web":          "kv ls monitors",
		"mine":         "consumer add RESULTS mine --ephemeral --pull --ack none --deliver all --replay instant --defaults",
		"lasting":      "consumer add RESULTS lasting --ephemeral --pull --ack none --inactive-threshold 24h --defaults",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, program, append(strings.Fields(args), "--server", s.URL(), "--creds", identity.Creds(vic.dir), "--tlsca", identity.CA(vic.dir), "--inbox-prefix", vic.id.Inbox())...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("nats %s: %v\n%s", args, err, out)
		}
	}
}
