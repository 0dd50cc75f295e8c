package main

import (
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/words"
)

// localPatience is how long a broker of this host may take to answer.
const localPatience = 2 * time.Second

// localEndpoint is the broker of this host; where it knows who is who, as the
// admin that it lets its own user be. Of several it is the one that answers;
// where several do, the one of this user's own store.
func localEndpoint(creds []string) (endpoint, error) {
	none := endpoint{url: console.DefaultBroker, creds: creds, from: "the default"}
	if len(creds) > 0 {
		return none, nil
	}
	list, err := usable(localBrokers())
	if err != nil {
		return endpoint{}, err
	}
	if len(list) == 1 && list[0].own && (list[0].Admin != "" || list[0].URL == console.DefaultBroker) {
		return list[0].endpoint(""), nil // connecting says what is wrong
	}
	answer := slices.DeleteFunc(slices.Clone(list), func(b localBroker) bool { return !b.endpoint("").answers() })
	switch {
	case len(answer) > 0 && answer[0].own, len(answer) == 1:
		return answer[0].endpoint(""), nil
	case len(answer) > 1:
		var lines []string
		for _, b := range answer {
			lines = append(lines, "\n  "+b.creds()+"   "+redact(b.URL)+", started "+b.Started.Local().Format(time.DateTime))
		}
		return endpoint{}, usage("%d brokers of this host answer: say which one is meant:%s", len(answer), strings.Join(lines, ""))
	case len(list) > 0 && list[0].own && list[0].Admin != "":
		return list[0].endpoint(""), nil
	}
	return none, nil
}

// localAdmin is the endpoint of a URL that leads to a broker of this host, as its
// admin; ok is false where it leads elsewhere, or to a broker that asks nobody.
func localAdmin(from, broker string) (e endpoint, ok bool) {
	if !ofThisHost(broker) {
		return endpoint{}, false
	}
	for _, b := range localBrokers() {
		if b.err != nil || b.Admin == "" || portOf(b.URL) != portOf(broker) {
			continue
		}
		e := b.endpoint(broker)
		e.from = from + strings.TrimPrefix(e.from, "the default")
		if e.answers() {
			return e, true
		}
	}
	return endpoint{}, false
}

// usable are those whose identities can be used, or why none can.
func usable(list []localBroker) (out []localBroker, err error) {
	for _, b := range list {
		if b.err != nil {
			err = b.err
			continue
		}
		out = append(out, b)
	}
	if len(out) == 0 && err != nil {
		return nil, usage("%w", err)
	}
	return out, nil
}

// endpoint is this broker, by another address of it unless that is "".
func (b localBroker) endpoint(address string) endpoint {
	e := endpoint{url: b.URL, from: "the default", identity: b.Admin}
	if b.Admin != "" {
		e.from += ", as an admin of this host's broker"
		if !b.own {
			e.from += " with the store " + words.Quote(b.Store)
		}
	}
	if address != "" {
		e.url = address
	}
	return e
}

// answers says whether a broker is there and lets us in.
func (p endpoint) answers() bool {
	nc, err := p.connect(nats.Name("netmon"), nats.Timeout(localPatience), nats.NoReconnect())
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
		return a.IsLoopback() || slices.Contains(ownAddresses(), a.String())
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
