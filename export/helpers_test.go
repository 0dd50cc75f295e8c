package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protodelim"

	"netmon/probes/kinds"
	"netmon/wire"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newSeries() *Series { return NewSeries(kinds.All(), start) }

// written is what s writes at this time in a format.
func written(s *Series, f Format, now time.Time) []byte {
	w := NewWriter(f, nil)
	s.Write(w, now)
	return w.Bytes()
}

// parseText reads the text format as Prometheus' own library does, and has promlint look at it.
func parseText(t testing.TB, data []byte) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("the text cannot be read: %v\n%s", err, data)
	}
	return families
}

// lint returns what promlint finds, but for names that others gave.
func lint(t testing.TB, data []byte) (out []string) {
	t.Helper()
	problems, err := promlint.New(bytes.NewReader(data)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		out = append(out, p.Metric+": "+p.Text)
	}
	return out
}

// parseProtobuf reads families with their lengths before them.
func parseProtobuf(t testing.TB, data []byte) map[string]*dto.MetricFamily {
	t.Helper()
	out := map[string]*dto.MetricFamily{}
	for r := bytes.NewReader(data); ; {
		var f dto.MetricFamily
		err := protodelim.UnmarshalOptions{MaxSize: -1}.UnmarshalFrom(r, &f)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("the families cannot be read: %v", err)
		}
		if len(f.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%s has unknown fields", f.GetName())
		}
		if out[f.GetName()] != nil {
			t.Errorf("%s is there twice", f.GetName())
		}
		out[f.GetName()] = &f
	}
}

// flat are the samples of families as lines, sorted: name{labels} value. The buckets of a classic
// histogram are among them; of a native one, nothing.
func flat(families map[string]*dto.MetricFamily) (out []string) {
	for name, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			line := func(suffix, more string, v float64) {
				all := slices.Clone(labels)
				if more != "" {
					all = append(all, more)
				}
				slices.Sort(all)
				out = append(out, fmt.Sprintf("%s%s{%s} %v", name, suffix, strings.Join(all, ","), v))
			}
			switch f.GetType() {
			case dto.MetricType_GAUGE:
				line("", "", m.GetGauge().GetValue())
			case dto.MetricType_COUNTER:
				line("", "", m.GetCounter().GetValue())
			case dto.MetricType_HISTOGRAM:
				h := m.GetHistogram()
				line("_count", "", float64(h.GetSampleCount()))
				line("_sum", "", h.GetSampleSum())
				for _, b := range h.GetBucket() {
					if !math.IsInf(b.GetUpperBound(), 1) { // it is the count, and need not be there
						line("_bucket", fmt.Sprintf(`le="%v"`, b.GetUpperBound()), float64(b.GetCumulativeCount()))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// result is one of a kind, as its tests keep it, with figures that differ.
func result(t testing.TB, kind, monitor, agent string, n int) *wire.Result {
	t.Helper()
	r := golden(t, kind)
	compact, err := json.Marshal(r.Details)
	if err != nil {
		t.Fatal(err)
	}
	r.Details = compact
	r.Agent, r.Monitor, r.Target = agent, monitor, r.Target+"/"+monitor
	r.Epoch, r.Seq, r.Run, r.Revision = "e1", uint64(n), uint64(n), 1
	r.ElapsedNS = 123456789 + int64(n)
	latency := int64(1234567 * (n + 1))
	r.LatencyNS = &latency
	r.Outcome = wire.OK
	return r
}

func savedOf(r *wire.Result, tags map[string]string) wire.Saved {
	return wire.Saved{Monitor: wire.Monitor{Name: r.Monitor, Kind: r.Kind, Target: r.Target, Revision: 1}, Tags: tags}
}

// everyKind is a series with a result of each kind on two agents.
func everyKind(t testing.TB) *Series {
	t.Helper()
	s := newSeries()
	var saved []wire.Saved
	for _, k := range kinds.All() {
		for _, agent := range []string{"oslo", "rome"} {
			for n := range 3 {
				s.Result(result(t, k.Name, "m-"+k.Name, agent, n+1), start.Add(time.Duration(n)*time.Second))
			}
		}
		saved = append(saved, savedOf(result(t, k.Name, "m-"+k.Name, "oslo", 1), map[string]string{"team": "a\"b\\c\nd"}))
	}
	s.Monitors(saved)
	s.Agents([]Present{{ID: "oslo", Online: true}, {ID: "rome", Online: true}})
	return s
}
