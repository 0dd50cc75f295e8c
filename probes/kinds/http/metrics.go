package http

import (
	"slices"

	"netmon/probes"
	"netmon/probes/tlsconf"
)

// metrics have the names of blackbox_exporter's module http, where there is one. Its
// phase "processing" holds the sending, too.
func metrics() []probes.Metric {
	return slices.Concat([]probes.Metric{probes.LookupMetric()},
		probes.MetricsBy("probe_http_duration_seconds", "Duration of a phase of the last request, in seconds.", "phase",
			[2]string{"resolve", "resolve_ns"}, [2]string{"connect", "connect_ns"}, [2]string{"proxy_connect", "proxy_connect_ns"}, [2]string{"proxy_tunnel", "proxy_tunnel_ns"},
			[2]string{"tls", "tls_ns"}, [2]string{"processing", "send_ns"}, [2]string{"processing", "processing_ns"}, [2]string{"transfer", "transfer_ns"}, [2]string{"redirect", "redirect_ns"}),
		[]probes.Metric{
			{Name: "probe_http_status_code", Help: "Status code of the response; 0 where none came.", Figure: "status", OrZero: true},
			{Name: "probe_http_version", Help: "Version of HTTP of the response; 0 where none came.", Figure: "protocol", OrZero: true},
			{Name: "probe_http_ssl", Help: "Whether the response came over TLS; 0 where none came.", Figure: "tls.version", Present: true, OrZero: true},
			{Name: "probe_http_redirects", Help: "Redirects that were followed.", Figure: "redirects", OrZero: true},
			{Name: "probe_http_content_length", Help: "Length of the body as it came, before decoding, in bytes; absent where it was not read to its end.", Figure: "body_bytes", Unless: "body_cut"},
			{Name: "probe_http_uncompressed_body_length", Help: "Length of the body after decoding, in bytes.", Figure: "decoded_bytes"},
			{Name: "probe_http_uncompressed_body_length", Help: "Length of the body after decoding, in bytes.", Figure: "body_bytes", Unless: "encoding"},
			{Name: "probe_failed_due_to_regex", Help: "Whether the run failed by an expectation that is a regular expression.", Unmet: []string{"expect.body_regex", "expect.body_not_regex", "expect.headers.*"}},
		}, tlsconf.Metrics())
}
