package screen

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"netmon/console/view"
	"netmon/wire"
)

// wronged is the office with incidents: one that is told of and acknowledged, one that
// is muted, and one that is over.
func wronged() (*view.Mesh, time.Time) {
	v, now := office()
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	target := &wire.Blame{Class: wire.BlameTarget, Sure: true, Why: "each agent that can say so is refused"}
	down := wire.Incident{ID: "dns-3f2a91bc00112233", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: wire.CauseHost, Name: "example.com"},
		Summary: "2 monitors are wrong: dns is down: times out from 1 of 1 agents", Opened: at(10), Decided: at(12), At: at(60), Joined: at(20), N: 4, Blame: target,
		Members: []wire.IncidentMember{
			{About: wire.AboutMonitor, Name: "dns", Severity: wire.SeverityDown, Since: at(10), Why: "times out from 1 of 1 agents", Blame: target, N: 2},
			{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDegraded, Since: at(20), Why: "tokyo is refused; paris is fine", N: 3},
			{About: wire.AboutMonitor, Name: "gateway", Severity: wire.SeverityDegraded, Since: at(20), Until: at(50), Why: "tokyo gets no answer", N: 4}},
		Good: 1, Ack: &wire.Ack{By: "ada", At: at(60), Text: "I look at it"},
		Channels: []wire.ChannelState{
			{Channel: "hook", N: 1, Reason: wire.ReasonOpened, Decided: at(22), Of: 2, Notified: true, Outcome: wire.Sent, Delivered: 1, Shown: 2, At: at(23), Rule: "rest"},
			{Channel: "ops-mail", N: 1, Reason: wire.ReasonOpened, Decided: at(22), Of: 2, Outcome: wire.Retrying, At: at(55), Error: "dial smtp.example.org:587: connection refused"}},
		Log: []wire.Entry{
			{At: at(12), What: wire.EntryOpened, Text: "dns is down: times out from 1 of 1 agents"},
			{At: at(20), What: wire.EntryChanged, Text: "web is degraded, too: the same host"},
			{At: at(23), What: wire.EntryNotified, By: "hook", Text: "opened, 200 OK"},
			{At: at(50), What: wire.EntryChanged, Text: "gateway is good again"},
			{At: at(60), What: wire.EntryAcknowledged, By: "ada", Text: "I look at it"}}}
	muted := wire.Incident{ID: "a-rather-long-name-of-a-monitor-3f2b00000000aaaa", State: wire.IncidentOpen, Severity: wire.SeverityUnknown, Cause: wire.Cause{What: wire.CauseMonitor, Name: "a-rather-long-name-of-a-monitor"},
		Summary: "a-rather-long-name-of-a-monitor is unknown: no agent can tell", Opened: t0, Decided: t0, At: t0, Joined: t0, N: 1, Muted: []string{"deploy"},
		Members: []wire.IncidentMember{{About: wire.AboutMonitor, Name: "a-rather-long-name-of-a-monitor", Severity: wire.SeverityUnknown, Since: t0, Why: "no agent can tell", N: 1, Muted: []string{"deploy"}}},
		Log:     []wire.Entry{{At: t0, What: wire.EntryOpened, Text: "it is unknown"}, {At: t0, What: wire.EntryMuted, By: "ada", Text: "silence deploy"}}}
	over := wire.Incident{ID: "oslo-77ab000000000000", State: wire.IncidentResolved, Severity: wire.SeverityAgent, Cause: wire.Cause{What: wire.CauseAgent, Name: "oslo"},
		Summary: "agent oslo was away", Opened: t0.Add(-3 * time.Hour), Decided: t0.Add(-3 * time.Hour), At: t0.Add(-2 * time.Hour), Resolved: t0.Add(-2 * time.Hour), N: 2, Good: 1,
		Members: []wire.IncidentMember{{About: wire.AboutAgent, Name: "oslo", Severity: wire.SeverityAgent, Since: t0.Add(-3 * time.Hour), Until: t0.Add(-2 * time.Hour), N: 2}}}
	v.Incidents(view.IncidentFacts{Incidents: []wire.Incident{over, muted, down},
		Deliveries: []wire.Delivery{{Channel: "hook", Incident: down.ID, N: 1, Outcome: wire.Sent, Attempts: 1, At: at(23), Answer: "200 OK", By: "broker1"},
			{Channel: "ops-mail", Incident: down.ID, N: 1, Outcome: wire.Retrying, Attempts: 4, At: at(55), Next: at(135), Error: "dial smtp.example.org:587: connection refused", By: "broker1"}}})
	return v, now
}

func TestRender_GoldenIncidents(t *testing.T) {
	for name, keys := range map[string][]string{
		"wrong":           nil,
		"incidents":       {"i"},
		"incidents-over":  {"i", "down", "down"},
		"incident":        {"i", "enter"},
		"incident-scroll": {"i", "enter", "down", "down"},
		"acknowledge":     {"i", "down", "a", "o", "n", "space", "i", "t"},
		"silence":         {"i", "s", "2", "h", "space", "d"},
	} {
		v, now := wronged()
		goldens(t, name, v, now, nil, keys)
	}
}

