package endpoint

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/shellwords"
	"netmon/internal/exit"
	"netmon/internal/timetext"
)

// localPatience is how long a broker of this host may take to answer.
const localPatience = 2 * time.Second

// localEndpoint is the broker of this host; where it has identities, as the
// admin that it lets its own user be. Of several it is the one that answers;
// where several do, the one of this user's own store.
func localEndpoint(creds []string) (Endpoint, error) {
	none := Endpoint{URL: console.DefaultBroker, Creds: creds, From: "the default"}
	if len(creds) > 0 {
		return none, nil
	}
	list, err := usable(Locals())
	if err != nil {
		return Endpoint{}, err
	}
	if len(list) == 1 && list[0].own && (list[0].Admin != "" || list[0].URL == console.DefaultBroker) {
		return list[0].endpoint(""), nil // connecting says what is wrong
	}
	answer := slices.DeleteFunc(slices.Clone(list), func(b Local) bool { return !b.endpoint("").answers() })
	switch {
	case len(answer) > 0 && answer[0].own, len(answer) == 1:
		return answer[0].endpoint(""), nil
	case len(answer) > 1:
		var lines []string
		for _, b := range answer {
			lines = append(lines, "\n  "+b.creds()+"   "+Redact(b.URL)+", started "+timetext.Zoned(b.Started))
		}
		return Endpoint{}, exit.Usage("%d brokers of this host answer: say which one is meant:%s", len(answer), strings.Join(lines, ""))
	case len(list) > 0 && list[0].own && list[0].Admin != "":
		return list[0].endpoint(""), nil
	}
	return none, nil
}

// localAdmin is the endpoint of a URL that leads to a broker of this host, as its
// admin; ok is false where it leads elsewhere, or to a broker that asks nobody.
func localAdmin(from, broker string) (e Endpoint, ok bool) {
	if !ofThisHost(broker) {
		return Endpoint{}, false
	}
	for _, b := range Locals() {
		if b.err != nil || b.Admin == "" || portOf(b.URL) != portOf(broker) {
			continue
		}
		e := b.endpoint(broker)
		e.From = from + strings.TrimPrefix(e.From, "the default")
		if e.answers() {
			return e, true
		}
	}
	return Endpoint{}, false
}

// usable are those whose identities can be used, or why none can.
func usable(list []Local) (out []Local, err error) {
	for _, b := range list {
		if b.err != nil {
			err = b.err
			continue
		}
		out = append(out, b)
	}
	if len(out) == 0 && err != nil {
		return nil, exit.Usage("%w", err)
	}
	return out, nil
}

// endpoint is this broker, by another address of it unless that is "".
func (b Local) endpoint(address string) Endpoint {
	e := Endpoint{URL: b.URL, From: "the default", Identity: b.Admin}
	if b.Admin != "" {
		e.From += ", as an admin of this host's broker"
		if !b.own {
			e.From += " with the store " + shellwords.Quote(b.Store)
		}
	}
	if address != "" {
		e.URL = address
	}
	return e
}

// answers says whether a broker is there and lets us in.
func (p Endpoint) answers() bool {
	nc, err := p.Connect(nats.Name("netmon"), nats.Timeout(localPatience), nats.NoReconnect())
	if err != nil {
		return false
	}
	nc.Close()
	return true
}

// ofThisHost says whether a URL is, as far as it says, of one broker of this host,
// and leaves it to us to say who we are.
func ofThisHost(broker string) bool {
	u, err := parseBroker(broker)
	if err != nil || u.User != nil || u.Scheme != "nats" && u.Scheme != "tls" {
		return false
	}
	host := u.Hostname()
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || slices.Contains(OwnAddresses(), a.String())
	}
	name, _ := os.Hostname()
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, name)
}

// parseBroker reads one address of a broker as nats.go does.
func parseBroker(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "nats://" + s
	}
	return url.Parse(s)
}

func portOf(broker string) string {
	u, err := parseBroker(broker)
	if err != nil || u.Port() == "" {
		return "4222"
	}
	return u.Port()
}

// OwnAddresses are those that others may reach this host by.
func OwnAddresses() []string {
	var out []string
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	return out
}
