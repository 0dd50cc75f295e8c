package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"netmon/broker"
	"netmon/broker/access"
	"netmon/internal/endpoint"
	"netmon/internal/exit"
	"netmon/internal/private"
)

// openAccess decides whether a broker has identities: where others can
// reach it, where it did before, and where it has to.
func openAccess(o BrokerOptions) (*access.Authority, error) {
	folder := access.FolderOf(o.Store)
	if err := broker.Whole(o.Store); err != nil { // before keys are made in it
		return nil, fmt.Errorf("%w (netmon restore DIR --store %s)", err, o.Store)
	}
	switch {
	case o.Insecure:
		if o.AskAll {
			return nil, exit.Usage("--access and --insecure: want one of them")
		}
		fmt.Fprintf(o.Talk, "netmon: WARNING: %s has no TLS and no authentication: whoever reaches it reads all results and commands all agents\n", o.Listen)
		return nil, nil
	case broker.LoopbackAddress(o.Listen) && !o.AskAll && !access.Exists(folder):
		return nil, nil
	}
	first := !access.Exists(folder)
	a, err := access.Open(folder, reachedBy(o.Listen, o.Advertise), o.Log)
	var others *private.Problem
	if errors.Is(err, access.ErrInUse) || errors.As(err, &others) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w\nto continue without identities, on a network that you trust: --insecure", err)
	}
	if first {
		fmt.Fprintf(o.Talk, "made keys and a certificate in %s: whoever has these files owns the mesh\n", folder)
	}
	return a, nil
}

// refusal is why a broker did not start: wrong use where it would have been open.
func refusal(err error) error {
	var open *broker.OpenError
	if errors.As(err, &open) {
		return exit.Usage("%w\nto start it as it is, on a network that you trust: --insecure", err)
	}
	return err
}

// warnOpen shouts what whoever comes may use of a broker. told says that
// openAccess did so about the port of agents and consoles.
func warnOpen(w io.Writer, b *broker.Broker, told bool) {
	for _, o := range b.Openings() {
		if !told || o.Listener != broker.Clients {
			fmt.Fprintf(w, "netmon: WARNING: %s\n", o)
		}
	}
}

// otherHosts are the addresses of this host, own, that may take the place of the one in
// the URL of a broker: those of one that listens on all of them and has no name.
func otherHosts(listen, advertise, broker string, own []string) []string {
	host, _, err := net.SplitHostPort(listen)
	ip, notIP := netip.ParseAddr(host)
	if err != nil || advertise != "" || host != "" && (notIP != nil || !ip.IsUnspecified()) {
		return nil
	}
	u, err := url.Parse(broker)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(own), func(a string) bool { return a == u.Hostname() })
}

// reachedBy are the hosts that the broker's certificate must name.
func reachedBy(listen, advertise string) []string {
	var out []string
	for _, addr := range []string{listen, advertise} {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = strings.Trim(addr, "[]")
		}
		ip, err := netip.ParseAddr(host)
		switch {
		case host == "":
		case err == nil && ip.IsUnspecified():
			out = append(out, endpoint.OwnAddresses()...)
		default:
			out = append(out, host)
		}
	}
	return out
}
