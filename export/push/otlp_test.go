package push

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	commonv1 "go.opentelemetry.io/proto/otlp/common/v1"
	logsv1 "go.opentelemetry.io/proto/otlp/logs/v1"
	metricsv1 "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"

	"netmon/export"
	"netmon/probes/kinds"
	"netmon/wire"
)

func attributesOf(t *testing.T, list []*commonv1.KeyValue) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, a := range list {
		if _, twice := out[a.Key]; twice {
			t.Errorf("attribute %s is there twice", a.Key)
		}
		out[a.Key] = a.Value.GetStringValue()
	}
	return out
}

// TestOTLP_Metrics: what was encoded by hand is, for OpenTelemetry's own decoder, each sample
// with its time and value, and nothing unknown.
func TestOTLP_Metrics(t *testing.T) {
	results := golden(t)
	for i := range 3 { // one of them several times
		r := results[0].Result
		r.Started = r.Started.Add(time.Duration(i+1) * time.Minute)
		latency := int64(1e6) << i
		r.LatencyNS, r.ElapsedNS, r.Outcome = &latency, 2*latency, wire.OK
		results = append(results, numbered(t, r, uint64(len(results)+1)))
	}
	other := results[0].Result
	other.Agent = "rome"
	results = append(results, numbered(t, other, 99))
	tags := tagsOf("dns", map[string]string{"team": "shop"})
	e := newOTLPEncoder(kinds.All(), tags, "1.2.3")
	for round := range 2 { // buffers are used again
		var got metricsv1.MetricsData
		if err := proto.Unmarshal(e.metrics(&Batch{Results: results}), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.ProtoReflect().GetUnknown()) > 0 || len(got.ResourceMetrics) != 2 {
			t.Fatalf("%d resources, want one for each agent", len(got.ResourceMetrics))
		}
		there := map[string]float64{}
		for _, rm := range got.ResourceMetrics {
			resource := attributesOf(t, rm.Resource.Attributes)
			if resource["service.name"] != "netmon" || resource["agent"] == "" {
				t.Errorf("resource %v", resource)
			}
			if s := rm.ScopeMetrics[0]; len(rm.ScopeMetrics) != 1 || s.Scope.Name != "netmon" || s.Scope.Version != "1.2.3" {
				t.Errorf("scope %v", s.Scope)
			}
			for _, m := range rm.ScopeMetrics[0].Metrics {
				if len(m.ProtoReflect().GetUnknown()) > 0 {
					t.Errorf("%s has unknown fields", m.Name)
				}
				if m.Unit != "" && (m.Unit != "s" || !strings.HasSuffix(m.Name, "_seconds")) { // Prometheus would add it to the name
					t.Errorf("%s has unit %q", m.Name, m.Unit)
				}
				if m.GetExponentialHistogram() != nil {
					checkHistogram(t, m, resource["agent"])
					continue
				}
				for _, p := range m.GetGauge().DataPoints {
					a := attributesOf(t, p.Attributes)
					if a["agent"] != resource["agent"] {
						t.Errorf("%s of %s is with %s", m.Name, a["agent"], resource["agent"])
					}
					key := fmt.Sprint(m.Name, a, p.TimeUnixNano)
					if _, twice := there[key]; twice {
						t.Errorf("%s is there twice", key)
					}
					there[key] = p.GetAsDouble()
				}
			}
		}
		want, reader := 0, export.NewReader(kinds.All())
		for _, r := range results {
			for _, s := range reader.Samples(nil, &r.Result) {
				labels := map[string]string{}
				of := tags.current().of[r.Monitor]
				for _, l := range export.LabelsOf(r.Agent, r.Monitor, r.Kind, r.Target, of) {
					labels[l.Name] = l.Value
				}
				if s.Label != "" {
					labels[s.Label] = s.Value
				}
				if n, ok := there[fmt.Sprint(s.Name, labels, r.Started.UnixNano())]; !ok || n != s.Number {
					t.Errorf("round %d: %s %v is %v %v, want %v", round, s.Name, labels, n, ok, s.Number)
				}
				want++
			}
		}
		if want != len(there) {
			t.Errorf("%d points, want %d", len(there), want)
		}
	}
}

