package access_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"netmon/wire"
)

const (
	historyQuery = `{"what":"rollups","from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z"}`
	historyHour  = `{"monitor":"web","agent":"oslo","kind":"tcp","hour":"2026-11-30T00:00:00Z","revision":7,"first":1,"rollup":{"runs":1,"ok":1}}`
)

// answerHistory has the controller answer questions about history, always in the same way.
func answerHistory(t *testing.T, boss *nats.Conn, answer string) {
	t.Helper()
	_, err := boss.Subscribe(wire.HistorySubject, func(m *nats.Msg) {
		if m.Reply != "" {
			m.Respond([]byte(answer))
		}
	})
	if err == nil {
		err = boss.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// historyDeeds is what is tried about history. There is an hour of web on oslo.
func historyDeeds() []deed {
	return []deed{
		{"ask for history (`history.get`)", readers, asks("history.get", historyQuery)},
		{"answer for the controller (subscribe `history.get`)", none, hears("history.get")},
		{"read a closed hour", readers, asks("$JS.API.DIRECT.GET.HISTORY.history.web.oslo", "")},
		{"follow closed hours (a consumer of `HISTORY`)", readers, makes("HISTORY", "")},
		{"tap closed hours (`history.*.*`)", none, hears("history.*.*")},
		{"write a closed hour (`history.web.oslo`)", none, asks("history.web.oslo", historyHour)},
		{"write one of its own (`history.web.<me>`)", none, asks("history.web.<me>", historyHour)},
		{"push what is read to `history.web.oslo`", none, makes("RESULTS", `,"deliver_subject":"history.web.oslo"`)},
	}
}
