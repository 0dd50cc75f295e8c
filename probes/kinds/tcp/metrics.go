package tcp

import (
	"slices"

	"netmon/probes"
	"netmon/probes/tlsconf"
)

// metrics have the names of blackbox_exporter's module tcp, where there is one.
func metrics() []probes.Metric {
	const help = "Duration of a phase of the connection, in seconds."
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_tcp_duration_seconds", help, "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"connect", "connect_ns"}, [2]string{"starttls", "starttls_ns"}, [2]string{"tls", "tls_ns"}),
		[]probes.Metric{
			{Name: "probe_tcp_duration_seconds", Help: help, Label: "phase", Value: "banner", Figure: "banner_ns", Unless: "starttls_ns"},
			{Name: "probe_tcp_retransmits", Help: "Segments that were sent again, SYNs included.", Figure: "tcp_info.retransmits"},
			{Name: "probe_tcp_rtt_seconds", Help: "Smoothed round trip of the connection by the kernel, in seconds.", Figure: "tcp_info.rtt_ns"},
			{Name: "probe_failed_due_to_regex", Help: "Whether the run failed by an expectation that is a regular expression.", Unmet: []string{"expect.banner", "steps[*].expect"}},
		}, tlsconf.Metrics())
}
