package feed

import (
	"fmt"
	"strings"
	"testing"

	"netmon/internal/natstest"
	"netmon/wire"
)

// TestAnswering_TakesTurns: who asks much waits for itself, and hears so.
func TestAnswering_TakesTurns(t *testing.T) {
	b := natstest.Start(t)
	nc := natstest.Connect(t, b)
	a := newAnswering(New(Options{}))
	refused, err := nc.SubscribeSync("_INBOX.greedy.*")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := nc.SubscribeSync("history.get")
	if err != nil {
		t.Fatal(err)
	}
	from := func(who string, n int) {
		for i := range n {
			if err := nc.PublishRequest("history.get", fmt.Sprintf("_INBOX.%s.%d", who, i), nil); err != nil {
				t.Fatal(err)
			}
			m, err := sub.NextMsg(natsWait)
			if err != nil {
				t.Fatal(err)
			}
			a.add(m)
		}
	}
	from("greedy", waitingOfOne+5)
	from("other", 1)
	for range 5 {
		m, err := refused.NextMsg(natsWait)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := wire.DecodeHistoryReply(m.Data); err != nil || r.Error == nil || r.Error.Code != wire.CodeLimit || !strings.Contains(r.Error.Message, "wait for those first") {
			t.Errorf("%s %v", m.Data, err)
		}
	}
	var order []string
	for range 4 {
		_, who := a.next()
		order = append(order, who)
	}
	if got := fmt.Sprint(order); got != "[to _INBOX.greedy to _INBOX.other to _INBOX.greedy to _INBOX.greedy]" {
		t.Errorf("taken %s", got)
	}
	from("third", 1) // while three of the greedy one are worked on, others go first
	if _, who := a.next(); who != "to _INBOX.third" {
		t.Errorf("then %s", who)
	}
	a.done("to _INBOX.greedy", 0)
	if _, who := a.next(); who != "to _INBOX.greedy" {
		t.Errorf("and then %s", who)
	}
}

// TestAnswering_Hostile: what is wrong is told, and nothing breaks.
func TestAnswering_Hostile(t *testing.T) {
	m := newMesh(t)
	m.feeder(t.TempDir(), nil)
	m.wantSums(morning(), morning().Add(1), nil)
	for data, want := range map[string]string{
		`{`: "unexpected", `{"what":"rollups"}`: "from: is missing", `{"what":"all","from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z"}`: "want rollups or verdicts",
		`{"what":"rollups","from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z","step":"1ns"}`:                               "step",
		`{"what":"rollups","monitors":["a' OR 1=1 --"],"from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z"}`:                "monitors[0]",
		`{"what":"rollups","from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z","x":1}`:                                      "x",
		`{"what":"rollups","from":"2026-11-29T00:00:00Z","to":"2026-11-30T00:00:00Z","after":"` + strings.Repeat("a", 300) + `"}`: "after",
		strings.Repeat("x", wire.MaxHistoryQuery+1):                                                                               "bytes",
	} {
		answer, err := m.nc.Request(wire.HistorySubject, []byte(data), natsWait)
		if err != nil {
			t.Fatal(err)
		}
		r, err := wire.DecodeHistoryReply(answer.Data)
		if err != nil || r.OK || r.Error == nil || r.Error.Code != wire.CodeInvalid || !strings.Contains(r.Error.Error(), want) {
			t.Errorf("%.80s: %s %v, want %q", data, answer.Data, err, want)
		}
	}
}
