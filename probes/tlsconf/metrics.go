package tlsconf

import "netmon/probes"

// Metrics are those of [Figures] that a kind has under the name tls, by
// blackbox_exporter's names. The earliest end of the certificates is one that all kinds
// share: it is a field of the result.
func Metrics() []probes.Metric {
	return []probes.Metric{
		{Name: "probe_ssl_last_chain_expiry_timestamp_seconds", Help: "End of the chain that verifies, of several the one that lasts longest, in seconds since 1970; absent where none verifies.", Figure: "tls.expires", Unless: "tls.verify_error"},
		{Name: "probe_tls_version_info", Help: "TLS version that was negotiated.", Label: "version", Figure: "tls.version"},
		{Name: "probe_tls_cipher_info", Help: "Cipher suite that was negotiated.", Label: "cipher", Figure: "tls.cipher"},
	}
}
