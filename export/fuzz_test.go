package export

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// FuzzDetails has details read as encoding/json reads them, where they are those of an object without
// names that come twice; and no panic whatever they are.
func FuzzDetails(f *testing.F) {
	files, err := filepath.Glob("../probes/kinds/*/testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var r wire.Result
		if err := json.Unmarshal(data, &r); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(r.Details))
	}
	for _, text := range []string{`{}`, `[]`, ` { "tls" : { "version" : "a\"\\" } , "status":1e3}`, `{"status":-0.5e-2,"tls":null,"redirects":[1,[2,3],{"a":[4]}]}`, `{"redirects":[ ]}`, `{"a":"\\","status":3}`, `{"status":12345678901234567890}`, `{"status":1}x`, `{"a":10000000000000000000000000000000000000000,"status":200}`, `{"status"`, `{"rrsig_expires":"2026-01-02T03:04:05.678Z"}`} {
		f.Add([]byte(text))
	}
	k, _ := kinds.All().Find("https")
	d, _ := kinds.All().Find("dns")
	k.Metrics = append(k.Metrics, probes.Metric{Name: "x", Help: "X.", Figure: "tls.chain"})
	tables := []*table{newTable(k), newTable(d)}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, t1 := range tables {
			out := make([]found, len(t1.figures))
			ok := t1.readDetails(data, out)
			for i := range out {
				if out[i].there && (math.IsNaN(out[i].number) || math.IsInf(out[i].number, 0)) {
					t.Errorf("figure %d of %q is %v", i, data, out[i].number)
				}
			}
			var want map[string]any
			if json.Unmarshal(data, &want) != nil || want == nil || twice(data) || strings.Contains(string(data), `\u`) || !utf8.Valid(data) {
				continue // not JSON: some of it is read all the same; what is no UTF-8 is mended where it is written
			}
			if !ok {
				t.Errorf("%q is not read", data)
			}
			compare(t, data, &t1.root, want, t1, out)
		}
	})
}

// compare has each figure under n be what encoding/json finds.
func compare(t *testing.T, data []byte, n *node, want map[string]any, of *table, out []found) {
	t.Helper()
	for _, k := range n.kids {
		v, there := want[k.name]
		if k.sub != nil {
			if inner, ok := v.(map[string]any); ok {
				compare(t, data, k.sub, inner, of, out)
			}
		}
		if k.figure <= 0 {
			continue
		}
		got := out[k.figure]
		switch v := v.(type) {
		case nil:
			there = false
		case float64:
			there = there && got.number == v
		case bool:
			there = there && (got.number == 1) == v
		case []any:
			there = there && got.number == float64(len(v))
		case string:
			if at, err := time.Parse(time.RFC3339, v); of.figures[k.figure].time {
				there = err == nil && got.number == float64(at.UnixMicro())
			} else {
				there = string(got.text) == v || !json.Valid(data)
			}
		}
		if got.there != there {
			t.Errorf("%s of %q: got %v %v %q, want %v", k.name, data, got.there, got.number, got.text, v)
		}
	}
}

// twice says whether an object in data has a name twice, of which encoding/json takes the last.
func twice(data []byte) bool {
	d := json.NewDecoder(strings.NewReader(string(data)))
	var names []map[string]bool // of the objects that are open; nil for a list
	name := false
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			names, name = append(names, map[string]bool{}), true
			continue
		case json.Delim('['):
			names, name = append(names, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			names = names[:len(names)-1]
		default:
			if text, ok := token.(string); ok && name {
				open := names[len(names)-1]
				if open[text] {
					return true
				}
				open[text], name = true, false
				continue
			}
		}
		name = len(names) > 0 && names[len(names)-1] != nil
	}
}

// FuzzEscaping has each text that may be a label's value, a tag's name or a help come through every format as it is.
func FuzzEscaping(f *testing.F) {
	for _, text := range []string{"", "a", `a"b`, `a\b`, "a\nb", "\\\"\n", "ü\u2028", "\xff", "{}=,", "a\r\n# EOF", "\x00"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, value, help string) {
		want := labelText(value)
		for _, format := range []Format{Text, OpenMetrics, Protobuf} {
			w := NewWriter(format, nil)
			w.Family("a", help, Gauge)
			w.Sample(LabelsOf("oslo", "web", "tcp", value, map[string]string{value: value}), 1)
			w.Family("b_total", "B.", Counter)
			w.Sample(nil, 2.5)
			data := w.Bytes()
			x := ingest(t, data, format)
			if len(x.samples) != 2 || x.samples[`{__name__="b_total"}`] != 2.5 {
				t.Fatalf("%v: %d samples, want 2: %v\n%s", format.ContentType(), len(x.samples), x.samples, data)
			}
			if format == Text && strings.Contains(help, "\r") {
				continue // the old library reads it as the end of a line
			}
			families := map[Format]func() string{
				Text:     func() string { return parseText(t, data)["a"].GetMetric()[0].GetLabel()[1].GetValue() },
				Protobuf: func() string { return parseProtobuf(t, data)["a"].GetMetric()[0].GetLabel()[1].GetValue() },
			}
			if get := families[format]; get != nil {
				if got := get(); got != want {
					t.Errorf("%v: instance is %q, want %q", format.ContentType(), got, want)
				}
			}
		}
	})
}

// FuzzNumber has a number be read as what was written.
func FuzzNumber(f *testing.F) {
	for _, n := range []float64{0, 1, -1, .1, 1e-9, 1e300, 123456789, 1 << 53, 1<<53 + 2, math.Inf(1), math.MaxInt64, 1.5} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n float64) {
		for _, s := range []scale{ones, nanos, micros} {
			text := string(appendNumber(nil, n, s))
			var got float64
			switch text {
			case "NaN":
				got = math.NaN()
			case "+Inf":
				got = math.Inf(1)
			case "-Inf":
				got = math.Inf(-1)
			default:
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Fatalf("%q is no number", text)
				}
			}
			if want := s.float(n); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Errorf("%v of scale %d is written as %s, which is %v", want, s, text, got)
			}
		}
	})
}

// FuzzEpoch has whatever an agent writes as its epoch come through every format.
func FuzzEpoch(f *testing.F) {
	for _, epoch := range []string{"e1", "", "\x00", "\n", "\"", "é", "\xff"} {
		f.Add(epoch, uint64(1))
	}
	f.Fuzz(func(t *testing.T, epoch string, seq uint64) {
		s := newSeries()
		r := result(t, "tcp", "web", "oslo", 1)
		r.Epoch, r.Seq, r.Run = epoch, seq, seq
		s.Result(r, start)
		for _, format := range []Format{Text, OpenMetrics, Protobuf} {
			if x := ingest(t, written(s, format, start), format); len(x.samples) == 0 {
				t.Errorf("%s: nothing is exported", format.ContentType())
			}
		}
	})
}
