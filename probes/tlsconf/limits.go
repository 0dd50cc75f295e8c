package tlsconf

import (
	"netmon/wire"
)

// maxTLSCert bounds a chain of certificates, in bytes: crypto/tls, maxHandshakeCertificateMsg.
const maxTLSCert = 256 << 10

// Limits bound what is read from targets.
var Limits = []wire.Limit{
	{What: "TLS: certificates of a handshake (crypto/tls)", Most: maxTLSCert, Unit: "bytes", Beyond: "`tls`"},
	{What: "TLS: certificates that a result lists", Most: MaxChain, Unit: "certificates", Beyond: "left out"},
	{What: "TLS: names of one certificate that a result lists", Most: maxSANs, Unit: "names", Beyond: "left out"},
	{What: "TLS: signatures that are checked to find the issuers of a chain that does not verify", Most: maxIssuerChecks, Unit: "signatures", Beyond: "the chain ends there"},
}
