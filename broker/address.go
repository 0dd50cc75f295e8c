package broker

import (
	"fmt"
	"net"

	"github.com/nats-io/nats-server/v2/server"
)

// clientURL is where clients reach a server with these options. A server that
// listens on all addresses is best reached by one that other hosts can use too.
func clientURL(o *server.Options) string {
	if o.DontListen {
		return ""
	}
	scheme := "nats"
	if o.TLSConfig != nil {
		scheme = "tls"
	}
	port := o.Port
	if port == 0 {
		port = server.DEFAULT_PORT
	}
	if a := o.ClientAdvertise; a != "" {
		if _, _, err := net.SplitHostPort(a); err != nil {
			a = net.JoinHostPort(a, fmt.Sprint(port))
		}
		return scheme + "://" + a
	}
	host := o.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = ownAddress()
	}
	return scheme + "://" + net.JoinHostPort(host, fmt.Sprint(port))
}

// ownAddress is the host's first IPv4 address that others may reach, or the loopback.
func ownAddress() string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// LoopbackAddress says whether only this host can reach an address. What cannot be
// read counts as such: Start says what is wrong with it.
func LoopbackAddress(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err != nil || Loopback(host)
}
