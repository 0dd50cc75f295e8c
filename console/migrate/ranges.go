package migrate

import (
	"net"
	"strconv"
	"strings"
)

// StatusRanges lists the status codes of HTTP that fit as the option expect.status has them:
// 200-299,404. "" is none.
func StatusRanges(fits func(code int) bool) string {
	var parts []string
	for from := 100; from < 600; from++ {
		if !fits(from) {
			continue
		}
		to := from
		for to < 599 && fits(to+1) {
			to++
		}
		part := strconv.Itoa(from)
		if to > from {
			part += "-" + strconv.Itoa(to)
		}
		parts = append(parts, part)
		from = to
	}
	return strings.Join(parts, ",")
}

// HostPort is a host with the port it has, or with this one. An IPv6 address may have its
// brackets or not.
func HostPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// WebSocket is the connection of one, ws://HOST/PATH or wss://: netmon measures no more of it.
func (m *Monitor) WebSocket(url string) {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	m.Kind, m.Target = "tcp", HostPort(host, "80")
	if strings.EqualFold(scheme, "wss") {
		m.Kind, m.Target = "tls", HostPort(host, "443")
	}
	m.Lose("the WebSocket itself: netmon connects, and sends nothing over it")
}
