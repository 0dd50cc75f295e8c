package endpoint

import (
	"strings"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/console/words"
)

// Place is a broker, and how a prompt gets there.
type Place struct {
	Connect func(...nats.Option) (*nats.Conn, error)
	URL     string   // without what is nobody's business
	context string   // its name, "" for none
	creds   []string // that were given beside the url

	Identity string // folder of who joined it, "" for none
	Who      console.Person
}

// PlaceOf is the place of an
func PlaceOf(e Endpoint) Place {
	name, _ := strings.CutPrefix(e.From, "context ")
	if name == e.From {
		name = ""
	}
	at := Place{Connect: e.Connect, URL: Bare(e.URL), context: name, creds: e.Creds, Identity: e.Identity, Who: e.Person()}
	if strings.HasPrefix(e.From, "--creds ") {
		at.creds = []string{e.Identity}
	}
	return at
}

// Shown is what the prompt calls it.
func (p Place) Shown() string {
	if p.context != "" {
		return p.context
	}
	return strings.TrimPrefix(p.URL, "nats://")
}

// Args choose it on a command line.
func (p Place) Args() string {
	if p.context != "" {
		return " --context " + words.Quote(p.context)
	}
	line := ""
	if p.URL != console.DefaultBroker {
		line = " --broker " + words.Quote(p.URL)
	}
	for _, file := range p.creds {
		line += " --creds " + words.Quote(file)
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
