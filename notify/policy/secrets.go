package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"

	"netmon/internal/reach"
)

// Permission is what [Policy.Permit] found: the secret, and whether the address that is
// dialled has to be asked, too.
type Permission struct {
	Value     string
	ByNetwork bool // it may go to networks alone: see AllowSecrets
}

var referenceForm = regexp.MustCompile(`^\$\{(env|file):([^{}]+)\}$`)

// Permit reads a reference that is to be sent to a place. A secret whose value is a
// whole URL is asked for twice: [Policy.Whole] first, then for where it leads.
func (p *Policy) Permit(reference string, to Destination) (Permission, error) {
	var out Permission
	granted := p.grants[Grant{reference, to}] || p.leadsTo(reference, to)
	switch {
	case granted, slices.ContainsFunc(p.hosts, func(h hostRule) bool { return h.covers(to) }):
	case p.mayByNetwork(to):
		out.ByNetwork = true
	default:
		return out, p.refuseSecret(to)
	}
	var err error
	out.Value, err = p.read(reference, granted)
	return out, err
}

// leadsTo says whether a reference is granted as a whole URL, which leads to this place.
func (p *Policy) leadsTo(reference string, to Destination) bool {
	if !p.grants[Grant{Reference: reference}] {
		return false
	}
	v, err := p.Whole(reference)
	if err != nil {
		return false
	}
	dest, err := ParseDestination(v)
	return err == nil && dest == to
}

// Whole reads a reference that stands for a whole URL, to see where that leads.
func (p *Policy) Whole(reference string) (string, error) {
	return p.read(reference, p.grants[Grant{Reference: reference}])
}

// read reads a reference. One that is granted need not be of the listed places.
func (p *Policy) read(reference string, granted bool) (string, error) {
	m := referenceForm.FindStringSubmatch(reference)
	if m == nil {
		return "", errors.New("want ${env:NAME} or ${file:PATH}")
	}
	secrets := reach.Secrets{Env: p.file.Secrets.Env, Files: p.file.Secrets.Files}
	if granted {
		secrets = reach.GrantOf(m[1], m[2])
	}
	v, err := secrets.Read(m[1], m[2])
	var not *reach.NotListedError
	switch {
	case errors.As(err, &not):
		return "", refuse("%s", not.Why)
	case errors.Is(err, reach.ErrNotSet):
		return "", errors.New("the variable is not set for this notifier")
	case errors.Is(err, os.ErrNotExist):
		return "", errors.New("there is no such file on the notifier's host")
	case err == nil && v == "":
		return "", errors.New("it is empty")
	}
	return v, err
}

// mayByNetwork says whether secrets may go to an address; to a name, which has none yet,
// whether there is any to which they may.
func (p *Policy) mayByNetwork(to Destination) bool {
	if a, err := netip.ParseAddr(to.Host); err == nil {
		return p.AllowSecrets(netip.AddrPortFrom(a, to.Port)) == nil
	}
	return slices.ContainsFunc(p.secretsTo, func(r reach.Rule) bool { return r.CoversPort(to.Port) })
}

// AllowSecrets says whether secrets may go to an address.
func (p *Policy) AllowSecrets(to netip.AddrPort) error {
	if p.secretsTo.Covers(to) {
		return nil
	}
	return p.refuseSecret(Destination{Host: "NETWORK", Port: to.Port()})
}

// refuseSecret says what to write, and where. It shows no address but the channel's own.
func (p *Policy) refuseSecret(to Destination) error {
	rule := to.Host
	if to.Port != 0 {
		rule += fmt.Sprintf(" ports %d", to.Port)
	}
	if len(p.file.Secrets.Targets) == 0 {
		return refuse("secrets go only where secrets.targets says, and it lists nothing: to allow it, write secrets: {targets: [%q]} into %s on the notifier's host, and restart the notifier", rule, p.at)
	}
	return refuse("secrets go only where secrets.targets says: to allow it, add %q to that list in %s on the notifier's host, and restart the notifier", rule, p.at)
}

// Leads is where the URL leads that the reference stands for.
func (g Grant) Leads() (Destination, error) {
	p := Policy{grants: map[Grant]bool{{Reference: g.Reference}: true}}
	v, err := p.Whole(g.Reference)
	if err != nil {
		return Destination{}, err
	}
	return ParseDestination(v)
}