func TestTable_Incidents(t *testing.T) {
	v, now := wronged()
	var b strings.Builder
	if err := Table(&b, v.Snapshot(PlainQuery(nil), now), New("", nil), 0, Styles{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "table-incidents", strings.TrimSuffix(b.String(), "\n"))
}

func TestKey_Incidents(t *testing.T) {
	for name, tc := range map[string]struct {
		keys  []string
		tab   Tab
		story bool
		do    string // of the last key
		text  string // and what was typed for it
		says  string
		bad   bool
	}{
		"i shows them":                    {keys: []string{"i"}, tab: Incidents},
		"enter opens one":                 {keys: []string{"i", "enter"}, tab: Incidents, story: true},
		"esc closes it":                   {keys: []string{"i", "enter", "down", "esc"}, tab: Incidents},
		"esc leads back":                  {keys: []string{"i", "esc"}, tab: Monitors},
		"acknowledge":                     {keys: []string{"i", "a", "m", "e", "enter"}, tab: Incidents, do: "acknowledge incident 3f2a", text: "me", says: "…"},
		"acknowledge without words":       {keys: []string{"i", "a", "enter"}, tab: Incidents, do: "acknowledge incident 3f2a", says: "…"},
		"acknowledge from its monitor":    {keys: []string{"a", "enter"}, do: "acknowledge incident 3f2a", says: "…"},
		"acknowledge what is well":        {keys: []string{"end", "a"}, says: "choose an incident", bad: true},
		"acknowledge what is over":        {keys: []string{"i", "end", "a"}, tab: Incidents, says: "is over", bad: true},
		"acknowledge given up":            {keys: []string{"i", "a", "x", "esc"}, tab: Incidents, says: "nothing was changed"},
		"silence":                         {keys: []string{"i", "s", "1", "d", "space", "w", "h", "y", "enter"}, tab: Incidents, do: "silence incident 3f2a for 1d", text: "why", says: "…"},
		"silence for no time":             {keys: []string{"i", "s", "0", "h", "enter"}, tab: Incidents, says: "want how long, such as 30m", bad: true},
		"silence for what is no time":     {keys: []string{"i", "s", "x", "enter"}, tab: Incidents, says: "want how long", bad: true},
		"a monitor's key does nothing":    {keys: []string{"i", "d"}, tab: Incidents, says: "works on a monitor", bad: true},
		"keys are text while one answers": {keys: []string{"i", "a", "q", "s", "i"}, tab: Incidents},
	} {
		t.Run(name, func(t *testing.T) {
			v, now := wronged()
			u := New("nats://127.0.0.1:4222", nil)
			effects := press(t, v, &u, now, tc.keys...)
			last, do, text := effects[len(effects)-1], "", ""
			if last.Do != nil {
				do, text = last.Do.String(), last.Do.Text
			}
			if u.Tab != tc.tab || u.Story != tc.story || do != tc.do || text != tc.text || u.Bad != tc.bad || !strings.Contains(u.Message, tc.says) || last.Quit {
				t.Errorf("%v (story %v), does %q with %q, says %q (bad %v)", u.Tab, u.Story, do, text, u.Message, u.Bad)
			}
		})
	}
}

// TestRender_IncidentInjection draws incidents of which every text is hostile.
func TestRender_IncidentInjection(t *testing.T) {
	v := view.New(t0)
	blame := &wire.Blame{Class: nasty, Names: []string{nasty}, Why: nasty}
	for n, state := range []wire.IncidentState{wire.IncidentOpen, wire.IncidentResolved, wire.IncidentMerged, nasty} {
		v.Incident(wire.Incident{ID: fmt.Sprintf("id%d", n), State: state, Severity: nasty, Cause: wire.Cause{What: nasty, Name: nasty}, Summary: nasty, Into: nasty, Opened: t0, At: t0, Blame: blame,
			Members: []wire.IncidentMember{{About: nasty, Name: nasty, Severity: nasty, Why: nasty, Blame: blame, Muted: []string{nasty}}},
			Ack:     &wire.Ack{By: nasty, Text: nasty}, Muted: []string{nasty}, Flaps: true,
			Channels: []wire.ChannelState{{Channel: nasty, Reason: nasty, Outcome: nasty, Error: nasty, Rule: nasty}},
			Log:      []wire.Entry{{What: nasty, By: nasty, Text: nasty}}})
		v.Delivery(wire.Delivery{Channel: nasty, Incident: fmt.Sprintf("id%d", n), Outcome: nasty, Error: nasty, Answer: nasty, By: nasty})
	}
	for _, keys := range [][]string{{}, {"i"}, {"i", "down"}, {"i", "enter"}, {"i", "down", "enter"}, {"i", "end", "enter"}, {"i", "a"}, {"i", "s"}} {
		u := New("x", nil)
		press(t, v, &u, t0, keys...)
		for _, w := range []int{60, 100, 250} {
			got, _ := draw(v, &u, t0, w, 50, Colours)
			clean(t, strings.Join(keys, " "), got)
		}
	}
	var b strings.Builder
	if err := Table(&b, v.Snapshot(PlainQuery(nil), t0), New("", nil), 0, Styles{}); err != nil {
		t.Fatal(err)
	}
	clean(t, "table", b.String())
	v = view.New(t0)
	v.NoIncidents(nasty)
	u := New("x", nil)
	press(t, v, &u, t0, "i")
	got, _ := draw(v, &u, t0, 100, 50, Colours)
	clean(t, "unread", got)
}
