package export

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"netmon/probes/kinds"
	"netmon/wire"
)

// golden reads a result as the tests of a kind keep it.
func golden(t testing.TB, kind string) *wire.Result {
	t.Helper()
	folder := strings.TrimSuffix(kind, "s")
	if kind == "tls" || kind == "dns" {
		folder = kind
	}
	data, err := os.ReadFile("../probes/kinds/" + folder + "/testdata/" + kind + ".golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var r wire.Result
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	r.Agent, r.Monitor = "oslo", "web"
	return &r
}

func lines(samples []Sample) (out []string) {
	for _, s := range samples {
		label := ""
		if s.Label != "" {
			label = fmt.Sprintf("{%s=%q}", s.Label, s.Value)
		}
		out = append(out, fmt.Sprintf("%s%s %v", s.Name, label, s.Number))
	}
	return out
}

func TestReader_EveryKind(t *testing.T) {
	r := NewReader(kinds.All())
	for kind, want := range map[string][]string{
		"http": {"probe_success 0", "netmon_run_broken 0", "probe_ip_protocol 4", `probe_http_duration_seconds{phase="processing"} 1e-09`, "probe_http_status_code 200", "probe_http_version 1.1", "probe_http_ssl 0",
			"probe_http_redirects 1", "probe_http_content_length 1", "probe_http_uncompressed_body_length 1", "probe_failed_due_to_regex 1", "netmon_result_timestamp_seconds 1.767323045e+09"},
		"https": {"probe_success 1", "probe_http_version 2", "probe_http_ssl 1", "probe_http_redirects 0", `probe_tls_version_info{version="TLS 1.3"} 1`, "probe_ssl_earliest_cert_expiry 1.767323045e+09",
			"probe_ssl_last_chain_expiry_timestamp_seconds 1.767323045e+09", "probe_http_uncompressed_body_length 1", `probe_http_duration_seconds{phase="tls"} 1e-09`},
		"dns": {"probe_dns_query_succeeded 1", "probe_dns_answer_rrs 2", "probe_dns_authority_rrs 0", "probe_dns_additional_rrs 1", `probe_dns_duration_seconds{phase="connect"} 2e-09`, `probe_dns_duration_seconds{phase="request"} 1e-09`,
			`probe_dns_rcode_info{rcode="NOERROR"} 1`},
		"icmp": {"probe_loss_ratio 0.6666666666666666", `probe_icmp_duration_seconds{phase="rtt"} 1e-09`, "probe_icmp_reply_hop_limit 64", "smokeping_response_ttl 64"},
		"ntp":  {"probe_ntp_offset_seconds 1e-09", "probe_ntp_stratum 1", "probe_ntp_reference_timestamp_seconds 1.767323045e+09", "probe_ntp_agent_clock_synchronised 0", "probe_loss_ratio 0"},
		"tcp":  {`probe_tcp_duration_seconds{phase="starttls"} 1e-09`, "probe_tcp_retransmits 0", "probe_failed_due_to_regex 1"},
		"tls":  {`probe_tls_cipher_info{cipher="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"} 1`, `probe_tcp_duration_seconds{phase="tls"} 1e-09`},
		"udp":  {"probe_udp_datagrams_sent 2", "probe_udp_datagrams_answered 2", "probe_udp_datagrams_refused 0", "probe_udp_reply_length_bytes 5", "probe_failed_due_to_regex 1"},
	} {
		got := lines(r.Samples(nil, golden(t, kind)))
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("%s has no sample\n%s\nbut\n%s", kind, line, strings.Join(got, "\n"))
			}
		}
		slices.Sort(got)
		if n := len(slices.Compact(got)); n != len(r.Samples(nil, golden(t, kind))) {
			t.Errorf("%s has a sample twice", kind)
		}
	}
}

