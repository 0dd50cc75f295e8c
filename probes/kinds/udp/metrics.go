package udp

import (
	"slices"

	"netmon/probes"
)

func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_udp_duration_seconds", "Duration of a phase of the run, in seconds; rtt is the mean of the replies.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"rtt", "rtt_avg_ns"}),
		probes.MetricsBy("probe_udp_rtt_seconds", "Time from send to receive of the replies of the run, in seconds: the shortest, the longest, their standard deviation and their jitter.", "stat",
			[2]string{"min", "rtt_min_ns"}, [2]string{"max", "rtt_max_ns"}, [2]string{"mdev", "rtt_mdev_ns"}, [2]string{"jitter", "rtt_jitter_ns"}),
		[]probes.Metric{
			{Name: "probe_udp_datagrams_sent", Help: "Datagrams that the run sent.", Figure: "sent"},
			{Name: "probe_udp_datagrams_answered", Help: "Datagrams of the run that got a reply.", Figure: "received"},
			{Name: "probe_udp_datagrams_refused", Help: "Datagrams of the run that ICMP port unreachable answered.", Figure: "refused", Zero: "sent"},
			{Name: "probe_udp_reply_length_bytes", Help: "Length of the first reply, in bytes.", Figure: "reply_bytes", Unless: "reply_cut"},
			{Name: "probe_failed_due_to_regex", Help: "Whether the run failed by an expectation that is a regular expression.", Unmet: []string{"regex"}},
		})
}
