package grafana

// Monitor is the dashboard of one monitor: what it was judged, and what each agent measured.
func Monitor() *Dashboard {
	d := begin(monitorUID, "netmon: monitor", "One monitor: its verdict, and what each agent measured.",
		values("monitor", "Monitor", "label_values(netmon_verdict, monitor)", false), values("agent", "Agent", `label_values(netmon_runs_total{monitor="$monitor"}, agent)`, true))
	const one, own = `{monitor="$monitor"}`, `{monitor="$monitor",agent=~"$agent"}`
	mine := func(state string) string {
		return `(max by (monitor) (netmon_verdict{monitor="$monitor",state="` + state + `"}) == 1)`
	}
	verdict := mine("up") + ` or 2 * ` + mine("degraded") + ` or 3 * ` + mine("down") + ` or 4 * ` + mine("unknown") + ` or 5 * ` + mine("paused")

	now := stat("Verdict", "netmon's word on the monitor, of all agents together.", "none", verdict)
	now.Fields.Defaults["mappings"] = mapping(states...)
	now.Options["colorMode"] = "background"
	d.add(4, 4, now)
	d.add(4, 4, stat("Since", "How long the verdict has been the same.", "s", `time() - max(netmon_verdict_since_timestamp_seconds`+one+`)`))
	d.add(4, 4, stat("Uptime, 24 hours", "The part of the known time in which it was not down.", "percentunit", `max(netmon_uptime_ratio{monitor="$monitor",window="24h"})`, step{red, nil}, step{yellow, 0.99}, step{green, 0.999}))
	d.add(4, 4, stat("Agents that find it good", "Of those with a fresh result.", "percentunit", `avg(probe_success`+own+`)`, step{red, nil}, step{yellow, 0.5}, step{green, 1}))
	d.add(4, 4, stat("Latency, 95th percentile", "Of all agents, in the time shown.", "s", quantileOver("0.95", own)))
	d.add(4, 4, stat("Certificate ends in", "The first of the chain to end.", "s", `min(probe_ssl_earliest_cert_expiry`+one+`) - time()`, step{red, nil}, step{yellow, 7 * 86400}, step{green, 14 * 86400}))

	d.row("Verdict and runs")
	d.add(24, 5, timeline("Verdict", "", states, query{verdict, "{{monitor}}"}))
	d.add(24, 7, timeline("Last run by agent", "A gap is no fresh result. A broken run says nothing of the target.", outcomes,
		query{`max by (agent) (probe_success` + own + `) or max by (agent) (2 * (netmon_run_broken` + own + ` == 1))`, "{{agent}}"}))
	d.add(12, 8, lines("Runs that were ok", "Each run counts, also those between two scrapes.", "percentunit",
		query{`sum by (agent) (rate(netmon_runs_total{monitor="$monitor",agent=~"$agent",outcome="ok"}[$__rate_interval])) / sum by (agent) (rate(netmon_runs_total{monitor="$monitor",agent=~"$agent",outcome=~"ok|failed"}[$__rate_interval]))`, "{{agent}}"}))
	d.add(12, 8, coloured(stacked(lines("Runs per minute", "", "none", query{`60 * sum by (outcome) (max by (agent, outcome) (rate(netmon_runs_total` + own + `[$__rate_interval])))`, "{{outcome}}"})), outcomes...))

	d.row("Latency")
	d.add(12, 9, lines("Percentiles by agent", "Half of the runs were faster than the median.", "s",
		query{quantile("0.5", "agent", own), "{{agent}} median"}, query{quantile("0.95", "agent", own), "{{agent}} 95 %"}, query{quantile("0.99", "agent", own), "{{agent}} 99 %"}))
	d.add(12, 9, heat("Latency of all runs", "How many runs took how long.", "s", buckets(own)))
	d.add(12, 8, lines("Last latency by agent", "", "s", query{`max by (agent) (netmon_latency_seconds` + own + `)`, "{{agent}}"}))
	d.add(12, 8, lines("Loss", "Packets lost of those sent.", "percentunit", query{`max by (agent) (probe_loss_ratio` + own + `)`, "{{agent}}"}))

	d.row("Phases")
	phases := func(kind string) query {
		return query{`avg by (phase) (probe_` + kind + `_duration_seconds` + own + `)`, "{{phase}}"}
	}
	d.add(12, 8, stacked(lines("HTTP", "Mean of the agents; the phases follow each other.", "s", phases("http"))))
	d.add(12, 8, stacked(lines("DNS", "Mean of the agents; the phases follow each other.", "s", phases("dns"))))
	d.add(12, 8, stacked(lines("ICMP", "Mean of the agents; the phases follow each other.", "s", phases("icmp"))))
	d.add(12, 8, stacked(lines("TCP", "Mean of the agents; the phases follow each other.", "s", phases("tcp"))))

	d.row("More")
	d.add(8, 8, lines("Status code", "", "none", query{`max by (agent) (probe_http_status_code` + own + `)`, "{{agent}}"}))
	d.add(8, 8, free(lines("Certificate ends in", "", "s", query{`min by (agent) (probe_ssl_earliest_cert_expiry` + own + `) - time()`, "{{agent}}"})))
	d.add(8, 8, lines("Age of the last result", "", "s", query{`time() - max by (agent) (netmon_result_timestamp_seconds` + own + `)`, "{{agent}}"}))
	return d
}

// quantileOver is a quantile of all latencies in the time that is shown.
func quantileOver(q, selector string) string {
	const h = "netmon_latency_histogram_seconds"
	return "histogram_quantile(" + q + ", sum by (le) (increase(" + h + "_bucket" + selector + "[$__range]))) or histogram_quantile(" + q + ", sum(increase(" + h + selector + "[$__range])))"
}
