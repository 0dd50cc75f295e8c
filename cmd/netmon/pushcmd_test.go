package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/internal/testlog"
	"netmon/wire"
)

// TestExport_Pushes: results are in the file once, over several starts, and one process has
// it at a time.
func TestExport_Pushes(t *testing.T) {
	need.Time(t)
	b := natstest.Start(t)
	js := natstest.JetStream(t, natstest.Connect(t, b))
	file, state := filepath.Join(t.TempDir(), "out.ndjson"), t.TempDir()
	args := []string{"netmon", "export", "--broker", b.URL(), "--ndjson", file, "--state", state, "--all"}
	for round := range 3 {
		data, err := json.Marshal(wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "E", Seq: uint64(round + 1), Started: time.Now().UTC(), Outcome: wire.OK})
		if err == nil {
			_, err = js.Publish(t.Context(), "results.paris.web", data)
		}
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var out, log testlog.Buffer
		code := make(chan int, 1)
		go func() { code <- execute(ctx, args, strings.NewReader(""), &out, &log) }()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			text, _ := os.ReadFile(file)
			if strings.Count(string(text), "\n") > round {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("nothing is written: %s%s", &out, &log)
			}
		}
		if round == 0 {
			var second testlog.Buffer
			if n := execute(t.Context(), args, strings.NewReader(""), io.Discard, &second); n != exitNo || !strings.Contains(second.String(), "another netmon export sends there") {
				t.Errorf("a second one ends with %d: %s", n, &second)
			}
		}
		stop()
		if n := <-code; n != exitOK && n != exitInterrupted {
			t.Errorf("it ends with %d: %s", n, &log)
		}
		if !strings.Contains(out.String(), "go to NDJSON in "+file) {
			t.Errorf("said %s", &out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 3 || !strings.HasPrefix(string(text), `{"type":"result","sequence":1,"agent":"paris"`) {
		t.Errorf("%s %v", text, err)
	}
}
