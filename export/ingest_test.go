package export

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	promexemplar "github.com/prometheus/prometheus/model/exemplar"
	promhistogram "github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"netmon/probes/kinds"
)

// ingested is what a Prometheus makes of a scrape.
type ingested struct {
	samples   map[string]float64 // by their labels, the name among them
	native    map[string]*promhistogram.Histogram
	exemplars map[string]promexemplar.Exemplar
	types     map[string]model.MetricType
}

// ingest reads a scrape with the code with which Prometheus reads it.
func ingest(t testing.TB, data []byte, f Format) ingested {
	t.Helper()
	p, err := textparse.New(data, f.ContentType(), labels.NewSymbolTable(), textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true, OpenMetricsSkipSTSeries: true})
	if err != nil {
		t.Fatal(err)
	}
	x := ingested{map[string]float64{}, map[string]*promhistogram.Histogram{}, map[string]promexemplar.Exemplar{}, map[string]model.MetricType{}}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return x
		}
		if err != nil {
			t.Fatalf("%s cannot be read: %v", f.ContentType(), err)
		}
		var l labels.Labels
		switch entry {
		case textparse.EntryType:
			name, typ := p.Type()
			if _, twice := x.types[string(name)]; twice {
				t.Errorf("family %s is there twice", name)
			}
			x.types[string(name)] = typ
			continue
		case textparse.EntrySeries:
			_, at, v := p.Series()
			if p.Labels(&l); at != nil {
				t.Errorf("%s has a time of its own", l)
			}
			if _, twice := x.samples[l.String()]; twice {
				t.Errorf("%s is there twice", l)
			}
			x.samples[l.String()] = v
		case textparse.EntryHistogram:
			_, _, h, _ := p.Histogram()
			p.Labels(&l)
			if err := h.Validate(); err != nil {
				t.Errorf("%s: %v", l, err)
			}
			x.native[l.String()] = h
		default:
			continue
		}
		for e := (promexemplar.Exemplar{}); p.Exemplar(&e); {
			x.exemplars[l.String()] = e
		}
	}
}

func TestIngest_EveryFormat(t *testing.T) {
	s, now := everyKind(t), start.Add(3*time.Second)
	text, open, proto := ingest(t, written(s, Text, now), Text), ingest(t, written(s, OpenMetrics, now), OpenMetrics), ingest(t, written(s, Protobuf, now), Protobuf)
	for name, other := range map[string]ingested{"OpenMetrics": open, "protobuf": proto} {
		for l, v := range other.samples {
			if was, ok := text.samples[l]; !ok || was != v {
				t.Errorf("%s has %s %v, text %v (%v)", name, l, v, was, ok)
			}
		}
		if len(other.samples) != len(text.samples) {
			t.Errorf("%s has %d samples, text %d", name, len(other.samples), len(text.samples))
		}
	}
	if len(text.samples) < 300 {
		t.Errorf("%d samples", len(text.samples))
	}
	if len(open.exemplars) == 0 {
		t.Error("OpenMetrics has no exemplars")
	}
	want := "oslo-e1-3"
	if !slices.ContainsFunc(slices.Collect(maps.Values(open.exemplars)), func(e promexemplar.Exemplar) bool {
		return e.Labels.Get(exemplarLabel) == want && e.Value == .004938268 && e.HasTs && e.Ts == start.Add(2*time.Second).UnixMilli()
	}) {
		t.Errorf("no exemplar of %s in %v", want, open.exemplars)
	}
	if len(proto.native) != len(kinds.All())*2+2 { // smokeping's for icmp
		t.Errorf("%d native histograms, want one of each series", len(proto.native))
	}
}

// TestIngest_ExemplarsOfProtobuf has the same exemplars in both formats that have them.
func TestIngest_ExemplarsOfProtobuf(t *testing.T) {
	s, now := everyKind(t), start.Add(3*time.Second)
	ids := func(x ingested) (out []string) {
		for _, e := range x.exemplars {
			out = append(out, e.Labels.Get(exemplarLabel)+" "+fmt.Sprint(e.Value, e.Ts))
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	open, proto := ids(ingest(t, written(s, OpenMetrics, now), OpenMetrics)), ids(ingest(t, written(s, Protobuf, now), Protobuf))
	if !slices.Equal(open, proto) || len(open) == 0 {
		t.Errorf("OpenMetrics has the exemplars %q, protobuf %q", open, proto)
	}
}

// TestNative_EveryValueInItsBucket has a native histogram count each duration in the bucket that holds it, however
// far they are apart.
func TestNative_EveryValueInItsBucket(t *testing.T) {
	for name, values := range map[string][]int64{
		"one":        {1_234_567},
		"zero":       {0, 0},
		"powers":     {1 << 20, 1 << 21, 1 << 30, 1e9, 2e9, 5e8},
		"near":       {1e6, 1_010_000, 1_020_000, 1_100_000, 2e6, 3_000_000, 3_000_001},
		"far":        {1, 1e3, 1e6, 1e9, 3_600e9},
		"everything": {0, 1, 2, 3, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSeries()
			var sum float64
			for n, v := range values {
				r := result(t, "tcp", "web", "oslo", n+1)
				*r.LatencyNS = v
				s.Result(r, start)
				sum += float64(v) / 1e9
			}
			x := ingest(t, written(s, Protobuf, start), Protobuf)
			var h *promhistogram.Histogram
			for l, one := range x.native {
				if strings.Contains(l, "netmon_latency_histogram_seconds") {
					h = one
				}
			}
			if h == nil {
				t.Fatalf("no histogram in %v", x.native)
			}
			if h.Count != uint64(len(values)) || math.Abs(h.Sum-sum) > 1e-9*sum {
				t.Errorf("count %d and sum %v, want %d and %v", h.Count, h.Sum, len(values), sum)
			}
			buckets := map[[2]float64]uint64{}
			for it := h.PositiveBucketIterator(); it.Next(); {
				b := it.At()
				buckets[[2]float64{b.Lower, b.Upper}] = b.Count
			}
			if h.ZeroCount > 0 {
				buckets[[2]float64{-1, h.ZeroThreshold}] = h.ZeroCount
			}
			for _, v := range values {
				found := false
				for ends, n := range buckets {
					if f := float64(v) / 1e9; f > ends[0] && f <= ends[1] && n > 0 {
						buckets[ends]--
						found = true
						break
					}
				}
				if !found {
					t.Errorf("%d ns is in no bucket of %v (schema %d)", v, h, h.Schema)
				}
			}
			if len(h.PositiveBuckets) > 2*mostBuckets {
				t.Errorf("%d buckets", len(h.PositiveBuckets))
			}
			t.Logf("schema %d, %d buckets, %d spans", h.Schema, len(h.PositiveBuckets), len(h.PositiveSpans))
		})
	}
}
