package export

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/console"
	"netmon/console/view"
	"netmon/judge"
	"netmon/wire"
)

// fullWorld has something of everything.
func fullWorld() *world {
	w := newWorld()
	w.save("db", "tcp", "db.example:5432", "")
	w.judged("db", judge.Down, wire.VerdictQuorum{Down: []string{"oslo", "paris"}})
	w.judged("shop", judge.Up, wire.VerdictQuorum{Up: []string{"oslo", "paris"}})
	w.rows = append(w.rows, view.Row{Name: "hand", State: judge.Up, Manual: true}, view.Row{Name: "newer", Problem: "cannot be read"})
	w.agents[0].Results, w.agents[0].Pending, w.agents[0].Started = 7, 2, time.Unix(500, 0)
	w.agents[1].Online, w.agents[1].Verdict = false, &wire.AgentVerdict{Agent: "paris", Status: wire.AgentAside}
	w.agents = append(w.agents, console.Agent{Alive: wire.Alive{Agent: "rome", Leaving: true}, Seen: time.Now()})
	w.list = console.IncidentList{Read: true, Open: 1, All: []*wire.Incident{
		{ID: "db-1", State: wire.IncidentOpen, Severity: wire.SeverityDown, Cause: wire.Cause{What: "monitor", Name: `d"b` + "\n"}, Blame: &wire.Blame{Class: wire.BlameTarget}, Opened: time.Unix(900, 0), Ack: &wire.Ack{}},
		{ID: "db-0", State: wire.IncidentResolved},
	}}
	w.channels = []console.ChannelSeen{
		{ChannelStatus: wire.ChannelStatus{Channel: "mail", Ready: true, Backlog: 3, Sent: 5, Failed: 1}, Seen: time.Now()},
		{ChannelStatus: wire.ChannelStatus{Channel: "old", Ready: true, Sent: 9}, Seen: time.Now().Add(-time.Hour)},
	}
	return w
}

// TestMetrics_Mesh: verdicts, incidents, channels, agents, and what can be read, in every format
// the same.
func TestMetrics_Mesh(t *testing.T) {
	w := fullWorld()
	s := w.serve(t, here)
	s.result("oslo", w.saved[0], wire.OK, 0)
	s.result("paris", w.saved[0], wire.OK, 0) // which is offline
	_, text, _ := s.get("/metrics")
	got := flat(parseText(t, []byte(text)))
	for _, line := range []string{
		`netmon_build_info{version="1.2.3"} 1`, `netmon_broker_connected{} 1`, `netmon_broker_rtt_seconds{} 0.002`,
		`netmon_part_readable{part="monitors"} 1`, `netmon_part_readable{part="incidents"} 1`,
		`netmon_verdict{monitor="db",state="down"} 1`, `netmon_verdict{monitor="db",state="up"} 0`, `netmon_verdict{monitor="shop",state="up"} 1`, `netmon_verdict{monitor="shop",state="paused"} 0`,
		`netmon_verdict_since_timestamp_seconds{monitor="db"} 1000`, `netmon_uptime_ratio{monitor="db",window="24h"} 0.5`,
		`netmon_incidents_open{} 1`, `netmon_incident_open{blame="target",cause="monitor",incident="db-1",name="d\"b\n",severity="down"} 1`, `netmon_incident_opened_timestamp_seconds{incident="db-1"} 900`,
		`netmon_incident_acknowledged{incident="db-1"} 1`, `netmon_incident_muted{incident="db-1"} 0`,
		`netmon_channel_ready{channel="mail"} 1`, `netmon_channel_ready{channel="old"} 0`, `netmon_channel_backlog{channel="mail"} 3`,
		`netmon_notices_total{channel="mail",result="sent"} 5`, `netmon_notices_total{channel="mail",result="failed"} 1`,
		`netmon_agent_online{agent="oslo"} 1`, `netmon_agent_online{agent="paris"} 0`, `netmon_agent_set_aside{agent="paris"} 1`,
		`netmon_agent_results_total{agent="oslo"} 7`, `netmon_agent_results_pending{agent="oslo"} 2`, `netmon_agent_start_time_seconds{agent="oslo"} 500`,
		`netmon_controller_leading{} 1`, `netmon_verdicts_frozen{} 0`,
		`probe_success{agent="oslo",instance="https://shop.example/",kind="https",monitor="shop",tag_a_b="1",tag_team="shop"} 1`,
		`netmon_monitor_info{instance="db.example:5432",kind="tcp",monitor="db",tag_a_b="1",tag_team="shop"} 1`,
	} {
		if !slices.Contains(got, line) {
			t.Errorf("there is no %s", line)
		}
	}
	for _, word := range []string{`"rome"`, `"hand"`, `"newer"`, `db-0`, `channel="old",`, `probe_success{agent="paris"`, `netmon_agent_results_total{agent="paris"`} {
		if i := slices.IndexFunc(got, func(line string) bool { return strings.Contains(line, word) }); i >= 0 {
			t.Errorf("there is %s", got[i])
		}
	}
	_, binary, header := s.get("/metrics", "Accept", Protobuf.ContentType())
	if header.Get("Content-Type") != Protobuf.ContentType() {
		t.Errorf("%v", header)
	}
	if other := flat(parseProtobuf(t, []byte(binary))); !slices.Equal(without(got, "heartbeat"), without(other, "heartbeat")) {
		t.Errorf("the formats differ:\n%s\n\n%s", strings.Join(got, "\n"), strings.Join(other, "\n"))
	}
	documented(t, "mesh", meshTable(t, text))
	for _, problem := range lint(t, []byte(text)) {
		if strings.HasPrefix(problem, "netmon_") && !strings.HasPrefix(problem, latencyFamily.name+": ") {
			t.Error(problem)
		}
	}
}