func TestReader_AbsentIsAbsent(t *testing.T) {
	r := NewReader(kinds.All())
	res := golden(t, "tcp")
	res.Details = json.RawMessage(`{"connect_ns":1500000000,"banner_ns":5}`)
	got := lines(r.Samples(nil, res))
	for _, line := range got {
		if strings.Contains(line, "tls") || strings.Contains(line, "starttls") || strings.Contains(line, "resolve") || strings.Contains(line, "lookup") {
			t.Errorf("a sample of what was not measured: %s", line)
		}
	}
	if want := `probe_tcp_duration_seconds{phase="connect"} 1.5`; !slices.Contains(got, want) {
		t.Errorf("no %s in %q", want, got)
	}
	if want := `probe_tcp_duration_seconds{phase="banner"} 5e-09`; !slices.Contains(got, want) {
		t.Errorf("no %s in %q", want, got)
	}
}

func TestReader_BrokenIsNeitherUpNorDown(t *testing.T) {
	res := golden(t, "https")
	res.Outcome = wire.Broken
	res.Failure = wire.BrokenLocal
	got := lines(NewReader(kinds.All()).Samples(nil, res))
	want := []string{"netmon_run_broken 1", "netmon_result_timestamp_seconds 1.767323045e+09"}
	if !slices.Equal(got, want) {
		t.Errorf("a broken run has %q, want %q", got, want)
	}
}

func TestReader_UnknownKind(t *testing.T) {
	res := golden(t, "https")
	res.Kind = "snmp"
	got := lines(NewReader(kinds.All()).Samples(nil, res))
	if !slices.Contains(got, "probe_success 1") || len(got) > sharedCount {
		t.Errorf("a kind that is not known has %q", got)
	}
}

func TestLabelsOf(t *testing.T) {
	got := LabelsOf("oslo", "web", "https", "https://a/", map[string]string{"team": "x", "a b": "1", "a.b": "2", "é": "3", "bad": "\xff"})
	want := Labels{{"agent", "oslo"}, {"instance", "https://a/"}, {"kind", "https"}, {"monitor", "web"}, {"tag__", "3"}, {"tag_a_b", "1"}, {"tag_bad", "\uFFFD"}, {"tag_team", "x"}}
	if !slices.Equal(got, want) {
		t.Errorf("LabelsOf = %q, want %q", got, want)
	}
}

func BenchmarkReader(b *testing.B) {
	for _, kind := range []string{"https", "http", "icmp", "dns", "tcp"} {
		b.Run(kind, func(b *testing.B) {
			r, res := NewReader(kinds.All()), golden(b, kind)
			compact, err := json.Marshal(res.Details)
			if err != nil {
				b.Fatal(err)
			}
			res.Details = compact
			var s []Sample
			b.ReportAllocs()
			onCPU(b, func() {
				for b.Loop() {
					s = r.Samples(s[:0], res)
				}
			})
			b.ReportMetric(float64(len(s)), "samples")
		})
	}
}

