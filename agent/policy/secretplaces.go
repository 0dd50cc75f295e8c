package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netmon/internal/reach"
	"netmon/probes"
	"netmon/wire"
)

// At says where people find the file, so that errors can say where to write. It
// is called before the policy is asked for the first time.
func (p *Policy) At(path string) { p.at = path }

// AllowSecrets says whether a run of a monitor that names secrets may send to an
// address. One that is not valid stands for what only a proxy knows: it may be
// any, so that nothing but a rule for any is about it. It is a [probes.Env]'s
// AllowSecrets.
func (p *Policy) AllowSecrets(to netip.AddrPort) error {
	switch {
	case to.IsValid() && p.secretsTo.Covers(to):
		return nil
	case !to.Addr().IsValid() && slices.ContainsFunc(p.secretsTo, func(r reach.Rule) bool { return r.Any && r.CoversPort(to.Port()) }):
		return nil
	}
	network := "NETWORK"
	if !to.Addr().IsValid() {
		network = "any" // the proxy looks it up
	}
	return p.refuseSecrets([]string{network + ports(to.Port())})
}

// checkSecrets checks a monitor that names secrets against secrets.targets, as far
// as what it writes out shows.
func (p *Policy) checkSecrets(f probes.Footprint) error {
	if len(f.Secrets) == 0 {
		return nil
	}
	var problems wire.Problems
	var wanted []string
	for _, place := range f.Places {
		if place.Resolver {
			continue
		}
		a, err := netip.ParseAddr(place.Host)
		network := place.Host
		if err != nil {
			network = "NETWORK-OF-" + place.Host
		}
		wanted = append(wanted, network+ports(place.Port))
		if p.secretsTo != nil && !p.mayTakeSecrets(a, place.Port) {
			problems.Add(place.Option, p.refuseSecrets(wanted[len(wanted)-1:]))
		}
	}
	if p.secretsTo == nil {
		problems.Add(f.Secrets[0], p.refuseSecrets(wanted))
	}
	return problems.Err()
}

// mayTakeSecrets says whether secrets may go to an address; of a name, which has
// none yet, whether there is any to which they may.
func (p *Policy) mayTakeSecrets(a netip.Addr, port uint16) bool {
	if a.IsValid() {
		return p.AllowSecrets(netip.AddrPortFrom(a, port)) == nil
	}
	return slices.ContainsFunc(p.secretsTo, func(r reach.Rule) bool { return r.CoversPort(port) })
}

func ports(port uint16) string {
	if port == 0 {
		return ""
	}
	return " ports " + strconv.Itoa(int(port))
}

// refuseSecrets says what to write, and where. It shows no address but those that
// the monitor holds.
func (p *Policy) refuseSecrets(rules []string) error {
	quoted := make([]string, len(rules))
	for i, r := range rules {
		quoted[i] = fmt.Sprintf("%q", r)
	}
	list := strings.Join(quoted, ", ")
	if p.secretsTo == nil {
		return refuse("a monitor that names secrets may only reach the targets in secrets.targets, and that list is empty: "+
			"to allow it, write secrets: {targets: [%s]} into %s on the agent's host, and restart the agent", list, p.at)
	}
	return refuse("a monitor that names secrets may only reach the targets in secrets.targets: "+
		"to allow it, add %s to that list in %s on the agent's host, and restart the agent", list, p.at)
}
