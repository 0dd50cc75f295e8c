package push

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// golden are the golden results of all kinds, as those of a monitor each.
func golden(t testing.TB) (out []*Result) {
	t.Helper()
	files, err := filepath.Glob("../../probes/kinds/*/testdata/*.golden.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden results", err)
	}
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r wire.Result
		if err := json.Unmarshal(data, &r); err != nil {
			t.Fatal(file, err)
		}
		r.Agent, r.Monitor = "paris", strings.TrimSuffix(filepath.Base(file), ".golden.json")
		out = append(out, numbered(t, r, uint64(i+1)))
	}
	return out
}

// numbered is a result as the stream has it.
func numbered(t testing.TB, r wire.Result, sequence uint64) *Result {
	t.Helper()
	r.Epoch, r.Seq = "E6TGUCZCDN434QQK", sequence
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := wire.ResultSubject(r.Agent, r.Monitor)
	if err != nil {
		t.Fatal(err)
	}
	back, err := wire.DecodeResult(subject, data)
	if err != nil {
		t.Fatal(err)
	}
	return &Result{Result: back, Sequence: sequence, Data: data}
}

func tagsOf(monitor string, tags map[string]string) *Tags {
	t := &Tags{}
	t.set(map[string]map[string]string{monitor: tags})
	return t
}

var verdictAt = time.Date(2026, 11, 24, 11, 37, 0, 5e6, time.UTC)

func changeOf(monitor string, state wire.VerdictState) Verdict {
	v := &wire.Verdict{Monitor: monitor, State: state, Was: wire.VerdictUp, At: verdictAt, Since: verdictAt, N: 7, Why: "2 of 3 agents find it bad", Blame: &wire.Blame{Class: wire.BlameTarget, Why: "all fail"}}
	data, _ := json.Marshal(v)
	return Verdict{Monitor: monitor, State: state, At: verdictAt, Change: v, Sequence: 9, Data: data}
}

// decodeWrite reads a request of remote write by hand: series as text, with their points.
func decodeWrite(t testing.TB, plain []byte) map[string][]point {
	t.Helper()
	out := map[string][]point{}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(eachField(plain, func(field int, _ uint64, series []byte) {
		if field != 1 {
			t.Fatalf("field %d", field)
		}
		var name, last string
		var labels []string
		var points []point
		check(eachField(series, func(field int, _ uint64, data []byte) {
			if field == 1 {
				var l [3]string
				check(eachField(data, func(field int, _ uint64, data []byte) { l[field] = string(data) }))
				if l[1] <= last {
					t.Errorf("label %s follows %s", l[1], last)
				}
				if last = l[1]; l[1] == "__name__" {
					name = l[2]
				} else {
					labels = append(labels, fmt.Sprintf("%s=%q", l[1], l[2]))
				}
				return
			}
			p := point{}
			check(eachField(data, func(field int, number uint64, _ []byte) {
				if field == 2 {
					p.at = int64(number)
				}
			}))
			p.value = math.Float64frombits(uint64FromLE(data[1:9]))
			points = append(points, p)
		}))
		key := name + "{" + strings.Join(labels, ",") + "}"
		if out[key] != nil {
			t.Errorf("%s is there twice", key)
		}
		out[key] = points
	}))
	return out
}

func uint64FromLE(b []byte) (v uint64) {
	for i := range 8 {
		v |= uint64(b[i]) << (8 * i)
	}
	return v
}
