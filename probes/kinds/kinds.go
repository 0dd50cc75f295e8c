// Package kinds is the list of the kinds that netmon measures.
package kinds

import (
	"slices"

	"netmon/probes"
	"netmon/probes/kinds/dns"
	"netmon/probes/kinds/exec"
	"netmon/probes/kinds/http"
	"netmon/probes/kinds/icmp"
	"netmon/probes/kinds/ntp"
	"netmon/probes/kinds/tcp"
	"netmon/probes/kinds/tls"
	"netmon/probes/kinds/udp"
)

// All returns every kind of probe that netmon has, in the order in which people
// read them.
func All() probes.List {
	return slices.Concat(http.Kinds(), icmp.Kinds(), dns.Kinds(), ntp.Kinds(), tcp.Kinds(), tls.Kinds(), udp.Kinds(), exec.Kinds())
}
