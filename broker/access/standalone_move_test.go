package access_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/internal/freeport"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestExport_TakesTheStoreAlong does what docs/reliability.md says of a
// nats-server that takes the place of netmon broker: the folder of the mesh's
// account is copied, as the account is the same.
func TestExport_TakesTheStoreAlong(t *testing.T) {
	t.Parallel()
	program := natsServer(t)
	store, conf, port := t.TempDir(), t.TempDir(), freeport.Port(t)
	s := natstest.StartSecureWith(t, natstest.Setup{Store: store})
	nc := s.As(t, access.Controller, "controller")
	js := natstest.JetStream(t, nc)
	for i := range 3 {
		if _, err := js.Publish(t.Context(), "results.paris.web", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	kv, err := js.KeyValue(t.Context(), wire.MonitorsBucket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.PutString(t.Context(), "web", "{}"); err != nil {
		t.Fatal(err)
	}
	s.Broker.Close()
	if err := s.Export(conf, port); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(conf, "jetstream", "jetstream", s.Account())
	if err := os.CopyFS(to, os.DirFS(filepath.Join(store, "jetstream", s.Account()))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-a", "127.0.0.1", "-c", "nats-server.conf", "-l", "log")
	cmd.Dir = conf
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })

	there := natstest.Mesh{Authority: s.Authority, Address: fmt.Sprintf("tls://127.0.0.1:%d", port)}
	js = natstest.JetStream(t, there.As(t, access.Controller, "controller", nats.RetryOnFailedConnect(true)))
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		k, err := broker.Count(t.Context(), js)
		if err == nil && k.Monitors == 1 && k.Results == 3 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it keeps %+v: %v", k, err)
		}
	}
}
