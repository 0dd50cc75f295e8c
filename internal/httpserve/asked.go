package httpserve

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// IsHere says whether a request's host is this computer by one of its own names, or one of
// these. A browser that another site leads here by DNS (rebinding) says the name of that
// site. A port does not matter: what forwards to us may have another one.
func IsHere(host string, also ...string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(strings.Trim(name, "[]"), "."))
	if name == "localhost" || slices.ContainsFunc(also, func(h string) bool { return strings.EqualFold(h, name) }) {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

// FromElsewhere says that a page of another site made the browser ask. A link from there
// may be followed: that is a navigation of the reader.
func FromElsewhere(r *http.Request) bool {
	return ByAnotherSite(r) && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

// ByAnotherSite says that a page of another site, or a link on it, made the browser ask.
func ByAnotherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// forwarded are headers that only a proxy sets.
var forwarded = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Via", "Cf-Connecting-Ip", "True-Client-Ip"}

// WasForwarded says that a request shows that a proxy sent it. Many of them speak HTTP/1.0,
// which no browser does.
func WasForwarded(r *http.Request) bool {
	return !r.ProtoAtLeast(1, 1) || slices.ContainsFunc(forwarded, func(name string) bool { return r.Header.Get(name) != "" })
}

// Quote is a host as it can be shown.
func Quote(host string) string {
	if len(host) > 80 {
		host = host[:80] + "…"
	}
	return "\"" + strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r > '~' {
			return '?'
		}
		return r
	}, host) + "\""
}
