package probes

import (
	"slices"
	"strings"
)

// Kinds lists every kind of probe, in the order in which people read them.
// The agent, the commands, the documentation and the tests all read this list.
var Kinds = []Kind{
	kind("http", "URL", "http://example.com/", "makes a request and takes its phases apart", newHTTP),
	kind("https", "URL", "https://example.com/", "makes a request over TLS and looks at the certificates", newHTTPS),
	kind("icmp", "HOST", "192.0.2.1", "sends echo requests: loss, round trip, jitter", newICMP),
	kind("dns", "NAME[@SERVER]", "example.com@192.0.2.53", "asks one server for one name", newDNS),
	kind("ntp", "HOST[:PORT]", "pool.ntp.org", "asks a time server what time it is and whether to believe it", newNTP).atLeast(ntpMinEvery),
	kind("tcp", "HOST:PORT", "example.com:22", "connects, and may hold a dialogue", newTCP),
	kind("tls", "HOST[:PORT]", "example.com:443", "makes a TLS handshake and looks at the certificates", newTLS),
	kind("udp", "HOST:PORT", "example.com:53", "sends datagrams and tells what came of them", newUDP),
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