func checkHistogram(t *testing.T, m *metricsv1.Metric, agent string) {
	t.Helper()
	h := m.GetExponentialHistogram()
	if m.Name != latencyHistogram || m.Unit != "s" || h.AggregationTemporality != metricsv1.AggregationTemporality_AGGREGATION_TEMPORALITY_DELTA {
		t.Errorf("%v", m)
	}
	for _, p := range h.DataPoints {
		n := p.ZeroCount
		for _, c := range p.Positive.GetBucketCounts() {
			n += c
		}
		if n != p.Count || p.StartTimeUnixNano >= p.TimeUnixNano || *p.Min > *p.Max || *p.Sum < *p.Min {
			t.Errorf("%s: %v", agent, p)
		}
	}
}

// TestSpread: buckets hold what they say, at a coarser scale where there would be too many.
func TestSpread(t *testing.T) {
	at := time.Unix(1e9, 0)
	for _, latencies := range [][]time.Duration{
		{time.Millisecond}, {time.Millisecond, time.Millisecond, 2 * time.Millisecond}, {0, time.Microsecond, time.Minute}, {time.Nanosecond, time.Hour}, {0}, {time.Second},
	} {
		var s spread
		for _, l := range latencies {
			s.add(l, at, l)
		}
		var p metricsv1.ExponentialHistogramDataPoint
		if err := proto.Unmarshal(s.appendTo(nil), &p); err != nil {
			t.Fatal(err)
		}
		counts := p.Positive.GetBucketCounts()
		if p.Count != uint64(len(latencies)) || len(counts) > spreadMost {
			t.Errorf("%v: %v", latencies, &p)
		}
		base := math.Exp2(math.Exp2(-float64(p.Scale)))
		for i, n := range counts {
			low, high := math.Pow(base, float64(p.Positive.Offset)+float64(i)), math.Pow(base, float64(p.Positive.Offset)+float64(i)+1)
			want := uint64(0)
			for _, l := range latencies {
				if v := l.Seconds(); v > low*(1+1e-12) && v <= high*(1+1e-12) {
					want++
				}
			}
			if n != want {
				t.Errorf("%v: %d in bucket (%g, %g], want %d", latencies, n, low, high, want)
			}
		}
	}
}

func TestOTLP_Logs(t *testing.T) {
	e := newOTLPEncoder(kinds.All(), &Tags{}, "1.2.3")
	var got logsv1.LogsData
	repeat := Verdict{Monitor: "db", State: wire.VerdictUp, At: verdictAt}
	if err := proto.Unmarshal(e.logs(&Batch{Verdicts: []Verdict{changeOf("web", wire.VerdictDown), repeat, changeOf("db", "odd")}}), &got); err != nil {
		t.Fatal(err)
	}
	records := got.ResourceLogs[0].ScopeLogs[0].LogRecords
	if len(records) != 2 {
		t.Fatalf("%d records, want one for each change", len(records))
	}
	r, a := records[0], attributesOf(t, records[0].Attributes)
	if r.SeverityText != "ERROR" || r.TimeUnixNano != uint64(verdictAt.UnixNano()) || r.Body.GetStringValue() != "web is down: 2 of 3 agents find it bad" ||
		a["monitor"] != "web" || a["state"] != "down" || a["was"] != "up" || a["blame"] != "target" || r.EventName != "netmon.verdict" {
		t.Errorf("%v", r)
	}
	if records[1].SeverityText != "WARN" {
		t.Errorf("%v", records[1])
	}
	if len(e.logs(&Batch{Verdicts: []Verdict{repeat}})) > 0 {
		t.Error("a repeat is a record")
	}
}

