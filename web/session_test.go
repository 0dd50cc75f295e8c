package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"netmon/console"
	"netmon/wire"
)

// browser is an HTTP client with cookies that follows nothing by itself.
type browser struct {
	t  *testing.T
	at string
	c  *http.Client
}

func newBrowser(t *testing.T, at string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, at, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request; fields are a form, nil for GET. header are names and values.
func (b *browser) do(path string, fields url.Values, header ...string) (int, string, http.Header) {
	b.t.Helper()
	method, body := http.MethodGet, ""
	if fields != nil {
		method, body = http.MethodPost, fields.Encode()
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.at+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if fields != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	resp, err := b.c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	_, _ = out.ReadFrom(resp.Body)
	return resp.StatusCode, out.String(), resp.Header
}

// csrf is the token in a page of a form.
func csrf(t *testing.T, page string) string {
	t.Helper()
	_, after, ok := strings.Cut(page, `name="csrf" value="`)
	token, _, _ := strings.Cut(after, `"`)
	if !ok || token == "" {
		t.Fatalf("no form in\n%s", page)
	}
	return token
}

// own has who opens the link act as olga.
func own(o *Options) {
	o.Token, o.Own = "right", Actor{Name: "olga", Role: wire.RoleOperator, Ops: &console.Ops{}}
}

func TestToken_SignsIn(t *testing.T) {
	_, h := newWorld().serve(t, own)
	b := newBrowser(t, h.URL)
	if code, text, _ := b.do("/?token=wrong", nil); code != http.StatusForbidden || strings.Contains(text, "right") {
		t.Errorf("a wrong token gives %d: %s", code, text)
	}
	if _, text, _ := b.do("/session", nil); !strings.Contains(text, "open the link that netmon printed") || strings.Contains(text, "right") {
		t.Errorf("who is not signed in reads %s", text)
	}
	code, _, header := b.do("/?token=right", nil)
	cookie := header.Get("Set-Cookie")
	if code != http.StatusSeeOther || header.Get("Location") != "/" {
		t.Fatalf("%d to %q", code, header.Get("Location"))
	}
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie lacks %s: %s", want, cookie)
		}
	}
	_, page, header := b.do("/session", nil)
	inOrder(t, page, "Signed in as <b>olga</b>", "Role: operator", "Sign out")
	if header.Get("Cache-Control") != "no-store" {
		t.Errorf("a page of one reader is kept: %v", header)
	}
	if code, _, _ := b.do("/session/end", url.Values{"csrf": {csrf(t, page)}}); code != http.StatusSeeOther {
		t.Errorf("signing out gives %d", code)
	}
	if _, page, _ := b.do("/session", nil); strings.Contains(page, "olga") {
		t.Error("still signed in")
	}
	for range mostSessions + 1 { // the same browser, again and again
		if code, _, _ := b.do("/?token=right", nil); code != http.StatusSeeOther {
			t.Fatalf("signing in again gives %d", code)
		}
	}
}

// TestGuard_Bodies: a body is read up to the size of a form, whatever it says that it is, and
// none of it lands on disk.
func TestGuard_Bodies(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, h := newWorld().serve(t, own)
	s.o.Lend = nil
	b := newBrowser(t, h.URL)
	part := "--x\r\nContent-Disposition: form-data; name=\"code\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 40<<20) + "\r\n--x--\r\n"
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, path := range []string{"/match?q=x", "/events?page=nothing", "/session/new", "/incidents?show=all", "/?q=x"} {
			r, err := http.NewRequestWithContext(t.Context(), method, h.URL+path, strings.NewReader(part))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
			if resp, err := b.c.Do(r); err == nil { // the server may hang up on so much
				resp.Body.Close()
			}
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) > 0 {
		t.Errorf("on disk there is %v (%v)", list, err)
	}
}

