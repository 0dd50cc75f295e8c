package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"netmon/probes/kinds"
)

// TestReader_Items: each value of a list is a sample, by its label, in its base unit.
func TestReader_Items(t *testing.T) {
	got := lines(NewReader(kinds.All()).Samples(nil, golden(t, "exec")))
	for _, want := range []string{"probe_exec_exit_code 1", `probe_exec_perfdata_bytes{label="/"} 2.643e+09`, `probe_exec_perfdata_seconds{label="time"} 0.012`,
		`probe_exec_perfdata_percent{label="/boot used"} 68`, `probe_exec_perfdata{label="inodes"} 12`, `probe_exec_perfdata_counter{label="requests"} 34`} {
		if !slices.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// TestSeries_Items: what agents invent makes no series twice, none without bounds, and
// none that stays when the next result lacks it.
func TestSeries_Items(t *testing.T) {
	var list []string
	for i := range mostItems + 50 {
		list = append(list, fmt.Sprintf(`{"label":"l%d","base":%d,"quantity":"number"}`, i/2, i))
	}
	for _, more := range []string{`{"label":7,"base":1,"quantity":"number"}`, `{"label":"x","base":"1","quantity":"number"}`, `{"label":"a\"b\nc","base":1,"quantity":"seconds"}`} {
		list = slices.Insert(list, 0, more)
	}
	s := newSeries()
	r := result(t, "exec", "m", "oslo", 1)
	r.Details = json.RawMessage(`{"perfdata":[` + strings.Join(list, ",") + `]}`)
	s.Result(r, start)
	text := written(s, Text, start)
	if n := bytes.Count(text, []byte("probe_exec_perfdata{")); n != (mostItems-3+1)/2 {
		t.Errorf("%d samples", n)
	}
	if !bytes.Contains(text, []byte(`label="a\"b\nc"} 1`)) {
		t.Error("a label is not escaped")
	}
	parseText(t, text)
	next := result(t, "exec", "m", "oslo", 2)
	next.Details = json.RawMessage(`{"perfdata":"none"}`)
	s.Result(next, start)
	if text := written(s, Text, start); bytes.Contains(text, []byte("probe_exec_perfdata{")) {
		t.Error("a value outlives its result")
	}
}
