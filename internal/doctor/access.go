package doctor

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker"
	"netmon/identity"
	"netmon/internal/endpoint"
	"netmon/internal/plural"
)

// examineAccess says who we are to the broker, and how long its certificates last.
func examineAccess(e endpoint.Endpoint, nc *nats.Conn, now time.Time) []Finding {
	list := []Finding{examineIdentity(e, nc.ConnectedAddr())}
	cs, err := nc.TLSConnectionState()
	if err != nil { // no TLS, which the line above says
		return list
	}
	chain := cs.PeerCertificates
	if len(cs.VerifiedChains) > 0 {
		chain = cs.VerifiedChains[0]
	}
	return append(list, examineCertificates(chain, now)...)
}

// examineIdentity says as whom we are connected; addr is where the broker is.
func examineIdentity(e endpoint.Endpoint, addr string) Finding {
	if e.Identity != "" {
		id, err := identity.Load(e.Identity)
		if err != nil {
			return Finding{"access", Problem, err.Error(), "join again: netmon context add NAME --join LINE --replace"}
		}
		return Finding{"access", OK, fmt.Sprintf("connected as %s, whose role is %s", id.Credential.Name, id.Credential.Role), ""}
	}
	if len(e.Creds) > 0 {
		return Finding{"access", OK, "connected by " + strings.Join(e.Creds, " and "), ""}
	}
	if u, err := url.Parse(e.URL); err == nil && u.User != nil {
		return Finding{"access", OK, "connected by what the broker's URL says", ""}
	}
	const nobody = "this broker has no identities"
	if broker.LoopbackAddress(addr) {
		return Finding{"access", OK, nobody + ": it was reached on a loopback address", ""}
	}
	return Finding{"access", Warning, nobody + ", and others can reach " + addr + ": whoever does reads all results and commands all agents",
		"start it without --insecure, or with --access: it then makes keys, and netmon token new lets agents and people in; for a nats-server of your own: netmon access export"}
}

// certificateSoon is when an end is near; a broker that starts within it makes
// itself another certificate.
const certificateSoon = 60 * 24 * time.Hour

// examineCertificates looks at the broker's certificate and at its authority's,
// the last of the chain.
func examineCertificates(chain []*x509.Certificate, now time.Time) []Finding {
	var list []Finding
	look := func(name, cure string, c *x509.Certificate) {
		f := Finding{name, OK, "ends on " + c.NotAfter.UTC().Format(time.DateOnly), ""}
		if left := c.NotAfter.Sub(now); left < certificateSoon {
			f.State, f.Cure = Warning, cure
			f.Found += ", in " + plural.Count(int(left/(24*time.Hour)), "day", "days")
		}
		list = append(list, f)
	}
	if len(chain) > 0 {
		look("certificate", "restart the broker: it makes a new one, and nobody has to join again; for a nats-server of your own: netmon access export", chain[0])
	}
	if len(chain) > 1 {
		look("authority", "nobody trusts the broker after that day: start it with a new --store before then, and have all join again", chain[len(chain)-1])
	}
	return list
}