// TestFeeds_OfNothing are not kept: who asks for names that nobody has takes no place.
func TestFeeds_OfNothing(t *testing.T) {
	w := newWorld()
	w.save("shop", "tcp", "h:1")
	s, h := w.serve(t)
	for i := range 20 {
		for _, path := range []string{"/monitors/x%d", "/incidents/x%d", "/events?page=monitor&name=x%d", "/events?page=incidents&name=x%d", "/events?page=x%d", "/plot/x%d"} {
			if code, _, _ := get(t, h.URL+fmt.Sprintf(path, i)); code != http.StatusNotFound && code != http.StatusNoContent {
				t.Errorf("%s gives %d", path, code)
			}
		}
	}
	if n := len(s.feeds.open); n != 0 {
		t.Errorf("%d feeds are kept", n)
	}
	if w.asked != 0 {
		t.Errorf("history was asked %d times for what is not there", w.asked)
	}
}

// TestSession_IsOfOneBrowser: a cookie that was signed out, invented, or is of another
// server, is nobody's.
func TestSession_IsOfOneBrowser(t *testing.T) {
	_, h := newWorld().serve(t, own)
	b := newBrowser(t, h.URL)
	_, _, header := b.do("/?token=right", nil)
	cookie, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	name, value, _ := strings.Cut(cookie, "=")
	thief := newBrowser(t, h.URL)
	signedIn := func(cookie string) bool {
		_, page, _ := thief.do("/session", nil, "Cookie", cookie)
		return strings.Contains(page, "olga")
	}
	if !signedIn(cookie) {
		t.Fatal("the cookie is not the session")
	}
	for _, bad := range []string{name + "=", name + "=" + value[1:], name + "=x" + value, name + "x=" + value, "netmon=" + value, name + "=" + strings.Repeat("A", 10_000)} {
		if signedIn(bad) {
			t.Errorf("%.60s is signed in", bad)
		}
	}
	_, page, _ := b.do("/session", nil)
	b.do("/session/end", url.Values{"csrf": {csrf(t, page)}})
	if signedIn(cookie) {
		t.Error("a session that was ended counts")
	}
}

// TestForms_AreOurOwn: what another site, a forged form or a stranger sends changes nothing.
func TestForms_AreOurOwn(t *testing.T) {
	_, h := newWorld().serve(t, own)
	b := newBrowser(t, h.URL)
	b.do("/?token=right", nil)
	_, page, _ := b.do("/session", nil)
	token := csrf(t, page)
	for name, tc := range map[string]struct {
		fields url.Values
		header []string
		want   int
	}{
		"without a token":                        {url.Values{}, nil, http.StatusForbidden},
		"with another token":                     {url.Values{"csrf": {"x" + token}}, nil, http.StatusForbidden},
		"a token in the query":                   {url.Values{"other": {token}}, nil, http.StatusForbidden},
		"from another site":                      {url.Values{"csrf": {token}}, []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		"from another port":                      {url.Values{"csrf": {token}}, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "navigate"}, http.StatusForbidden},
		"of another origin":                      {url.Values{"csrf": {token}}, []string{"Origin", "https://evil.example"}, http.StatusForbidden},
		"of no origin":                           {url.Values{"csrf": {token}}, []string{"Origin", "null"}, http.StatusForbidden},
		"by another host":                        {url.Values{"csrf": {token}}, []string{"Host", "evil.example"}, http.StatusMisdirectedRequest},
		"larger than any form":                   {url.Values{"csrf": {token}, "x": {strings.Repeat("x", formMost)}}, nil, http.StatusRequestEntityTooLarge},
		"in several parts, larger than any form": {url.Values{"csrf": {token}, "x": {strings.Repeat("x", formMost)}}, []string{"Content-Type", "multipart/form-data; boundary=x"}, http.StatusForbidden},
		"through a proxy that nobody named":      {url.Values{"csrf": {token}}, []string{"X-Forwarded-For", "192.0.2.1"}, http.StatusForbidden},
	} {
		if code, text, _ := b.do("/session/end", tc.fields, tc.header...); code != tc.want {
			t.Errorf("%s: %d, want %d: %.200s", name, code, tc.want, text)
		}
	}
	if _, page, _ := b.do("/session", nil); !strings.Contains(page, "olga") {
		t.Error("one of them signed olga out")
	}
	for range changesBurst {
		b.do("/session/end", url.Values{})
	}
	if code, _, header := b.do("/session/end", url.Values{}); code != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("a flood of forms gives %d", code)
	}
}

