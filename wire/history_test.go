package wire

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestDecodeHistoryHour: what the samples are, and no hour that contradicts itself.
func TestDecodeHistoryHour(t *testing.T) {
	good := historySamples()["history-hour"].(HistoryHour)
	encode := func(h HistoryHour) []byte {
		data, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	got, err := DecodeHistoryHour("history.web.paris", encode(good))
	if err != nil || !reflect.DeepEqual(got, good) {
		t.Fatalf("%+v %v", got, err)
	}
	for want, change := range map[string]func(h *HistoryHour){
		"it says it belongs on history.db.paris": func(h *HistoryHour) { h.Monitor = "db" },
		"hour: want the beginning of an hour":    func(h *HistoryHour) { h.Hour = h.Hour.Add(time.Second) },
		"revision: want 1 or more":               func(h *HistoryHour) { h.First = h.Revision + 1 },
		"rollup.runs: want the sum of ok":        func(h *HistoryHour) { h.Rollup.OK++ },
		"rollup.latency.buckets: want count":     func(h *HistoryHour) { h.Rollup.Latency.Buckets[1]++ },
		"rollup.latency.offset: want -1 to":      func(h *HistoryHour) { h.Rollup.Latency.Offset = 1 << 40 },
		"rollup.packets: want":                   func(h *HistoryHour) { h.Rollup.Packets.Lost = 1 << 20 },
		"rollup.covered: want at least":          func(h *HistoryHour) { h.Rollup.Covered = 1 },
		"rollup.skipped: want at most":           func(h *HistoryHour) { h.Rollup.Skipped = 1 << 63 },
		"rollup.phases: ":                        func(h *HistoryHour) { h.Rollup.Phases = map[string]Phase{"a b": {Count: 1}} },
	} {
		h := historySamples()["history-hour"].(HistoryHour)
		change(&h)
		if _, err := DecodeHistoryHour("history.web.paris", encode(h)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHistoryQuery_Validate(t *testing.T) {
	for text, want := range map[string]string{
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","step":"90s"}`:      `step: want whole minutes up to 1h, or whole hours, got "1m30s"`,
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","step":"90m"}`:      `step: want whole minutes`,
		`{"what":"all","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z"}`:                       `what: want rollups or verdicts, got "all"`,
		`{"what":"rollups","to":"2026-11-25T00:00:00Z"}`:                                                 "from: is missing",
		`{"what":"rollups","from":"2026-11-24T00:00:00Z"}`:                                               "to: is missing",
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-24T00:00:00Z"}`:                   "to: want a time after from",
		`{"what":"rollups","from":"2006-11-24T00:00:00Z","to":"2026-11-24T00:00:00Z"}`:                   "from: want at most 10 years before to",
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","monitors":["a."]}`: "monitors[0]: ",
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","limit":5001}`:      "limit: want 1 to 5000, got 5001",
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","until":"x"}`:       `unknown field "until"`,
		`{"what":"rollups","from":"2026-11-24T00:00:00Z","to":"2026-11-25T00:00:00Z","step":"24h"}`:      "",
	} {
		_, err := DecodeHistoryQuery([]byte(text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzDecodeHistoryHour(f *testing.F) {
	f.Add("history.web.paris", readHistorySample(f, "history-hour"))
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		h, err := DecodeHistoryHour(subject, data)
		if err != nil {
			return
		}
		again, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeHistoryHour(subject, again)
		if err != nil || !h.Hour.Equal(back.Hour) || !reflect.DeepEqual(h.Rollup, back.Rollup) {
			t.Errorf("%s is read again as %+v (%v)", again, back, err)
		}
	})
}

func FuzzDecodeHistoryReply(f *testing.F) {
	for _, name := range []string{"history-reply", "history-spans", "history-refused"} {
		f.Add(readHistorySample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := DecodeHistoryReply(data); err == nil && len(r.Encode()) == 0 {
			t.Error("it cannot be written again")
		}
	})
}

func readHistorySample(f *testing.F, name string) []byte {
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		f.Fatal(err)
	}
	return data
}
