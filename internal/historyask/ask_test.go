package historyask

import (
	"context"
	"errors"
	"testing"
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
