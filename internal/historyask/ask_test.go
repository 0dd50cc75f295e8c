package historyask

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"netmon/wire"
)

func TestAll_JoinsPages(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	const minute = wire.Duration(time.Minute)
	pages := map[string]wire.HistoryReply{
		"":  {OK: true, Step: minute, Next: "1", Since: at, Series: []wire.HistorySeries{{Monitor: "web", Agent: "paris", Rows: []wire.HistoryRow{{At: at}}}}},
		"1": {OK: true, Step: minute, Since: at.Add(-time.Hour), Through: at, Series: []wire.HistorySeries{{Monitor: "web", Agent: "paris", Rows: []wire.HistoryRow{{At: at.Add(time.Minute)}}}, {Monitor: "web", Agent: "rome"}}, Gaps: []wire.HistoryGap{{Results: 3}}},
	}
	ask := func(_ context.Context, data []byte) ([]byte, error) {
		q, err := wire.DecodeHistoryQuery(data)
		r := pages[q.After]
		return r.Encode(), err
	}
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: at, To: at.Add(time.Hour)}
	r, err := All(t.Context(), q, ask)
	if err != nil || len(r.Series) != 2 || len(r.Series[0].Rows) != 2 || !r.Since.Equal(at.Add(-time.Hour)) || !r.Through.Equal(at) || len(r.Gaps) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestAll_Fails(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: at, To: at.Add(time.Hour)}
	for name, r := range map[string]wire.HistoryReply{
		"refused": {Error: &wire.Error{Code: wire.CodeLimit, Message: "wait"}}, "refused without a reason": {}, "stands still": {OK: true, Next: "1"},
	} {
		if _, err := All(t.Context(), q, func(context.Context, []byte) ([]byte, error) { return r.Encode(), nil }); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, ok := errors.AsType[*wire.Error](err); ok != (name == "refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone := errors.New("gone")
	if _, err := All(t.Context(), q, func(context.Context, []byte) ([]byte, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Error(err)
	}
}

// TestAll_AsksAgain: where a controller refuses a page by its share, the same page is asked for
// when it says; one that refuses for ever, or for too long, is not.
func TestAll_AsksAgain(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	q := wire.HistoryQuery{What: wire.HistoryRollups, From: at, To: at.Add(time.Hour)}
	row := func(minutes int, next string) wire.HistoryReply {
		return wire.HistoryReply{OK: true, Step: wire.Duration(time.Minute), Next: next, Series: []wire.HistorySeries{{Monitor: "web", Agent: "paris", Rows: []wire.HistoryRow{{At: at.Add(time.Duration(minutes) * time.Minute)}}}}}
	}
	wait := func(d time.Duration) wire.HistoryReply {
		return wire.HistoryReply{Error: &wire.Error{Code: wire.CodeLimit, Message: "ask again"}, Again: wire.Duration(d)}
	}
	for name, c := range map[string]struct {
		replies []wire.HistoryReply // the last one goes on
		rows    int
		waited  time.Duration
	}{
		"a page in the middle":      {[]wire.HistoryReply{row(0, "1"), wait(4 * time.Second), wait(10 * time.Second), row(1, "")}, 2, 14 * time.Second},
		"for ever":                  {[]wire.HistoryReply{wait(10 * time.Second)}, 0, waitMost},
		"for ever, without a pause": {[]wire.HistoryReply{wait(1)}, 0, 120},
		"longer than anybody waits": {[]wire.HistoryReply{wait(2 * time.Hour)}, 0, 0},
		"a time that cannot be":     {[]wire.HistoryReply{wait(-time.Second)}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, n, after := time.Now(), 0, []string{}
				r, err := All(t.Context(), q, func(_ context.Context, data []byte) ([]byte, error) {
					q, err := wire.DecodeHistoryQuery(data)
					after = append(after, q.After)
					x := c.replies[min(n, len(c.replies)-1)]
					n++
					return x.Encode(), err
				})
				if got := time.Since(begun); got != c.waited || (err == nil) != (c.rows > 0) {
					t.Fatalf("it waited %s, want %s: %v", got, c.waited, err)
				}
				if c.rows > 0 && (len(r.Series[0].Rows) != c.rows || !slices.Equal(after, []string{"", "1", "1", "1"})) {
					t.Errorf("asked behind %q, got %d rows", after, len(r.Series[0].Rows))
				}
			})
		})
	}
}
