package view

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"netmon/wire"
)

// FuzzMesh takes results and heartbeats that say anything.
func FuzzMesh(f *testing.F) {
	for _, s := range []string{
		`{"agent":"a","monitor":"m","outcome":"ok","run":1,"due":"2026-11-25T12:00:01Z","started":"2026-11-25T12:00:01Z","latency_ns":5,"loss":0.5}
{"agent":"a","monitor":"m","outcome":"failed","failure":"slow","run":2,"skipped":18446744073709551615,"due":"2026-11-25T12:00:02Z","started":"2026-11-25T12:00:02Z","dropped":18446744073709551615}
{"agent":"a","monitor":"m","run":3,"due":"9999-11-25T12:00:02Z","started":"9999-11-25T12:00:02Z","late_ns":-9223372036854775808,"elapsed_ns":-1,"loss":-1e300}
{"agent":"a","monitor":"m","run":4,"due":"0001-01-01T00:00:00Z","started":"0001-01-01T00:00:00Z","latency_ns":-5,"details":{"total_ns":-1,"connect_ns":1e300}}`,
		`{"agent":"a","at":"2026-11-25T12:00:01Z","monitors":-1,"labels":{"a":"b"},"kinds":null}
{"agent":"a","monitor":"m","epoch":"E","revision":1,"run":65535,"started":"2026-11-25T12:00:02Z"}
{"agent":"a","monitor":"m","epoch":"F","revision":2,"run":18446744073709551615,"started":"2026-11-25T12:00:02Z","cert_expires":"0001-01-01T00:00:00Z"}`,
	} {
		f.Add([]byte(s))
	}
	now := time.Date(2026, 11, 25, 12, 0, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, data []byte) {
		v := New(now)
		v.Saved("m", &wire.Saved{Monitor: wire.Monitor{Name: "m", Kind: "tcp", Target: "h:1", Revision: 1}}, nil, now)
		for i, line := range bytes.SplitN(data, []byte("\n"), 100) {
			at := now.Add(time.Duration(i) * time.Second)
			var r wire.Result
			if json.Unmarshal(line, &r) == nil {
				if r.Monitor == "" {
					var a wire.Alive
					_ = json.Unmarshal(line, &a)
					v.Heartbeat(a, at, at)
					continue
				}
				v.Result(r, at)
				r.Monitor, r.Revision = "hand", 0 // started by hand
				v.Result(r, at)
			}
			v.Snapshot(Query{Limit: 10, Strip: 50, Cells: true, Agents: true, Detail: r.Monitor, Cursor: r.Monitor, Plot: 50, Log: 20}, at)
		}
		v.Snapshot(Query{Strip: 50, Cells: true, Detail: "hand", Plot: 50}, now.Add(1000*time.Hour))
	})
}
