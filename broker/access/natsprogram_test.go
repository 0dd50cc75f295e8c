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
	settings := savedIn(t, natstest.JetStream(t, s.As(t, access.Controller, "controller")), wire.AlertingBucket)
	if err := putSigned(olga, who[wire.RoleOperator].signer(), settings.store, "$KV.alerting.channel.hook", "", strings.ReplaceAll(savedHook, "<me>", "olga"), 0); err != nil {
		t.Fatal(err)
	}
	queued(t, natstest.JetStream(t, s.As(t, access.Controller, "controller")), "hook", "i1")
	for _, c := range []struct {
		who        actor
		want, args string
		refused    bool
	}{
		{who[wire.RoleViewer], `{"n":1}`, "sub --stream RESULTS --all --count 1 --raw", false},
		{who[wire.RoleViewer], `"name":"web"`, "kv get monitors web --raw", false},
		{who[wire.RoleViewer], "web", "kv ls monitors", false},
		{who[wire.RoleViewer], "mine", "consumer add RESULTS mine --ephemeral --pull --ack none --deliver all --replay instant --defaults", false},
		{who[wire.RoleViewer], "lasting", "consumer add RESULTS lasting --ephemeral --pull --ack none --inactive-threshold 24h --defaults", false},
		{who[wire.RoleViewer], `"name":"hook"`, "kv get alerting channel.hook --raw", false},
		{who[wire.RoleViewer], `"id":"i1"`, "sub --stream INCIDENTS --all --count 1 --raw", false},
		{who[wire.RoleViewer], "", "consumer next NOTICES hook --raw", true},
		{who[wire.RoleViewer], "", "kv put alerting channel.hook {}", true},
		{who[wire.RoleOperator], "", "kv put alerting channel.hook {}", true}, // it does not sign
		{who[wire.RoleOperator], "", "kv del alerting channel.hook -f", true},
		{who[wire.RoleNotifier], `"incident":"i1"`, "consumer next NOTICES hook --raw --ack", false},
		{who[wire.RoleNotifier], "", "kv put control leader x", true},
		{who[wire.RoleNotifier], "", "kv put control notifier.hook x", true}, // no lease, and over no revision
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		cmd := exec.CommandContext(ctx, program, append(strings.Fields(c.args), "--server", s.URL(), "--creds", identity.Creds(c.who.dir), "--tlsca", identity.CA(c.who.dir), "--timeout", map[bool]string{false: "10s", true: "2s"}[c.refused], "--inbox-prefix", c.who.id.Inbox())...)
		cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "HOME="+t.TempDir())
		out, err := cmd.CombinedOutput()
		cancel()
		if c.refused != (err != nil) || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: nats %s: %v\n%s", c.who.name, c.args, err, out)
		}
	}
}
