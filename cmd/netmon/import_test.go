package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// endless is an input that never ends.
type endless struct{ reading, end chan struct{} }

func (e endless) Read([]byte) (int, error) {
	close(e.reading)
	<-e.end
	return 0, os.ErrClosed
}

// TestImport_Interrupted: netmon import ends when somebody interrupts it, also while it reads.
func TestImport_Interrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	in := endless{make(chan struct{}), make(chan struct{})}
	t.Cleanup(func() { close(in.end) })
	var out, log bytes.Buffer
	code := make(chan int, 1)
	go func() { code <- execute(ctx, []string{"netmon", "import", "gatus", "-"}, in, &out, &log) }()
	<-in.reading
	interrupt()
	if got := <-code; got != exitInterrupted || out.Len() > 0 {
		t.Errorf("exit %d, want %d: %s%s", got, exitInterrupted, &out, &log)
	}
}

// TestImport_Included: a mistake in a file that another one includes shows nothing of it.
func TestImport_Included(t *testing.T) {
	folder := t.TempDir()
	private := filepath.Join(folder, "private")
	if err := os.WriteFile(private, []byte("root:$6$hidden=:1:\n\"also hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for tool, text := range map[string]string{
		"smokeping":   "@include " + private + "\n",
		"cloudprober": "include \"" + private + "\"\n",
		"nagios":      "cfg_file=" + private + "\n",
		"prometheus":  "scrape_config_files: [" + private + "]\n",
	} {
		var out, log bytes.Buffer
		path := filepath.Join(folder, tool+".cfg")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code := execute(t.Context(), []string{"netmon", "import", tool, path}, strings.NewReader(""), &out, &log)
		if code != exitUsage || strings.Contains(log.String()+out.String(), "hidden") || !strings.Contains(log.String(), private+":") {
			t.Errorf("%s: exit %d, want %d and the file alone: %s%s", tool, code, exitUsage, &out, &log)
		}
	}
	given := filepath.Join(folder, "given.cfg")
	if err := os.WriteFile(given, []byte("*** Probes ***\n+ Curl\n++++ a password=hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	if code := execute(t.Context(), []string{"netmon", "import", "smokeping", given}, strings.NewReader(""), &out, &log); code != exitUsage || strings.Contains(log.String(), "hidden") || !strings.Contains(log.String(), "++++ a password=") {
		t.Errorf("exit %d: %s", code, &log)
	}
}
