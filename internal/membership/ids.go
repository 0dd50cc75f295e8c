package membership

import (
	"os"
	"strings"

	"netmon/wire"
)

// HostID is the default id of an agent: the host's name, made into a token.
func HostID() string {
	host, err := os.Hostname()
	if err != nil {
		return "agent"
	}
	return wire.MakeToken(host)
}

// JoinID is the id that an agent joins with where neither its line nor --id says
// one: the host's name without its domain, in lower case, made into a token.
func JoinID() string {
	host, err := os.Hostname()
	if err != nil {
		return "agent"
	}
	first, _, _ := strings.Cut(host, ".")
	return wire.MakeToken(strings.ToLower(first))
}
