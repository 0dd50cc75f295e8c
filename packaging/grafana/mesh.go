package grafana

// The identifiers of the dashboards, which are part of their addresses.
const (
	meshUID    = "netmon-mesh"
	monitorUID = "netmon-monitor"
)

// states are those of a verdict, by the number that stands for each in a timeline.
var states = []word{{"1", "up", green}, {"2", "degraded", yellow}, {"3", "down", red}, {"4", "unknown", grey}, {"5", "paused", blue}}

// outcomes are those of a run, likewise.
var outcomes = []word{{"0", "failed", red}, {"1", "ok", green}, {"2", "broken", grey}}

// info adds to series of a monitor what it measures: those of a verdict have neither kind
// nor target.
const info = ` * on (monitor) group_left (kind, instance) max by (monitor, kind, instance) (netmon_monitor_info)`

// Mesh is the dashboard of everything: how the monitors are, what is open, how the agents do.
func Mesh() *Dashboard {
	objective := object{"name": "objective", "label": "Objective", "type": "custom", "query": "0.9,0.99,0.995,0.999,0.9999", "hide": 0, "includeAll": false, "multi": false,
		"options": []object{{"selected": false, "text": "0.9", "value": "0.9"}, {"selected": false, "text": "0.99", "value": "0.99"}, {"selected": false, "text": "0.995", "value": "0.995"}, {"selected": true, "text": "0.999", "value": "0.999"}, {"selected": false, "text": "0.9999", "value": "0.9999"}},
		"current": object{"selected": true, "text": "0.999", "value": "0.999"}}
	d := begin(meshUID, "netmon: mesh", "How all monitors are as netmon judged them, what is open, and how its agents do.",
		values("kind", "Kind", "label_values(netmon_monitor_info, kind)", true), values("agent", "Agent", "label_values(netmon_agent_online, agent)", true), objective)

	state := func(name string) string {
		return `sum(max by (monitor) (netmon_verdict{state="` + name + `"}))`
	}
	d.add(4, 4, stat("Monitors", "Saved monitors that have a verdict.", "none", `count(max by (monitor) (netmon_verdict))`))
	d.add(4, 4, stat("Up", "", "none", state("up"), step{green, nil}))
	d.add(4, 4, stat("Degraded", "Bad for some agents, too few for down; or slow.", "none", state("degraded"), step{green, nil}, step{yellow, 1}))
	d.add(4, 4, stat("Down", "Bad for as many agents as the quorum requires.", "none", state("down"), step{green, nil}, step{red, 1}))
	d.add(4, 4, stat("Unknown", "No agent can say anything: never counted as up.", "none", state("unknown"), step{green, nil}, step{grey, 1}))
	d.add(4, 4, stat("Open incidents", "", "none", `count(count by (incident) (netmon_incident_open)) or vector(0)`, step{green, nil}, step{red, 1}))

	d.row("What is wrong")
	d.add(12, 8, table("Not up", "Monitors that are degraded, down or unknown.", `(max by (monitor, state) (netmon_verdict{state=~"degraded|down|unknown"}) == 1)`+info,
		column{label: "monitor", name: "Monitor", monitor: true}, column{label: "state", name: "State", words: []word{{"degraded", "degraded", yellow}, {"down", "down", red}, {"unknown", "unknown", grey}}},
		column{label: "kind", name: "Kind"}, column{label: "instance", name: "Target"}, column{label: "Value"}))
	d.add(12, 8, table("Open incidents", "What is wrong for the same cause is one incident.", `max by (incident, severity, cause, name, blame) (netmon_incident_open)`,
		column{label: "incident", name: "Incident"}, column{label: "severity", name: "Severity"}, column{label: "cause", name: "Cause"}, column{label: "name", name: "Of"}, column{label: "blame", name: "Blame"}, column{label: "Value"}))
	d.add(12, 8, coloured(stacked(lines("Monitors by state", "", "none", query{`sum by (state) (max by (monitor, state) (netmon_verdict))`, "{{state}}"})), states...))
	d.add(12, 8, bars("Worst monitors", "Part of the runs that failed. Runs in which the agent could not measure count for nothing.", "percentunit",
		`topk(10, sum by (monitor) (increase(netmon_runs_total{kind=~"$kind",agent=~"$agent",outcome="failed"}[$__range])) / sum by (monitor) (increase(netmon_runs_total{kind=~"$kind",agent=~"$agent",outcome=~"ok|failed"}[$__range])) > 0)`,
		"{{monitor}}", step{yellow, nil}, step{red, 0.5}))

	d.row("Monitors and agents")
	d.add(24, 12, matrix("Last run of each monitor on each agent", "– is no fresh result. A broken run says nothing of the target.",
		`max by (monitor, agent) (probe_success{monitor!="",kind=~"$kind",agent=~"$agent"}) or max by (monitor, agent) (2 * (netmon_run_broken{kind=~"$kind",agent=~"$agent"} == 1))`, outcomes))

	d.row("Latency")
	all := `{kind=~"$kind",agent=~"$agent"}`
	d.add(12, 9, heat("Latency of all runs", "How many runs took how long.", "s", buckets(all)))
	d.add(12, 9, lines("Percentiles by agent", "95 of 100 runs were faster.", "s", query{quantile("0.95", "agent", all), "{{agent}}"}))
	d.add(12, 8, bars("Slowest monitors", "Their 95th percentile on the agent that is slowest for them.", "s",
		`topk(10, max by (monitor) (`+quantile("0.95", "monitor, agent", all)+`))`, "{{monitor}}", step{blue, nil}))
	d.add(12, 8, table("Certificates that end first", "", `bottomk(10, min by (monitor, instance) (probe_ssl_earliest_cert_expiry{monitor!="",agent=~"$agent"}) - time())`,
		column{label: "monitor", name: "Monitor", monitor: true}, column{label: "instance", name: "Target"}, column{label: "Value", name: "Ends in", unit: "s"}))

	d.row("Uptime and error budget")
	d.add(12, 8, table("Uptime over 24 hours", "The part of the known time in which a monitor was not down.", `bottomk(20, max by (monitor) (netmon_uptime_ratio{window="24h"}))`,
		column{label: "monitor", name: "Monitor", monitor: true}, column{label: "Value", name: "Uptime", unit: "percentunit"}))
	d.add(12, 8, table("Error budget left of 24 hours", "Of what the objective above allows a monitor to be down; below zero it is overspent.", `bottomk(20, 1 - (1 - max by (monitor) (netmon_uptime_ratio{window="24h"})) / (1 - $objective))`,
		column{label: "monitor", name: "Monitor", monitor: true}, column{label: "Value", name: "Left", unit: "percentunit"}))

	d.row("Agents and netmon itself")
	d.add(12, 8, timeline("Agents online", "", []word{{"0", "offline", red}, {"1", "online", green}}, query{`max by (agent) (netmon_agent_online)`, "{{agent}}"}))
	d.add(12, 8, lines("Results per second", "Measured by each agent.", "ops", query{`max by (agent) (rate(netmon_agent_results_total{agent=~"$agent"}[$__rate_interval]))`, "{{agent}}"}))
	d.add(8, 8, lines("Results that wait", "In the agents' spools, for the broker.", "none", query{`max by (agent) (netmon_agent_results_pending{agent=~"$agent"})`, "{{agent}}"}))
	d.add(8, 8, lines("Skipped and dropped per second", "Ticks that an agent was too busy for; results that were lost because its spool was full.", "ops",
		query{`max by (agent) (rate(netmon_agent_ticks_skipped_total{agent=~"$agent"}[$__rate_interval]))`, "{{agent}} skipped"},
		query{`max by (agent) (rate(netmon_agent_results_dropped_total{agent=~"$agent"}[$__rate_interval]))`, "{{agent}} dropped"}))
	d.add(8, 8, lines("Age of the last heartbeat", "One comes every 10 s; after 30 s an agent is offline.", "s", query{`time() - max by (agent) (netmon_agent_heartbeat_timestamp_seconds{agent=~"$agent"})`, "{{agent}}"}))
	d.add(8, 8, lines("Answer of the broker", "How long it takes to answer who exports; a gap is no answer.", "s", query{`max by (job) (netmon_broker_rtt_seconds)`, "{{job}}"}))
	d.add(8, 8, timeline("What can be read", "0 is a part of the mesh that the exporter cannot read: what it says of that may be old.", []word{{"0", "not readable", red}, {"1", "readable", green}}, query{`min by (part) (netmon_part_readable)`, "{{part}}"}))
	d.add(8, 8, lines("Notices per minute", "By channel, and what became of them.", "none", query{`60 * sum by (channel, result) (rate(netmon_notices_total[$__rate_interval]))`, "{{channel}} {{result}}"}))
	return d
}
