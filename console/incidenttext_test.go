package console

import (
	"testing"
	"time"

	"netmon/wire"
)

func TestIncidentEvent(t *testing.T) {
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	x := dnsDown(at)
	with := func(change func(*wire.Incident)) *wire.Incident {
		y := dnsDown(at)
		y.N++
		change(&y)
		return &y
	}
	acked := func(y *wire.Incident) { y.Ack = &wire.Ack{By: "ada", At: at, Text: "on it"} }
	muted := func(y *wire.Incident) { y.Muted = []string{"deploy"} }
	undelivered := func(y *wire.Incident) {
		y.Channels = []wire.ChannelState{{Channel: "hook", N: 1, Outcome: wire.Undelivered, Error: "404"}}
	}
	for name, tc := range map[string]struct {
		was, is *wire.Incident
		want    string
	}{
		"opened":           {nil, &x, "incident 3f2a opened: dns is down: refused from 2 of 2 agents (the target)"},
		"one that is over": {nil, with(func(y *wire.Incident) { y.State = wire.IncidentResolved }), ""},
		"the same":         {&x, with(func(*wire.Incident) {}), ""},
		"told":             {&x, with(func(y *wire.Incident) { y.Channels = []wire.ChannelState{{Channel: "hook", N: 1, Outcome: wire.Sent}} }), ""},
		"undelivered":      {&x, with(undelivered), "incident 3f2a could not be sent to hook: 404"},
		"still so":         {with(undelivered), with(undelivered), ""},
		"another member":   {&x, with(func(y *wire.Incident) { y.Members = append(y.Members, y.Members[0]); y.Summary = "2 are down" }), "incident 3f2a changed: 2 are down (the target)"},
		"worse":            {with(func(y *wire.Incident) { y.Severity = wire.SeverityDegraded }), &x, "incident 3f2a changed: dns is down: refused from 2 of 2 agents (the target)"},
		"acknowledged":     {&x, with(acked), "incident 3f2a acknowledged by ada: on it"},
		"not any more":     {with(acked), &x, "incident 3f2a is no longer acknowledged: dns is down: refused from 2 of 2 agents (the target)"},
		"muted":            {&x, with(muted), "incident 3f2a muted by deploy"},
		"not muted":        {with(muted), &x, "incident 3f2a is no longer muted: dns is down: refused from 2 of 2 agents (the target)"},
		"flapping":         {&x, with(func(y *wire.Incident) { y.Flaps = true }), "incident 3f2a is flapping: no more notices until it is stable"},
		"merged":           {&x, with(func(y *wire.Incident) { y.State, y.Into = wire.IncidentMerged, "web-77ab000000000000" }), "incident 3f2a is part of 77ab now"},
		"resolved":         {&x, with(func(y *wire.Incident) { y.State, y.Resolved = wire.IncidentResolved, at.Add(723*time.Second) }), "incident 3f2a resolved after 12m03s: dns is down: refused from 2 of 2 agents (the target)"},
	} {
		short := map[string]string{x.ID: "3f2a", "web-77ab000000000000": "77ab"}
		if got := IncidentEvent(tc.was, tc.is, short); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"30m": 30 * time.Minute, "2h": 2 * time.Hour, "3d": 72 * time.Hour, "1d12h": 36 * time.Hour, "": 0, "0h": 0, "-1h": 0, "d": 0, "x": 0, "9999999d": 0} {
		d, err := ParseSpan(text)
		if d != want || (err == nil) != (want > 0) {
			t.Errorf("ParseSpan(%q) = %v, %v; want %v", text, d, err, want)
		}
	}
}
