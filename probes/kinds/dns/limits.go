package dns

import (
	"github.com/miekg/dns"

	"netmon/probes/engine"
	"netmon/wire"
)

// limits bound the options and what is read from targets.
var limits = []wire.Limit{
	{What: "dns: a message, over any transport", Most: dns.MaxMsgSize, Unit: "bytes", Beyond: "`limit`, over HTTPS; the others carry no more"},
	{What: "dns: records of a section that a result lists", Most: maxRecords, Unit: "records", Beyond: "counted"},
	{What: "dns: text of all of them", Most: maxText, Unit: "bytes", Beyond: "counted"},
	{What: "dns: messages over one TCP or TLS connection that are no answer", Most: maxStrays, Unit: "messages", Beyond: "`bad_answer`"},
	{What: "dns: CNAME and DNAME records of one answer that are followed", Most: engine.DNSMaxChain, Unit: "records", Beyond: "the chain leads nowhere"},
}
