// Package reach is what the policies of agents and notifiers have in common: which
// networks and ports may be reached on behalf of others, and which secrets may be
// read.
package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"netmon/wire"
)

// Rules are some rules of a list.
type Rules []Rule

// ParseRules reads the rules of a field, and notes every mistake.
func ParseRules(p *wire.Problems, field string, list []string) (out Rules) {
	for i, text := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		r, err := ParseRule(text)
		p.Add(at, err)
		r.Name = at
		out = append(out, r)
	}
	return out
}

// Covers says whether a rule is about the address itself.
func (rules Rules) Covers(to netip.AddrPort) bool {
	return rules.covers(forms(to.Addr())[:1], to.Port())
}

func (rules Rules) covers(addrs []netip.Addr, port uint16) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.covers(addrs, port) })
}

// Targets say where packets may go. What is denied is denied, allowed or not.
type Targets struct{ Allow, Deny, Reopen, never Rules }

// ParseTargets reads the rules of targets, and notes every mistake. never are names of
// networks that are denied unless they are reopened.
func ParseTargets(p *wire.Problems, allow, deny, reopen, never []string) Targets {
	t := Targets{Allow: ParseRules(p, "targets.allow", allow), Deny: ParseRules(p, "targets.deny", deny), Reopen: ParseRules(p, "targets.reopen", reopen)}
	for _, name := range never {
		t.never = append(t.never, Rule{Name: name + ", which is denied unless targets.reopen says otherwise", networks: Named[name]})
	}
	return t
}

// Refused says why nothing may be sent to an address, "" where it may. network is tcp,
// udp and so on, or resolver for what the host asks anyhow.
func (t *Targets) Refused(network string, to netip.AddrPort) string {
	all := forms(to.Addr())
	for _, r := range t.Deny {
		if r.covers(all, to.Port()) {
			return r.Name
		}
	}
	first := all[:1] // what lets in uses the address itself
	for _, r := range t.never {
		for i := range all {
			// One inside of another one is opened again in both forms, or not at all.
			open := t.Reopen.covers(first, to.Port()) && t.Reopen.covers(all[i:i+1], to.Port())
			// Clouds have their resolver at such an address: the host asks it anyhow.
			if network != "resolver" && r.covers(all[i:i+1], to.Port()) && !open {
				return r.Name
			}
		}
	}
	if len(t.Allow) > 0 && !t.Allow.covers(first, to.Port()) {
		return "it is not in targets.allow"
	}
	return ""
}

// RefusedPort says why nothing may be sent to a port of whatever address, "" where
// that depends on the address.
func (t *Targets) RefusedPort(port uint16) string {
	for _, r := range t.Deny {
		if r.Any && r.CoversPort(port) {
			return r.Name
		}
	}
	return ""
}