// TestReader_Rules has one row for each rule of a metric; "" is no sample.
func TestReader_Rules(t *testing.T) {
	reader := NewReader(kinds.All())
	for name, c := range map[string]struct{ kind, details, sample, want string }{
		"a sum of both":                       {"http", `{"send_ns":5,"processing_ns":7}`, `probe_http_duration_seconds{phase="processing"}`, "1.2e-08"},
		"a sum of the one that is there":      {"http", `{"processing_ns":7}`, `probe_http_duration_seconds{phase="processing"}`, "7e-09"},
		"no part of a sum":                    {"http", `{"status":200}`, `probe_http_duration_seconds{phase="processing"}`, ""},
		"present":                             {"https", `{"status":200,"tls":{"version":"TLS 1.3"}}`, "probe_http_ssl", "1"},
		"not present, where the other is":     {"https", `{"status":200,"tls":{"cipher":"x"}}`, "probe_http_ssl", "0"},
		"not present, and there is no answer": {"https", `{"connect_ns":5}`, "probe_http_ssl", "0"},
		"zero, where the other is there":      {"https", `{"status":200}`, "probe_http_redirects", "0"},
		"a list's length":                     {"https", `{"status":200,"redirects":[{"url":"a,b"},{"url":"]"}]}`, "probe_http_redirects", "2"},
		"an empty list":                       {"https", `{"status":200,"redirects":[ ]}`, "probe_http_redirects", "0"},
		"unless, and it is not there":         {"tcp", `{"banner_ns":5}`, `probe_tcp_duration_seconds{phase="banner"}`, "5e-09"},
		"unless, and it is there":             {"tcp", `{"banner_ns":5,"starttls_ns":7}`, `probe_tcp_duration_seconds{phase="banner"}`, ""},
		"no answer, its status":               {"https", `{}`, "probe_http_status_code", "0"},
		"no answer, its version":              {"https", `{}`, "probe_http_version", "0"},
		"no answer, its redirects":            {"https", `{}`, "probe_http_redirects", "0"},
		"a body that was cut":                 {"http", `{"body_bytes":5,"body_cut":true}`, "probe_http_content_length", ""},
		"a body that was not cut":             {"http", `{"body_bytes":5,"body_cut":false}`, "probe_http_content_length", "5"},
		"a body as it is":                     {"http", `{"body_bytes":5}`, "probe_http_uncompressed_body_length", "5"},
		"a body that was decoded":             {"http", `{"body_bytes":5,"decoded_bytes":9,"encoding":"gzip"}`, "probe_http_uncompressed_body_length", "9"},
		"a body that could not be decoded":    {"http", `{"body_bytes":5,"encoding":"zstd"}`, "probe_http_uncompressed_body_length", ""},
		"a number at the end of a text":       {"http", `{"protocol":"HTTP/1.0"}`, "probe_http_version", "1"},
		"a text without a number":             {"http", `{"protocol":"HTTP/x"}`, "probe_http_version", ""},
		"a time":                              {"tls", `{"tls":{"expires":"2026-01-02T03:04:05.5Z"}}`, "probe_ssl_last_chain_expiry_timestamp_seconds", "1.7673230455e+09"},
		"a chain that does not verify":        {"tls", `{"tls":{"expires":"2026-01-02T03:04:05Z","verify_error":"no"}}`, "probe_ssl_last_chain_expiry_timestamp_seconds", ""},
		"no time":                             {"tls", `{"tls":{"expires":"soon"}}`, "probe_ssl_last_chain_expiry_timestamp_seconds", ""},
		"a text as a label":                   {"tls", `{"tls":{"version":"TLS \"1\""}}`, `probe_tls_version_info{version="TLS \"1\""}`, "1"},
		"an answer with an error":             {"dns", `{"question":"a","rcode":"SERVFAIL"}`, "probe_dns_query_succeeded", "1"},
		"no answer":                           {"dns", `{"question":"a"}`, "probe_dns_query_succeeded", "0"},
		"a number as a text":                  {"icmp", `{"ttl":"64"}`, "probe_icmp_reply_hop_limit", "64"},
		"null":                                {"icmp", `{"ttl":null}`, "probe_icmp_reply_hop_limit", ""},
		"a name that is not the figure's":     {"icmp", `{"Ttl":64,"ttx":64}`, "probe_icmp_reply_hop_limit", ""},
		"the same name in an object":          {"icmp", `{"x":{"ttl":64},"y":[{"ttl":64}]}`, "probe_icmp_reply_hop_limit", ""},
		"behind what does not matter":         {"icmp", `{"x":{"a":"}\"","b":[1,{"c":"]"}]},"ttl":64}`, "probe_icmp_reply_hop_limit", "64"},
	} {
		r := golden(t, c.kind)
		r.Details = json.RawMessage(c.details)
		got := ""
		for _, line := range lines(reader.Samples(nil, r)) {
			if rest, ok := strings.CutPrefix(line, c.sample+" "); ok {
				got = rest
			}
		}
		if got != c.want {
			t.Errorf("%s: %s of %s is %q, want %q", name, c.sample, c.details, got, c.want)
		}
	}
}
