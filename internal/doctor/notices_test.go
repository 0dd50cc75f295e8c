package doctor

import (
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

// found says whether there is a finding of this check in this state with these words.
func found(list []Finding, check, state, words string) bool {
	for _, f := range list {
		if f.Check == check && f.State == state && strings.Contains(f.Found, words) {
			return true
		}
	}
	return false
}

func TestExamineChannels(t *testing.T) {
	now := time.Now()
	ready := console.ChannelHealth{Channel: "hook", Kind: "webhook", State: console.ChannelReady}
	nobody := console.ChannelHealth{Channel: "mail", Kind: "mail", State: console.ChannelNobody}
	broken := console.ChannelHealth{Channel: "pager", State: console.ChannelNotReady, By: "broker1", Problem: "key: ${env:NETMON_KEY} is not set"}
	paused := console.ChannelHealth{Channel: "quiet", State: console.ChannelPaused}
	deadman := console.ChannelHealth{Channel: "alive", Kind: wire.KindDeadman, State: console.ChannelReady}
	for _, tc := range []struct {
		name                string
		channels            []console.ChannelHealth
		check, state, words string
		count               int
	}{
		{"none", nil, "notices", OK, "nobody is notified", 1},
		{"all are ready", []console.ChannelHealth{ready, deadman}, "notices", OK, "notices can be sent to 2 of 2 channels", 1},
		{"no dead-man", []console.ChannelHealth{ready}, "dead-man", OK, "nobody is notified", 2},
		{"nobody notifies", []console.ChannelHealth{nobody, paused}, "notices", Problem, "NOBODY is notified of anything", 2},
		{"nobody has one", []console.ChannelHealth{nobody, ready}, "channel mail", Problem, "NOBODY sends for it", 3},
		{"none is ready", []console.ChannelHealth{broken, paused}, "notices", Problem, "NOBODY is notified of anything: the notifier can send by none of the 1 saved channel: see below", 3},
		{"a secret", []console.ChannelHealth{broken, deadman}, "channel pager", Problem, "not ready: key: ${env:NETMON_KEY} is not set, by broker1", 2},
	} {
		list := examineChannels(tc.channels, now)
		if !found(list, tc.check, tc.state, tc.words) || len(list) != tc.count {
			t.Errorf("%s: %v", tc.name, list)
		}
	}
}

func TestExamineUndelivered(t *testing.T) {
	now := time.Now()
	list := examineUndelivered([]wire.Incident{
		{ID: "a", Channels: []wire.ChannelState{{Channel: "hook", Outcome: wire.Undelivered, At: now.Add(-2 * time.Hour), Error: "500"}, {Channel: "mail", Outcome: wire.Retrying, Decided: now.Add(-time.Hour), Error: "refused"}}},
		{ID: "b", Channels: []wire.ChannelState{{Channel: "hook", Outcome: wire.Undelivered, At: now.Add(-time.Hour), Error: "404"}, {Channel: "mail", Outcome: wire.Retrying, Decided: now}}},
		{ID: "c", Channels: []wire.ChannelState{{Channel: "hook", Outcome: wire.Sent, At: now}, {Channel: "old", Outcome: wire.Undelivered, At: now.Add(-48 * time.Hour)}}},
	}, now)
	if len(list) != 2 || !found(list, "channel hook", Warning, "2 notices could not be delivered in the last day, the last one about b: 404") || !found(list, "channel mail", Warning, "1 notice not accepted for over 10m00s, the last one about a: refused") {
		t.Errorf("%v", list)
	}
}

func TestExamineRules(t *testing.T) {
	monitors := []wire.Saved{{Monitor: wire.Monitor{Name: "web", Kind: "https"}, Tags: map[string]string{"team": "shop"}}, {Monitor: wire.Monitor{Name: "db", Kind: "tcp"}}}
	agents := []console.Agent{{Alive: wire.Alive{Agent: "oslo"}}}
	hook := &wire.Channel{Name: "hook", Kind: "webhook"}
	shop := &wire.NoticeRule{Name: "shop", Match: wire.Match{Tags: map[string]string{"team": "shop"}}, To: []string{"hook"}}
	rest := &wire.NoticeRule{Name: "rest", To: []string{"hook"}}
	idle := &wire.NoticeRule{Name: "idle", Match: wire.Match{Monitors: []string{"mail*"}}, To: []string{"hook", "gone"}}
	window := &wire.Window{Name: "night", Match: wire.Match{Tags: map[string]string{"env": "prod"}}}
	if list := examineRules([]wire.Setting{hook}, monitors, agents); len(list) != 0 {
		t.Errorf("without rules: %v", list)
	}
	if list := examineRules([]wire.Setting{hook, shop, rest}, monitors, agents); len(list) != 0 {
		t.Errorf("with one for the rest: %v", list)
	}
	list := examineRules([]wire.Setting{hook, shop}, monitors, agents)
	if len(list) != 1 || !found(list, "rules", Warning, "since no rule matches: monitor db, agent oslo, the broker") {
		t.Errorf("without: %v", list)
	}
	list = examineRules([]wire.Setting{hook, rest, idle, window}, monitors, agents)
	if len(list) != 3 || !found(list, "rule idle", Warning, "it matches nothing that is saved: monitor mail*") || !found(list, "rule idle", Warning, `it notifies channel "gone", which is not saved`) || !found(list, "window night", Warning, "it matches nothing that is saved: tag env=prod") {
		t.Errorf("what matches nothing: %v", list)
	}
}
