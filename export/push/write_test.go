package push

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/snappy"

	"netmon/export"
	"netmon/probes/kinds"
	"netmon/wire"
)

// decodedWrite is what a batch is as a request of remote write.
func decodedWrite(t *testing.T, w *writeEncoder, b *Batch) map[string][]point {
	t.Helper()
	plain, err := snappy.Decode(nil, w.encode(b))
	if err != nil {
		t.Fatal(err)
	}
	return decodeWrite(t, plain)
}

// TestRemoteWrite_Request: each sample of all kinds is there, by series, with its time and
// value, and labels in order.
func TestRemoteWrite_Request(t *testing.T) {
	tags := tagsOf("https", map[string]string{"team": "shop", "a": "b"})
	w := newWriteEncoder(kinds.All(), tags)
	results := golden(t)
	for range 2 { // buffers are used again
		got := decodedWrite(t, &w, &Batch{Results: results, Verdicts: []Verdict{changeOf("web", wire.VerdictDown), changeOf("db", "odd")}})
		want, reader := 0, export.NewReader(kinds.All())
		for _, r := range results {
			of := tags.current().of[r.Monitor]
			for _, s := range reader.Samples(nil, &r.Result) {
				var labels []string
				for _, l := range withLabel(export.LabelsOf(r.Agent, r.Monitor, r.Kind, r.Target, of), &s) {
					labels = append(labels, fmt.Sprintf("%s=%q", l.Name, l.Value))
				}
				key := s.Name + "{" + strings.Join(labels, ",") + "}"
				if p := got[key]; len(p) != 1 || p[0] != (point{r.Started.UnixMilli(), s.Number}) {
					t.Errorf("%s: %v, want %v", key, p, s.Number)
				}
				want++
			}
		}
		states := 0.0
		for _, state := range append(wire.VerdictStates, "odd") {
			for _, monitor := range []string{"web", "db"} {
				if p := got[fmt.Sprintf(`netmon_verdict{monitor=%q,state=%q}`, monitor, state)]; len(p) == 1 && p[0].at == verdictAt.UnixMilli() {
					states += p[0].value
					want++
				}
			}
		}
		if states != 2 || want != len(got) || got[`netmon_verdict{monitor="web",state="down"}`][0].value != 1 {
			t.Errorf("%d series, want %d; %v states are 1", len(got), want, states)
		}
	}
}

// TestRemoteWrite_LateResult: within a request a series is in order of time.
func TestRemoteWrite_LateResult(t *testing.T) {
	w := newWriteEncoder(kinds.All(), &Tags{})
	b := &Batch{}
	at := time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
	for i, seconds := range []int{10, 30, 20, 40, 5} {
		b.Results = append(b.Results, numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: at.Add(time.Duration(seconds) * time.Second), Outcome: wire.OK}, uint64(i+1)))
	}
	for series, points := range decodedWrite(t, &w, b) {
		if len(points) != 5 {
			t.Errorf("%s: %v", series, points)
		}
		for i := 1; i < len(points); i++ {
			if points[i].at <= points[i-1].at {
				t.Errorf("%s: %v", series, points)
			}
		}
	}
}

// TestRemoteWrite_Ended: what a result lacks that the one before has is marked as ended,
// once, and by each try.
func TestRemoteWrite_Ended(t *testing.T) {
	w := newWriteEncoder(kinds.All(), &Tags{})
	latency := int64(1e6)
	var results []*Result
	for i, outcome := range []wire.Outcome{wire.OK, wire.Broken, wire.Broken, wire.OK} {
		r := wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: verdictAt.Add(time.Duration(i) * time.Second), Outcome: outcome}
		if outcome == wire.OK {
			r.LatencyNS = &latency
		}
		results = append(results, numbered(t, r, uint64(i+1)))
	}
	count := func(points []point) (values, ended int) {
		for _, p := range points {
			if math.Float64bits(p.value) == 0x7ff0000000000002 {
				ended++
			} else {
				values++
			}
		}
		return values, ended
	}
	const success = `probe_success{agent="paris",instance="h:1",kind="tcp",monitor="web"}`
	decodedWrite(t, &w, &Batch{Results: results[:1]})
	for range 2 {
		if values, ended := count(decodedWrite(t, &w, &Batch{Results: results[1:3]})[success]); values != 0 || ended != 1 {
			t.Errorf("%d values, ended %d times", values, ended)
		}
	}
	got := decodedWrite(t, &w, &Batch{Results: results[3:]})
	if values, ended := count(got[success]); values != 1 || ended != 0 {
		t.Errorf("%d values, ended %d times", values, ended)
	}
}

// TestCache_NewTags: labels follow what is saved.
func TestCache_NewTags(t *testing.T) {
	tags := tagsOf("web", map[string]string{"team": "shop"})
	w := newWriteEncoder(kinds.All(), tags)
	r := numbered(t, wire.Result{Agent: "paris", Monitor: "web", Kind: "tcp", Target: "h:1", Started: verdictAt, Outcome: wire.OK}, 1)
	has := func(label string) {
		t.Helper()
		for series := range decodedWrite(t, &w, &Batch{Results: []*Result{r}}) {
			if !strings.Contains(series, label) {
				t.Errorf("%s, want %s", series, label)
			}
		}
	}
	has(`tag_team="shop"`)
	tags.set(map[string]map[string]string{"web": {"team": "bank"}})
	has(`tag_team="bank"`)
	other := *r
	other.Target = "h:2"
	r = &other
	has(`instance="h:2"`)
}

func TestAllocations(t *testing.T) {
	b := benchBatch(t, 2)
	w, l, o := newWriteEncoder(kinds.All(), &Tags{}), newLineEncoder(kinds.All(), &Tags{}), newOTLPEncoder(kinds.All(), &Tags{}, "0")
	for name, encode := range map[string]func(){"remote write": func() { w.encode(b) }, "influx": func() { l.encode(b) }, "otlp": func() { o.metrics(b) }} {
		encode()
		if n := testing.AllocsPerRun(5, encode); n > float64(len(b.Results))/20 {
			t.Errorf("%s: %v allocations for %d results", name, n, len(b.Results))
		}
	}
}
