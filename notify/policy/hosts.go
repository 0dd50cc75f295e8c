package policy

import (
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"

	"netmon/internal/reach"
)

// hostRule is a host by its name, and ports.
type hostRule struct {
	name  string // in lower case; one that begins with a dot is of every host under it
	ports reach.Rule
}

// parseHost reads a rule about hosts by their names; ok says that it is one.
func parseHost(text string) (h hostRule, ok bool, err error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return h, false, nil
	}
	name := strings.TrimSuffix(strings.ToLower(words[0]), ".")
	if _, network := reach.Named[name]; network || strings.ContainsAny(name, "/:") {
		return h, false, nil
	}
	if _, err := netip.ParseAddr(name); err == nil || !hostName(strings.TrimPrefix(name, "*.")) {
		return h, false, nil
	}
	if !strings.Contains(name, ".") && len(words) == 1 {
		return h, false, nil // perhaps the name of networks, written wrong; a host without a dot has ports
	}
	h.name = strings.TrimPrefix(name, "*")
	if strings.HasPrefix(h.name, ".") && shared(h.name[1:]) {
		return h, true, fmt.Errorf("anybody can have a host under %s, and have every secret sent there: write the whole name of the host, got %q", h.name[1:], text)
	}
	h.ports, err = reach.ParseRule(strings.Join(append([]string{"any"}, words[1:]...), " "))
	return h, true, err
}

// sharedAll are domains under which anybody can have a host, and that are not in the list
// of public suffixes: services of Microsoft that Teams calls workflows by.
var sharedAll = []string{"logic.azure.com", "api.powerplatform.com"}

// shared says whether hosts under a name are not all of one owner.
func shared(name string) bool {
	for _, s := range sharedAll {
		if name == s || strings.HasSuffix(name, "."+s) {
			return true
		}
	}
	suffix, official := publicsuffix.PublicSuffix(name)
	return suffix == name && (official || strings.Contains(suffix, ".")) // a last label that the list does not know is of a network of one's own
}

func hostName(s string) bool {
	letter := false
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for _, r := range label {
			switch {
			case r >= 'a' && r <= 'z', r == '-', r == '_':
				letter = true
			case r < '0' || r > '9':
				return false
			}
		}
	}
	return letter && len(s) <= 253
}

func (h hostRule) covers(to Destination) bool {
	if !h.ports.CoversPort(to.Port) {
		return false
	}
	if strings.HasPrefix(h.name, ".") {
		return strings.HasSuffix(to.Host, h.name) && len(to.Host) > len(h.name)
	}
	return to.Host == h.name
}
