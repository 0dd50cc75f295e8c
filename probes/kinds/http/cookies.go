package http

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"netmon/probes"
	"netmon/probes/internal/figures"
	"netmon/wire"
)

// maxCookies bounds the cookies that one run keeps: as many as RFC 6265
// section 6.1 wants of a domain.
const maxCookies = 50

// cookies are the cookies that redirects of one run set (RFC 6265). The next
// run begins without.
type cookies struct {
	jar     *cookiejar.Jar // nil until there is one
	kept    int
	dropped []string // names, for people
}

// takeCookies keeps the cookies that came with a redirect.
func (x *httpRun) takeCookies(resp *http.Response, from *url.URL) {
	if len(resp.Header["Set-Cookie"]) == 0 {
		return
	}
	at := x.cookieURL(from)
	for _, c := range resp.Cookies() {
		name := figures.Clip(x.hide(c.Name))
		switch {
		case !x.Cookies:
			x.dropCookie(name, "option cookies is off")
		case x.cookies.kept == maxCookies:
			x.dropCookie(name, fmt.Sprintf("a run keeps %d", maxCookies))
		case !cookieFits(at, c):
			x.dropCookie(name, fmt.Sprintf("%s may not set it for %s (RFC 6265 section 5.3)", at.Hostname(), figures.Clip(x.hide(c.Domain))))
		default:
			if x.cookies.jar == nil {
				x.cookies.jar, _ = cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List}) // which never fails
			}
			x.cookies.kept++
			x.cookies.jar.SetCookies(at, []*http.Cookie{c})
		}
	}
}

func (x *httpRun) dropCookie(name, why string) {
	x.cookies.dropped = append(x.cookies.dropped, name)
	x.note("the cookie %q of a redirect was dropped: %s", name, why)
}

// cookieFits says whether a host may set a cookie for the domain that it names:
// its own or one above it, and no public suffix such as co.uk.
func cookieFits(at *url.URL, c *http.Cookie) bool {
	if c.Domain == "" {
		return true
	}
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		return false
	}
	jar.SetCookies(at, []*http.Cookie{{Name: "a", Value: "b", Path: "/", Domain: c.Domain}}) // #nosec G124 -- the request's own, which has no attributes
	return len(jar.Cookies(at)) > 0
}

// cookieURL is the URL that cookies belong to: of the name that we ask for, where
// that is not the URL's.
func (x *httpRun) cookieURL(u *url.URL) *url.URL {
	if x.Host == "" || !x.ours(u) {
		return u
	}
	as := *u
	as.Host = x.Host
	return &as
}

// addCookies puts the kept cookies for u into a request, beside those that the
// monitor names, and in place of those of the same name.
func (x *httpRun) addCookies(req *http.Request, u *url.URL) {
	x.m.cookies = x.m.shown["Cookie"]
	if x.cookies.jar == nil {
		return
	}
	kept := x.cookies.jar.Cookies(x.cookieURL(u))
	if len(kept) == 0 {
		return
	}
	var send, show []string
	named := map[string]bool{}
	for _, c := range kept {
		named[c.Name] = true
	}
	for pair := range strings.SplitSeq(req.Header.Get("Cookie"), ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if name != "" && !named[name] {
			send = append(send, strings.TrimSpace(pair))
			show = append(show, name+"=*****")
		}
	}
	for _, c := range kept {
		send = append(send, c.String())
		show = append(show, c.Name+"=*****")
	}
	req.Header.Set("Cookie", strings.Join(send, "; "))
	x.m.cookies = strings.Join(show, "; ")
}

// hideCookie is a header line's value for people: of a cookie that is set, its
// name and attributes, as its value may let somebody in.
func hideCookie(header, value string) string {
	old := strings.EqualFold(header, "Set-Cookie2") // which may hold several (RFC 2965)
	if !old && !strings.EqualFold(header, "Set-Cookie") {
		return value
	}
	pair, rest, more := strings.Cut(value, ";")
	name, _, named := strings.Cut(pair, "=")
	if name += "="; !named {
		name = ""
	}
	if more && !old {
		return name + "*****;" + rest
	}
	return name + "*****"
}

// tooManyRedirects is the error of a run that was led on too often.
func (x *httpRun) tooManyRedirects(status int, location string) error {
	dropped := ""
	if n := len(x.cookies.dropped); n > 0 {
		dropped = "; a cookie was offered and dropped, " + x.cookies.dropped[0]
	}
	over := "over " + figures.Counted(x.Redirects, "redirect")
	if x.Redirects == 0 {
		over = "a redirect came, but none is followed (redirects: 0)"
	}
	return probes.Fail(wire.FailLimit, "%s: %d leads to %s%s", over, status, figures.Clip(x.hide(location)), dropped)
}
