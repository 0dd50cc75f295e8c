package tls

import (
	"slices"

	"netmon/probes"
	"netmon/probes/tlsconf"
)

// metrics have the names of blackbox_exporter's module tcp, and those that kind tcp has.
func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_tcp_duration_seconds", "Duration of a phase of the connection, in seconds.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"connect", "connect_ns"}, [2]string{"tls", "tls_ns"}),
		tlsconf.Metrics())
}
