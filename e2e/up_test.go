package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUp_TheFirstCommand runs what the README tells a newcomer to run, on
// another port.
func TestUp_TheFirstCommand(t *testing.T) {
	addr, store := freeAddr(t), t.TempDir()
	args := []string{"up", "--listen", addr, "--store", store, "--state", filepath.Join(store, "agent"), "--id", "home", "--results"}
	quickstart, err := os.ReadFile("../examples/quickstart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "quickstart.yaml")
	text := strings.ReplaceAll(string(quickstart), "127.0.0.1:4222", addr)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	p := spawn(t, append(args, file)...)
	p.line("netmon agent --broker nats://" + addr)
	p.line("nats --server nats://"+addr, "sub 'results.>'")
	p.line("home", "broker", "● ok")
	t.Logf("first results after %v", time.Since(begin))
	p.line("nobody-udp", "✕ failed", "refused")
	p.line("nobody-tcp", "● ok", "does not answer, as wanted")
	p.line("loopback")
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}

	// Without a file it goes on with what was saved.
	p = spawn(t, args...)
	p.line("8 monitors")
	p.line("home", "broker", "● ok")
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}
}

func TestUp_WithNothingSavedSaysHowToBegin(t *testing.T) {
	addr, store := freeAddr(t), t.TempDir()
	p := spawn(t, "up", "--listen", addr, "--store", store, "--state", filepath.Join(store, "agent"))
	p.line("a first monitor:", "netmon add")
	p.line("results") // the tap's line
	p.stop()
}