// TestClosed_ShowsNothingToStrangers: beyond this host everybody signs in first.
func TestClosed_ShowsNothingToStrangers(t *testing.T) {
	w := newWorld()
	w.save("hidden", "tcp", "10.1.2.3:1")
	s, h := w.serve(t, own, func(o *Options) { o.Open = false })
	for _, path := range []string{"/", "/matrix", "/agents", "/incidents", "/monitors/hidden", "/incidents/x", "/events?page=monitors", "/plot/hidden", "/nothing", "/done/1", "//", "/static", "/sessions", "/session/../monitors/hidden"} {
		code, text, _ := newBrowser(t, h.URL).do(path, nil)
		if code != http.StatusUnauthorized && code != http.StatusMovedPermanently && code != http.StatusTemporaryRedirect || strings.Contains(text, "10.1.2.3") {
			t.Errorf("%s gives %d: %.200s", path, code, text)
		}
	}
	if _, text, _ := newBrowser(t, h.URL).do("/session", nil); strings.Contains(text, "127.0.0.1:4222") || strings.Contains(text, "netmon 0.1.0") {
		t.Error("strangers read the broker's address, or the version")
	}
	if code, _, _ := newBrowser(t, h.URL).do(assetPaths["page.css"], nil); code != http.StatusOK {
		t.Errorf("the style of the page that says so gives %d", code)
	}
	b := newBrowser(t, h.URL)
	b.do("/?token=right", nil)
	if code, text, _ := b.do("/", nil); code != http.StatusOK || !strings.Contains(text, "hidden") {
		t.Errorf("who signed in gets %d", code)
	}
	// A live page ends with its session.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/events?page=monitors", nil)
	if err != nil {
		t.Fatal(err)
	}
	live, err := b.c.Do(r)
	if err != nil || live.StatusCode != http.StatusOK {
		t.Fatal(live, err)
	}
	defer live.Body.Close()
	for _, x := range s.sessions.of {
		s.sessions.signOut(x)
	}
	var rest bytes.Buffer
	_, _ = rest.ReadFrom(live.Body) // until it ends
}

