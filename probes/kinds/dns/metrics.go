package dns

import (
	"slices"

	"netmon/probes"
	"netmon/probes/tlsconf"
)

// metrics have the names of blackbox_exporter's module dns, where there is one. Its
// phase "connect" holds the TLS handshake, too.
func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_dns_duration_seconds", "Duration of a phase of the query, in seconds.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"truncated", "udp_rtt_ns"}, [2]string{"connect", "connect_ns"}, [2]string{"connect", "tls_ns"}, [2]string{"request", "rtt_ns"}),
		[]probes.Metric{
			{Name: "probe_dns_query_succeeded", Help: "Whether an answer came, whatever its response code.", Figure: "rcode", Present: true, Zero: "question"},
			{Name: "probe_dns_answer_rrs", Help: "Records in the answer section.", Figure: "answer_count"},
			{Name: "probe_dns_authority_rrs", Help: "Records in the authority section.", Figure: "authority_count"},
			{Name: "probe_dns_additional_rrs", Help: "Records in the additional section, without OPT.", Figure: "additional_count"},
			{Name: "probe_dns_serial", Help: "Serial of the zone, of the SOA record in the answer or authority section.", Figure: "serial"},
			{Name: "probe_dns_rcode_info", Help: "Response code of the answer.", Label: "rcode", Figure: "rcode"},
			{Name: "probe_dns_rrsig_expiry_timestamp_seconds", Help: "End of the first signature of the answer to expire, in seconds since 1970.", Figure: "rrsig_expires"},
		}, tlsconf.Metrics())
}
