package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/internal/freeport"
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
	listen := freeport.Addr(t)
	args := []string{"netmon", "export", "--broker", b.URL(), "--ndjson", file, "--state", state, "--all", "--listen", listen}
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
			wantMetric(t, "http://"+listen+"/metrics", `netmon_push_results_total{destination="NDJSON in `+file+`"} 1`)
			var second testlog.Buffer
			if n := execute(t.Context(), args[:len(args)-2], strings.NewReader(""), io.Discard, &second); n != exitNo || !strings.Contains(second.String(), "another netmon export sends there") {
				t.Errorf("a second one ends with %d: %s", n, &second)
			}
		}
		stop()
		if n := <-code; n != exitOK && n != exitInterrupted {
			t.Errorf("it ends with %d: %s", n, &log)
		}
		if !strings.Contains(out.String(), "go to NDJSON in "+file) || !strings.Contains(out.String(), "NDJSON in "+file+": 1 result and 0 verdicts sent\n") {
			t.Errorf("said %s", &out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "\n") != 3 || !strings.HasPrefix(string(text), `{"type":"result","sequence":1,"agent":"paris"`) {
		t.Errorf("%s %v", text, err)
	}
}

// wantMetric waits until a scrape has a line.
func wantMetric(t *testing.T, url, line string) {
	t.Helper()
	var text []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(url) // #nosec G107 -- of the test
		if err != nil {
			continue
		}
		text, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
		if strings.Contains(string(text), line+"\n") {
			return
		}
	}
	t.Errorf("%s: no %s in %s", url, line, text)
}
