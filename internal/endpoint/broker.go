package endpoint

import (
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/shellwords"
	"netmon/identity"
	"netmon/wire"
)

// Broker is a broker, and how a prompt gets there.
type Broker struct {
	Connect func(...nats.Option) (*nats.Conn, error)
	URL     string   // without what is nobody's business
	context string   // its name, "" for none
	creds   []string // that were given beside the url

	Identity string // folder of who joined it, "" for none
	Who      console.Person
}

// BrokerOf is the broker of an endpoint.
func BrokerOf(e Endpoint) Broker {
	name, _ := strings.CutPrefix(e.From, "context ")
	if name == e.From {
		name = ""
	}
	at := Broker{Connect: e.Connect, URL: Bare(e.URL), context: name, creds: e.Creds, Identity: e.Identity, Who: e.Person()}
	if strings.HasPrefix(e.From, "--creds ") {
		at.creds = []string{e.Identity}
	}
	return at
}

// Role is what we may do there; "" where the credentials are none of netmon's.
func (p Broker) Role() wire.Role {
	switch {
	case p.Identity != "":
		return identity.RoleIn(identity.Creds(p.Identity))
	case len(p.creds) > 0:
		return identity.RoleIn(p.creds[0])
	}
	return ""
}

// Shown is what the prompt calls it.
func (p Broker) Shown() string {
	if p.context != "" {
		return p.context
	}
	return strings.TrimPrefix(p.URL, "nats://")
}

// Args choose it on a command line.
func (p Broker) Args() string {
	if p.context != "" {
		return " --context " + shellwords.Quote(p.context)
	}
	line := ""
	if p.URL != console.DefaultBroker {
		line = " --broker " + shellwords.Quote(p.URL)
	}
	for _, file := range p.creds {
		line += " --creds " + shellwords.Quote(file)
	}
	return line
}

// Bare leaves users and passwords out of a broker's URLs.
func Bare(urls string) string {
	parts := strings.Split(urls, ",")
	for i, u := range parts {
		scheme, rest, ok := strings.Cut(u, "://")
		if at := strings.LastIndexByte(rest, '@'); ok && at >= 0 {
			parts[i] = scheme + "://" + rest[at+1:]
		}
	}
	return strings.Join(parts, ",")
}

// HostPort is the address in a broker's URL.
func HostPort(url string) string {
	_, addr, _ := strings.Cut(url, "://")
	if _, host, ok := strings.Cut(addr, "@"); ok { // behind a name and a password
		addr = host
	}
	return addr
}
