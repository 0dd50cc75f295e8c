package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestUp_TheFirstCommand runs what the README tells a newcomer to run, on
// another port.
func TestUp_TheFirstCommand(t *testing.T) {
	t.Parallel()
	addr, pages, store := freeAddr(t), freeAddr(t), t.TempDir()
	args := []string{"up", "--listen", addr, "--web", pages, "--store", store, "--state", filepath.Join(store, "agent"), "--id", "home", "--results"}
	file := "../examples/quickstart.yaml"
	begin := time.Now()
	p := spawn(t, append(args, file)...)
	p.line("netmon agent --broker nats://" + addr)
	p.line("nats --server nats://"+addr, "sub 'results.>'")
	p.line("home", "broker", "● ok")
	t.Logf("first results after %v", time.Since(begin))
	p.line("nobody-udp", "✕ failed", "refused")
	p.line("nobody-tcp", "● ok", "does not answer, as expected")
	p.line("loopback")
	asReadmeShows(p, addr, pages)
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}

	// Without a file it continues with what was saved.
	p = spawn(t, args...)
	p.line("8 monitors")
	p.line("home", "broker", "● ok")
	if code, took := p.stop(); code != 0 || took > 5*time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}
}

// asReadmeShows waits for the lines that README.md shows of that command: all but
// those that depend on the host (its network, and whether it may ping), and but for
// times and figures.
func asReadmeShows(p *proc, addr, pages string) {
	p.t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		p.t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(readme), "<!-- up -->\n```text\n")
	shown, _, end := strings.Cut(shown, "```")
	if !ok || !end {
		p.t.Fatal("README.md shows nothing of netmon up")
	}
	figure := regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d+ |[0-9.]+ (µs|ms|s)\b| +- +`)
	for line := range strings.Lines(strings.NewReplacer("127.0.0.1:4222", addr, "127.0.0.1:4280", pages, "token=…", "token=").Replace(shown)) {
		if strings.Contains(line, " web ") || strings.Contains(line, " loopback ") {
			continue
		}
		var words []string
		for part := range strings.SplitSeq(figure.ReplaceAllString(line, "\x00"), "\x00") {
			words = append(words, strings.Fields(part)...)
		}
		p.line(words...)
	}
}

func TestUp_WithNothingSavedSaysHowToBegin(t *testing.T) {
	t.Parallel()
	addr, store := freeAddr(t), t.TempDir()
	p := spawn(t, "up", "--listen", addr, "--store", store, "--state", filepath.Join(store, "agent"))
	p.line("a first monitor:", "netmon add")
	p.line("results") // the tap's line
	p.stop()
}
