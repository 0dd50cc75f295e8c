package policy

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Destination is where something is sent to.
type Destination struct {
	Host string // a name in lower case, or an address without brackets
	Port uint16
}

func (p Destination) String() string { return net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))) }

// ports of URLs that name none.
var schemePorts = map[string]uint16{"http": 80, "https": 443}

// DestinationOf is where a URL leads.
func DestinationOf(u *url.URL) (Destination, error) {
	dest := Destination{Host: strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), Port: schemePorts[u.Scheme]}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return Destination{}, fmt.Errorf("want a port of 1 to 65535, got %q", text)
		}
		dest.Port = uint16(n)
	}
	if dest.Host == "" || dest.Port == 0 {
		return Destination{}, errors.New("want a URL with a host")
	}
	return dest, nil
}

// ParseDestination reads a URL or HOST:PORT.
func ParseDestination(text string) (Destination, error) {
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil {
			return Destination{}, errors.New("want a URL")
		}
		return DestinationOf(u)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Destination{}, errors.New("want HOST:PORT")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return Destination{}, errors.New("want HOST:PORT")
	}
	return Destination{Host: strings.TrimSuffix(strings.ToLower(host), "."), Port: uint16(n)}, nil
}
