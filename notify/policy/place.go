package policy

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Place is where something is sent to.
type Place struct {
	Host string // a name in lower case, or an address without brackets
	Port uint16
}

func (p Place) String() string { return net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))) }

// ports of URLs that name none.
var schemePorts = map[string]uint16{"http": 80, "https": 443}

// PlaceOfURL is where a URL leads.
func PlaceOfURL(u *url.URL) (Place, error) {
	place := Place{Host: strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), Port: schemePorts[u.Scheme]}
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return Place{}, fmt.Errorf("want a port of 1 to 65535, got %q", text)
		}
		place.Port = uint16(n)
	}
	if place.Host == "" || place.Port == 0 {
		return Place{}, errors.New("want a URL with a host")
	}
	return place, nil
}

// PlaceOf reads a URL or HOST:PORT.
func PlaceOf(text string) (Place, error) {
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil {
			return Place{}, errors.New("want a URL")
		}
		return PlaceOfURL(u)
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Place{}, errors.New("want HOST:PORT")
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return Place{}, errors.New("want HOST:PORT")
	}
	return Place{Host: strings.TrimSuffix(strings.ToLower(host), "."), Port: uint16(n)}, nil
}
