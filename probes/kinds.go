package probes

import (
	"slices"
	"strings"
)

// Kinds lists every kind of probe, in the order in which people read them.
// The agent, the commands, the documentation and the tests all read this list.
var Kinds = []Kind{
	kind("http", "URL", "http://example.com/", "makes a request and takes its phases apart", newHTTP).
		mainly("expect.status", "expect.body_regex", "method", "headers", "within"),
	kind("https", "URL", "https://example.com/", "makes a request over TLS and looks at the certificates", newHTTPS).
		mainly("expect.status", "expect.body_regex", "expect.days_left", "tls.insecure", "method", "headers", "within"),
	kind("icmp", "HOST", "192.0.2.1", "sends echo requests: loss, round trip, jitter", newICMP).
		mainly("count", "expect.loss", "size", "within"),
	kind("dns", "NAME[@SERVER]", "example.com@192.0.2.53", "asks one server for one name", newDNS).
		mainly("type", "transport", "expect.rcode", "expect.contains", "within"),
	kind("ntp", "HOST[:PORT]", "pool.ntp.org", "asks a time server what time it is and whether to believe it", newNTP).atLeast(ntpMinEvery).
		mainly("samples", "expect.offset", "expect.stratum"),
	kind("tcp", "HOST:PORT", "example.com:22", "connects, and may hold a dialogue", newTCP).
		mainly("expect.banner", "starttls", "within", "invert"),
	kind("tls", "HOST[:PORT]", "example.com:443", "makes a TLS handshake and looks at the certificates", newTLS).
		mainly("expect.days_left", "tls.server_name", "tls.insecure", "within"),
	kind("udp", "HOST:PORT", "example.com:53", "sends datagrams and tells what came of them", newUDP).
		mainly("protocol", "payload", "expect.regex", "count", "within"),
}

// Find returns the kind of this name.
func Find(name string) (Kind, bool) {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Names lists the kinds, for messages: "http, https, icmp".
func Names() string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.Name
	}
	return strings.Join(names, ", ")
}