// TestSessions_End when who acts is gone, and their number is bounded.
func TestSessions_End(t *testing.T) {
	s, h := newWorld().serve(t, own)
	var gone atomic.Bool
	closed := make(chan struct{})
	who := Actor{Name: "anna", Role: wire.RoleViewer, Close: func() { close(closed) }, Gone: func() error {
		if gone.Load() {
			return errors.New("revoked")
		}
		return nil
	}}
	_, cookie, err := s.sessions.open(t.Context(), who, "a test", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(h.URL)
	cookie = "netmon" + u.Port() + "=" + cookie
	b := newBrowser(t, h.URL)
	if _, page, _ := b.do("/session", nil, "Cookie", cookie); !strings.Contains(page, "anna") {
		t.Fatal("not signed in")
	}
	gone.Store(true)
	if _, page, _ := b.do("/session", nil, "Cookie", cookie); strings.Contains(page, "anna") {
		t.Error("who was revoked is signed in")
	}
	<-closed
	if _, late, err := s.sessions.open(t.Context(), Actor{Name: "late"}, "a test", -time.Second); err != nil {
		t.Fatal(err)
	} else if s.sessions.ofCookie(late) != nil {
		t.Error("a session that is over counts")
	}
	for range mostSessions {
		if _, _, err = s.sessions.open(t.Context(), Actor{Name: "many"}, "a test", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err = s.sessions.open(t.Context(), Actor{Name: "many"}, "a test", time.Hour); !errors.Is(err, errSessions) {
		t.Errorf("one more: %v", err)
	}
}

// lends is a key that a test lends.
type lends struct{ closed atomic.Int32 }

func (l *lends) Key() string { return "UKEY" }
func (l *lends) Accept(_ context.Context, credential []byte) (Actor, time.Time, error) {
	if !strings.Contains(string(credential), "good") {
		return Actor{}, time.Time{}, errors.New("the mesh did not sign it")
	}
	return Actor{Name: "ann<b>", Role: wire.RoleOperator, Close: func() { l.closed.Add(1) }}, time.Now().Add(time.Hour), nil
}

func post(t *testing.T, at string, body, into any) int {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestLogin_LinkIsForOneBrowserOnce: netmon web login, as its two requests and the link.
func TestLogin_LinkIsForOneBrowserOnce(t *testing.T) {
	l := &lends{}
	s, h := newWorld().serve(t, func(o *Options) { o.Open, o.Lend = false, func() (Lent, error) { return l, nil } })
	var offered Offered
	if code := post(t, h.URL+"/session/key", struct{}{}, &offered); code != http.StatusOK || offered.Key != "UKEY" || offered.Ticket == "" {
		t.Fatal(code, offered)
	}
	var refused struct{ Error string }
	if code := post(t, h.URL+"/session/credential", Granted{"other", json.RawMessage(`"good"`)}, &refused); code != http.StatusNotFound {
		t.Errorf("an unknown ticket gives %d", code)
	}
	if code := post(t, h.URL+"/session/credential", Granted{offered.Ticket, json.RawMessage(`"forged"`)}, &refused); code != http.StatusForbidden || refused.Error != "the mesh did not sign it" {
		t.Errorf("a forged credential gives %d: %s", code, refused.Error)
	}
	if code := post(t, h.URL+"/session/credential", Granted{offered.Ticket, json.RawMessage(`"good"`)}, &refused); code != http.StatusNotFound {
		t.Errorf("a ticket counts twice: %d", code)
	}
	post(t, h.URL+"/session/key", struct{}{}, &offered)
	var link Link
	if code := post(t, h.URL+"/session/credential", Granted{offered.Ticket, json.RawMessage(`"good"`)}, &link); code != http.StatusOK {
		t.Fatal(code)
	}
	_, code, _ := strings.Cut(link.Path, "code=")
	for range 2 { // a chat program that looks at links does not use it up
		_, page, _ := newBrowser(t, h.URL).do(link.Path, nil)
		inOrder(t, page, "Sign in as ann&lt;b&gt;?", "Role: operator")
	}
	b := newBrowser(t, h.URL)
	if got, _, _ := b.do("/session/new", url.Values{"code": {code}}, "Sec-Fetch-Site", "cross-site"); got != http.StatusForbidden {
		t.Errorf("another site signs somebody in: %d", got)
	}
	if got, _, _ := b.do("/session/new", url.Values{"code": {code}}); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	if got, _, _ := b.do("/agents", nil); got != http.StatusOK {
		t.Errorf("signed in, it gets %d", got)
	}
	if got, _, _ := newBrowser(t, h.URL).do("/session/new", url.Values{"code": {code}}); got != http.StatusForbidden {
		t.Errorf("a second browser gets %d", got)
	}
	s.Close()
	s.endSessions()
	if l.closed.Load() != 1 {
		t.Errorf("%d sessions were given back, want 1", l.closed.Load())
	}
	for range 3 * signInBurst {
		resp, err := http.Post(h.URL+"/session/key", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if code := resp.StatusCode; code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("a flood of sign-ins is not bounded")
}

// TestProxy: who the proxy names reads, and what does not come through it gets nothing.
func TestProxy(t *testing.T) {
	here := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	proxied := func(p Proxy) *httptest.Server {
		_, h := newWorld().serve(t, own, func(o *Options) { o.Open, o.Token, o.Proxy, o.Hosts = false, "", p, []string{"mon.example.org"} })
		return h
	}
	for name, tc := range map[string]struct {
		p      Proxy
		header []string
		want   int
	}{
		"named":                     {Proxy{From: here, User: "X-Forwarded-User"}, []string{"X-Forwarded-User", "ann"}, http.StatusOK},
		"named, and forwarded":      {Proxy{From: here, User: "X-Forwarded-User"}, []string{"X-Forwarded-User", "ann", "X-Forwarded-For", "192.0.2.1"}, http.StatusOK},
		"nobody named":              {Proxy{From: here, User: "X-Forwarded-User"}, nil, http.StatusUnauthorized},
		"by another header":         {Proxy{From: here, User: "X-Forwarded-User"}, []string{"Remote-User", "ann"}, http.StatusUnauthorized},
		"it names nobody ever":      {Proxy{From: here}, []string{"X-Forwarded-User", "ann"}, http.StatusUnauthorized},
		"by who is not the proxy":   {Proxy{From: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, User: "X-Forwarded-User"}, []string{"X-Forwarded-User", "ann"}, http.StatusForbidden},
		"without one, and the host": {Proxy{User: "X-Forwarded-User"}, []string{"X-Forwarded-User", "ann", "Host", "localhost"}, http.StatusUnauthorized},
	} {
		h := proxied(tc.p)
		if code, text, _ := newBrowser(t, h.URL).do("/agents", nil, append([]string{"Host", "mon.example.org"}, tc.header...)...); code != tc.want {
			t.Errorf("%s: %d, want %d: %.200s", name, code, tc.want, text)
		}
	}
	h := proxied(Proxy{From: here, User: "X-Forwarded-User"})
	_, page, _ := newBrowser(t, h.URL).do("/session", nil, "X-Forwarded-User", "ann<script>")
	if strings.Contains(page, "<script>") {
		t.Error("the name in a header is markup")
	}
	first, page := newBrowser(t, h.URL), ""
	for i := range mostSessions + 10 {
		code, text, _ := first.do("/session", nil, "X-Forwarded-User", fmt.Sprint("user", i))
		if page = text; code != http.StatusOK {
			t.Fatalf("user %d gets %d", i, code)
		}
	}
	inOrder(t, page, "The proxy in front of these pages says who you are")
}

// TestProxy_Roles: who a proxy names reads, unless it was said that they may more; never as
// an admin.
func TestProxy_Roles(t *testing.T) {
	for _, tc := range []struct{ given, of, want wire.Role }{
		{"", wire.RoleAdmin, wire.RoleViewer}, {wire.RoleViewer, wire.RoleAdmin, wire.RoleViewer},
		{wire.RoleOperator, wire.RoleAdmin, wire.RoleOperator}, {wire.RoleOperator, wire.RoleOperator, wire.RoleOperator},
		{wire.RoleOperator, wire.RoleViewer, wire.RoleViewer}, {wire.RoleAdmin, wire.RoleAdmin, wire.RoleViewer},
	} {
		_, h := newWorld().serve(t, func(o *Options) {
			o.Open, o.Own = false, Actor{Name: "web", Role: tc.of, Ops: &console.Ops{}}
			o.Proxy = Proxy{From: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, User: "X-User", Role: tc.given}
		})
		_, page, _ := newBrowser(t, h.URL).do("/session", nil, "X-User", "ann")
		if !strings.Contains(page, "Signed in as <b>ann</b> by the proxy. Role: "+string(tc.want)+".") {
			t.Errorf("%+v: %s", tc, page)
		}
	}
}

// TestSession_LivePages of one reader are bounded: nobody takes all places.
func TestSession_LivePages(t *testing.T) {
	s, h := newWorld().serve(t, own, func(o *Options) { o.Open = false })
	b := newBrowser(t, h.URL)
	b.do("/?token=right", nil)
	for _, x := range s.sessions.of {
		if !x.watches(mostLive) || x.watches(1) {
			t.Fatalf("want %d live pages, and no more", mostLive)
		}
		if code, _, header := b.do("/events?page=monitors", nil); code != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
			t.Errorf("one more gives %d", code)
		}
		x.watches(-1)
		if !x.watches(1) {
			t.Error("a place that was left is not free")
		}
	}
}
