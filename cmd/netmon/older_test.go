package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"netmon/internal/natstest"
	"netmon/wire"
)

// agedMesh has six results of web, of which the stream has lost the first three, and a
// history of hours and minutes.
func agedMesh(t *testing.T) (url string, first time.Time) {
	t.Helper()
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	js := natstest.JetStream(t, nc)
	for n := range uint64(6) {
		ns := int64(n+1) * 1e6
		r := wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "E", Seq: n + 1, Run: n + 1, Started: time.Now().UTC(), LatencyNS: &ns, Outcome: wire.OK, Revision: 1}
		if n == 5 {
			r.Outcome, r.Failure, r.LatencyNS = wire.Failed, wire.FailRefused, nil
		}
		data, _ := json.Marshal(r)
		if _, err := js.Publish(t.Context(), "results.paris.web", data); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(4)); err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
		q, err := wire.DecodeHistoryQuery(m.Data)
		if err != nil {
			t.Error(err)
		}
		s := wire.HistorySeries{Monitor: "web", Agent: "paris", Kind: "tcp"}
		for at := q.From.Truncate(q.Step.Std()); at.Before(q.To); at = at.Add(q.Step.Std()) {
			r := wire.Rollup{Runs: 10, OK: 10}
			if q.Step.Std() == time.Hour && at.Hour()%2 == 0 {
				r = wire.Rollup{Runs: 10, OK: 7, Failed: 3}
			}
			s.Rows = append(s.Rows, wire.HistoryRow{At: at, Rollup: r})
		}
		r := wire.HistoryReply{OK: true, Step: q.Step, Series: []wire.HistorySeries{s}}
		m.Respond(r.Encode())
	}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.URL(), info.State.FirstTime
}

// TestGetResults_Older: rollups stand for results that are no longer stored, and nothing
// takes them for results.
func TestGetResults_Older(t *testing.T) {
	url, first := agedMesh(t)
	t.Setenv("NETMON_BROKER", url)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	run := func(args ...string) (out, errs string) {
		t.Helper()
		var o, e strings.Builder
		if code := execute(t.Context(), append([]string{"netmon", "get", "results", "web"}, args...), strings.NewReader(""), &o, &e); code != 0 {
			t.Fatalf("%q: exit %d: %s", args, code, e.String())
		}
		return o.String(), e.String()
	}
	// Results begin within a minute, of which the rollup tells all: none of them is told of twice.
	end := first.Add(time.Minute - 1).Truncate(time.Minute)
	hours := 4
	if end.Truncate(time.Hour).Equal(end) {
		hours = 3
	}
	out, errs := run("--from", "3h")
	if !strings.Contains(errs, "are no longer stored: a line for each hour sums them") || strings.Count(out, "Σ") < hours || !strings.Contains(out, "Σ 10 runs: 7 ok, 3 failed") {
		t.Errorf("%s%s", out, errs)
	}
	if strings.Contains(out, "refused") != !first.Before(end) {
		t.Errorf("results from %v on are told of as well as sums up to %v:\n%s", first, end, out)
	}
	out, _ = run("--from", "3h", "-o", "json")
	var list struct {
		Items []struct {
			Rollup  bool
			Outcome string
			For     string
			Runs    uint64
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Items) < hours {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, it := range list.Items {
		if it.Rollup == (it.Outcome != "") || it.Rollup && (it.For == "" || it.Runs == 0) {
			t.Errorf("%+v", it)
		}
	}
	out, errs = run("--from", "3h", "--failures", "-o", "ndjson")
	if n := strings.Count(out, `"rollup":true`); n < 1 || n >= hours || !strings.Contains(errs, "which ones, when in the hour and why is not kept") {
		t.Errorf("%s%s", out, errs)
	}
	if out, errs = run("--from", "3h", "-o", "csv"); strings.Count(out, "\n") != 4 || !strings.Contains(errs, "csv has none") {
		t.Errorf("%s%s", out, errs)
	}
	if out, _ = run("--from", "3h", "--limit", "2", "-o", "ndjson"); strings.Count(out, "\n") != 2 {
		t.Errorf("of two:\n%s", out)
	}
	if out, errs = run("--tail", "3"); strings.Contains(out+errs, "Σ") || strings.Count(out, "\n") != 3 {
		t.Errorf("%s%s", out, errs)
	}
}

// TestGetResults_OlderOfNobody: what is stored is shown where nobody has a history.
func TestGetResults_OlderOfNobody(t *testing.T) {
	b := natstest.Start(t)
	js := natstest.JetStream(t, natstest.Connect(t, b))
	at := time.Now().UTC()
	for n := range uint64(2) {
		data, _ := json.Marshal(wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Epoch: "E", Seq: n + 1, Run: n + 1, Started: at, Outcome: wire.OK, Summary: "fine"})
		if _, err := js.Publish(t.Context(), "results.paris.web", data); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := js.Stream(t.Context(), wire.ResultsStream)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(2)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETMON_BROKER", b.URL())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var out, errs strings.Builder
	code := execute(t.Context(), []string{"netmon", "get", "results", "web"}, strings.NewReader(""), &out, &errs)
	if code != 0 || !strings.Contains(out.String(), "fine") || !strings.Contains(errs.String(), "sums of them cannot be read: nobody answers about history") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}
