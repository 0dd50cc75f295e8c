package icmp

import (
	"slices"

	"netmon/probes"
)

// metrics have the names of blackbox_exporter's module icmp and of smokeping_prober,
// where there is one.
func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_icmp_duration_seconds", "Duration of a phase of the run, in seconds; rtt is the mean round trip.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"rtt", "rtt_avg_ns"}),
		probes.MetricsBy("probe_icmp_rtt_seconds", "Round trips of the run, in seconds: the shortest, the longest, their standard deviation and their jitter.", "stat",
			[2]string{"min", "rtt_min_ns"}, [2]string{"max", "rtt_max_ns"}, [2]string{"mdev", "rtt_mdev_ns"}, [2]string{"jitter", "rtt_jitter_ns"}),
		[]probes.Metric{
			{Name: "probe_icmp_reply_hop_limit", Help: "TTL or hop limit that the last reply arrived with.", Figure: "ttl"},
			{Name: "smokeping_response_ttl", Help: "TTL or hop limit that the last reply arrived with.", Figure: "ttl"},
			{Name: "smokeping_requests_total", Help: "Echo requests sent, since this exporter began.", Figure: "sent"},
			{Name: "smokeping_response_duplicates_total", Help: "Further replies to a request that had its reply, since this exporter began.", Figure: "duplicates", Zero: "sent"},
			{Name: "smokeping_response_duration_seconds", Help: "Round trips, in seconds, since this exporter began. Of runs of more than three replies all but the shortest and the longest are counted at their mean.",
				Times: &probes.Times{Count: "received", Min: "rtt_min_ns", Mean: "rtt_avg_ns", Max: "rtt_max_ns"}},
		})
}