func without(lines []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.Contains(l, word) })
}

// TestMetrics_WhatCannotBeReadIsAbsent, rather than as it was.
func TestMetrics_WhatCannotBeReadIsAbsent(t *testing.T) {
	trouble := func(p console.Part) func(w *world) {
		return func(w *world) { w.troubles = []console.Trouble{{Part: p, Err: errors.New("no right")}} }
	}
	all := []string{"netmon_verdict{", "netmon_uptime_ratio", "netmon_incident_open{", "netmon_agent_online", "probe_success", "netmon_channel_ready", "netmon_monitor_info"}
	for name, tc := range map[string]struct {
		change func(w *world)
		none   []string
		says   []string
	}{
		"the broker is away":      {func(w *world) { w.link.Lost = time.Now().Add(-view.Contact) }, all, []string{"netmon_broker_connected 0", `netmon_part_readable{part="verdicts"} 0`, `netmon_part_readable{part="results"} 0`}},
		"it went away just now":   {func(w *world) { w.link.Lost = time.Now() }, nil, []string{"netmon_broker_connected 0", `netmon_part_readable{part="verdicts"} 1`}},
		"nothing was read so far": {func(w *world) { w.unread, w.link.Lost = true, time.Now() }, all, []string{`netmon_part_readable{part="monitors"} 0`}},
		"verdicts":                {trouble(console.PartVerdicts), []string{"netmon_verdict{", "netmon_uptime_ratio"}, []string{`netmon_part_readable{part="verdicts"} 0`, "probe_success"}},
		"results":                 {trouble(console.PartResults), []string{"probe_success"}, []string{`netmon_part_readable{part="results"} 0`, "netmon_verdict{"}},
		"agents":                  {trouble(console.PartAgents), []string{"probe_success", "netmon_agent_online"}, []string{`netmon_part_readable{part="agents"} 0`, "netmon_verdict{"}},
		"incidents":               {func(w *world) { w.list = console.IncidentList{Why: "no right"} }, []string{"netmon_incidents_open", "netmon_channel_ready"}, []string{`netmon_part_readable{part="incidents"} 0`, "netmon_verdict{"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := fullWorld()
			s := w.serve(t, here)
			s.result("oslo", w.saved[0], wire.OK, 0)
			tc.change(w)
			// Who scrapes does not wait for what may never come.
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			model := s.mesh.known(ctx)
			out := NewWriter(Text, nil)
			s.of.gather(out, model)
			text := string(out.Bytes())
			for _, word := range tc.none {
				if strings.Contains(text, "\n"+word) {
					t.Errorf("there is %s in\n%s", word, text)
				}
			}
			for _, word := range append(tc.says, "netmon_build_info") {
				if !strings.Contains(text, word) {
					t.Errorf("there is no %s in\n%s", word, text)
				}
			}
		})
	}
}

// TestReady says whether there is something to scrape.
func TestReady(t *testing.T) {
	w := newWorld()
	s := w.serve(t, here)
	s.want(http.StatusOK, "/-/ready", "ready\n")
	w.link.Lost = time.Now().Add(-time.Minute)
	s.want(http.StatusServiceUnavailable, "/-/ready", "the broker is unreachable")
	s.want(http.StatusOK, "/-/healthy", "netmon is healthy")
	s.want(http.StatusNotFound, "/nothing", "/metrics, /sd, /probe")
	s.want(http.StatusOK, "/", "/metrics", "/sd", "/probe", "netmon 1.2.3")
}
