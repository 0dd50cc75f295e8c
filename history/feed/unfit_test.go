package feed

import (
	"encoding/json"
	"testing"
	"time"

	"netmon/wire"
)

// TestFeeder_HoursThatDoNotFit: an hour of the stream that cannot be read, or whose figures
// do not fit each other, is passed over. History goes on, of that series too.
func TestFeeder_HoursThatDoNotFit(t *testing.T) {
	m := newMesh(t)
	from := morning()
	hour := wire.HistoryHour{Monitor: "web", Agent: "paris", Kind: "tcp", Hour: from, First: 1, Revision: 9,
		Rollup: wire.Rollup{Runs: 1, OK: 1, Latency: &wire.Latencies{Count: 1, SumNS: 5, MinNS: 5, MaxNS: 5}}} // without buckets
	brief, err := json.Marshal(hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{brief, nil, []byte("{"), []byte(`{"monitor":"web","agent":"paris","hour":"2026-11-30T00:00:00Z","revision":1,"first":2}`)} {
		if _, err := m.js.Publish(t.Context(), "history.web.paris", data); err != nil {
			t.Fatal(err)
		}
	}
	hour.Monitor, hour.Rollup.Latency = "db", nil
	good, err := json.Marshal(hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.js.Publish(t.Context(), "history.db.paris", good); err != nil {
		t.Fatal(err)
	}
	m.sends(10, "paris", "web", from)
	m.feeder(t.TempDir(), nil)
	m.wantSums(from, from.Add(time.Hour), map[string]uint64{"web on paris ok": 9, "web on paris failed": 1, "db on paris ok": 1, "db on paris failed": 0})
}