// TestOTLP_Send: metrics that were taken are not sent again when the logs are refused, and
// partial success counts what was left out.
func TestOTLP_Send(t *testing.T) {
	var paths []string
	logs := http.StatusServiceUnavailable
	var answer []byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) == 0 || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Header.Get("X-Scope-OrgID") != "shop" {
			t.Errorf("%s: %d bytes, %v", r.URL.Path, len(body), r.Header)
		}
		paths = append(paths, r.URL.Path)
		if strings.HasSuffix(r.URL.Path, "/logs") {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(logs)
			return
		}
		_, _ = w.Write(answer)
	}))
	t.Cleanup(s.Close)
	d, err := OTLP(Endpoint{URL: s.URL + "/otel/", Headers: []string{"X-Scope-OrgID: shop"}}, kinds.All(), &Tags{})
	if err != nil {
		t.Fatal(err)
	}
	results, verdicts := &Batch{Results: golden(t)}, &Batch{Verdicts: []Verdict{changeOf("web", wire.VerdictDown)}}
	if err := d.Sink.Send(t.Context(), results); err != nil {
		t.Error(err)
	}
	var later *Later
	if err := d.Sink.Send(t.Context(), verdicts); !errors.As(err, &later) || later.After != 7*time.Second {
		t.Errorf("%v, want to try again in 7s", err)
	}
	logs = http.StatusOK
	if err := d.Sink.Send(t.Context(), verdicts); err != nil {
		t.Error(err)
	}
	if got := strings.Join(paths, " "); got != "/otel/v1/metrics /otel/v1/logs /otel/v1/logs" {
		t.Errorf("asked %s", got)
	}
	answer = appendBytes(nil, 1, appendString(appendVarint(nil, 1, 3), 2, "too many labels"))
	var refusal *Refusal
	if err := d.Sink.Send(t.Context(), results); !errors.As(err, &refusal) || refusal.Dropped != 3 || refusal.Error() != "too many labels" {
		t.Errorf("%v, want 3 refused", err)
	}
	logs, paths = http.StatusNotFound, nil
	for range 2 { // a receiver of metrics alone
		if err := d.Sink.Send(t.Context(), verdicts); !errors.As(err, &refusal) || refusal.Reason != noLogs || refusal.Dropped != 1 {
			t.Errorf("%v, want that it takes no logs", err)
		}
	}
	if len(paths) != 1 {
		t.Errorf("asked %v, want logs once", paths)
	}
	d.Sink.(*otlp).noLogs = time.Now().Add(-time.Second)
	logs = http.StatusOK
	if err := d.Sink.Send(t.Context(), verdicts); err != nil {
		t.Errorf("asked again later: %v", err)
	}
}

// TestOTLP_Apart: what is refused of the metrics costs no log, and the other way round.
func TestOTLP_Apart(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path]++
		if strings.HasSuffix(r.URL.Path, "/logs") {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = w.Write(appendBytes(nil, 1, appendString(appendVarint(nil, 1, 3), 2, "too many labels")))
	}))
	t.Cleanup(s.Close)
	m := newMesh(t)
	for i := range 4 {
		m.verdict("web", []wire.VerdictState{wire.VerdictUp, wire.VerdictDown}[i%2], time.Now().UTC())
	}
	m.sends(12)
	tags := &Tags{}
	d, err := OTLP(Endpoint{URL: s.URL}, kinds.All(), tags)
	if err != nil {
		t.Fatal(err)
	}
	d.Every = time.Millisecond
	p := m.pusherWithTags(tags, t.TempDir(), d)
	eventually(t, "all is sent", func() bool { s := p.Stats()[0]; return s.Results == 12 && s.Verdicts == 4 })
	if s := p.Stats()[0]; s.Refused[invalid] == 0 || s.Refused[tooLarge] != 4 {
		t.Errorf("%+v", s)
	}
	mu.Lock()
	defer mu.Unlock()
	if asked["/v1/logs"] < 4 || asked["/v1/metrics"] > 3 {
		t.Errorf("asked %v, want metrics sent once", asked)
	}
}
