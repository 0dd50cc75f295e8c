package cloudprober

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

func http(c *check, own *migrate.Fields) error {
	if err := c.httpURL(own); err != nil {
		return err
	}
	if method := own.Text("method"); method != "" && method != "GET" {
		c.options.Set("method", method)
	}
	for _, h := range own.Objects("headers") {
		c.header(h.Text("name"), h.Text("value"))
	}
	headers := pairs(own, "header")
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		c.header(name, headers[name])
	}
	if agent := own.Text("user_agent"); agent != "" {
		c.Header("User-Agent", agent, c.options)
	}
	c.body(own.Texts("body"))
	if file := own.Text("body_file"); file != "" {
		c.options.Set("body", c.File(file))
	}
	if own.Bool("keep_alive", false) {
		c.options.Set("keep_alive", true)
	}
	if own.Bool("disable_http2", false) {
		c.options.Set("http_version", "1.1")
	}
	if proxy := own.Text("proxy_url"); proxy != "" {
		if strings.Contains(proxy, "@") {
			return fmt.Errorf("its proxy_url holds a password")
		}
		c.options.Set("proxy.url", proxy)
	}
	if own.Has("max_redirects") {
		n := own.Number("max_redirects", 10)
		if n == 0 {
			n = -1 // the redirect is the answer
		}
		c.options.Set("redirects", n)
	}
	if c.Kind == "https" {
		c.tls(own.Object("tls_config"))
		if own.Bool("disable_cert_validation", false) {
			c.options.Set("tls.insecure", true)
		}
	}
	if err := c.oauth(own.Object("oauth_config")); err != nil {
		return err
	}
	own.Skip("resolve_first", "max_idle_conns", "interval_between_targets_msec", "requests_interval_msec", "latency_breakdown")
	c.several(own)
	c.validators("expect.body_regex", true)
	c.options.Default("expect.status", "100-599") // without a validator any answer is a success
	if c.virtual != "" {
		c.options.Default("host", c.virtual)
	}
	if c.virtual != "" && c.Kind == "https" {
		host, _, _ := net.SplitHostPort(c.virtual)
		c.options.Default("tls.server_name", or(host, c.virtual))
	}
	return nil
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// body carries the parts of a body, which & joins, and the type that cloudprober finds for it
// where no header says one: JSON where one part is that, a form where Go can read it as one.
// A part such as @FILE is what a file has.
func (c *check) body(parts []string) {
	if len(parts) == 0 {
		return
	}
	if path, is := strings.CutPrefix(parts[0], "@"); is && len(parts) == 1 {
		c.options.Set("body", c.File(path))
		c.Note("body: cloudprober finds its Content-Type by what is in %s: set it in headers", path)
		return
	}
	for _, part := range parts {
		if strings.HasPrefix(part, "@") {
			c.Lose("body: %s: netmon takes a body from one file, or from none", part)
			return
		}
	}
	text := strings.Join(parts, "&")
	_, noForm := url.ParseQuery(text)
	switch headers, _ := c.options["headers"].(map[string]any); {
	case slices.ContainsFunc(slices.Collect(maps.Keys(headers)), func(name string) bool { return strings.EqualFold(name, "Content-Type") }):
	case len(parts) == 1 && json.Valid([]byte(text)):
		c.Header("Content-Type", "application/json", c.options)
	case noForm == nil:
		c.Header("Content-Type", "application/x-www-form-urlencoded", c.options)
	}
	c.Body(text, c.options)
}

func (c *check) header(name, value string) {
	text, ok := c.fillText(value)
	if !ok {
		c.Lose("header %s: its value is filled in while cloudprober runs", name)
		return
	}
	c.Header(name, text, c.options)
}

// httpURL is scheme://host:port/path of the target.
func (c *check) httpURL(own *migrate.Fields) error {
	scheme := strings.ToLower(own.Text("protocol") + own.Text("scheme"))
	path := own.Text("relative_url")
	host, port := c.name, own.Number("port", 0)
	if port == 0 {
		port = c.port
	}
	if fqdn := c.endpoint.labels["fqdn"]; fqdn != "" {
		host = fqdn
	}
	if u := c.url; u != nil {
		host = u.Hostname()
		if scheme == "" {
			scheme = u.Scheme
		}
		if n, err := strconv.Atoi(u.Port()); err == nil && port == 0 {
			port = n
		}
		if path == "" {
			path = u.RequestURI()
		}
	}
	if path == "" {
		path = c.endpoint.labels["relative_url"]
	}
	if path != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if scheme == "" {
		scheme = "http"
	}
	path, ok := c.fillText(path)
	if !ok {
		return fmt.Errorf("its relative_url is filled in while it runs")
	}
	connect := host
	if c.ip != "" {
		connect = c.ip
	}
	authority := connect
	if strings.Contains(authority, ":") {
		authority = "[" + authority + "]"
	}
	if port != 0 {
		authority = net.JoinHostPort(connect, strconv.Itoa(port))
	}
	if err := c.URL(scheme+"://"+authority+path, c.options); err != nil {
		return err
	}
	if connect != host {
		name := host
		if port != 0 {
			name = net.JoinHostPort(host, strconv.Itoa(port))
		}
		c.virtual = name
	}
	return nil
}

// oauth carries a token that is in a file; others are fetched, which netmon does not.
func (c *check) oauth(f *migrate.Fields) error {
	if f == nil {
		return nil
	}
	f.Skip("refresh_expiry_buffer_sec", "refresh_interval_sec")
	if b := f.Object("bearer_token"); b.Has("file") {
		b.Skip("refresh_interval_sec")
		c.options.Set("auth.bearer", c.File(b.Text("file")))
		return nil
	}
	return fmt.Errorf("it fetches a token (oauth_config): netmon takes one from a file or the environment")
}

// httpValidator carries codes and headers.
func (c *check) httpValidator(h *migrate.Fields) {
	good, bad := h.Text("success_status_codes"), h.Text("failure_status_codes")
	switch {
	case good != "":
		c.options.Set("expect.status", strings.ReplaceAll(good, " ", ""))
		if bad != "" {
			c.Lose("failure_status_codes %s beside success_status_codes", bad)
		}
	case bad != "":
		if fails, ok := codes(bad); ok {
			c.options.Set("expect.status", migrate.StatusRanges(func(code int) bool { return !fails[code] }))
		} else {
			c.Lose("failure_status_codes %s", bad)
		}
	}
	if s := h.Object("success_header"); s != nil {
		c.wantHeader(s.Text("name"), s.Text("value_regex"))
	}
	if f := h.Object("failure_header"); f != nil {
		name := f.Text("name")
		if value := f.Text("value_regex"); value != "" {
			c.Lose("failure_header %s: %s: netmon wants a header to be absent, and not its value", name, value)
		} else {
			not, _ := c.options.Get("expect.no_headers").([]string)
			c.options.Default("expect.no_headers", []string{})
			c.options["expect"].(map[string]any)["no_headers"] = append(not, name)
		}
	}
}

// wantHeader wants a header of an answer to match an expression. A second one for it is lost.
func (c *check) wantHeader(name, re string) {
	headers, _ := c.options.Get("expect.headers").(map[string]any)
	if headers == nil {
		headers = map[string]any{}
		c.options.Set("expect.headers", headers)
	}
	for was := range headers {
		if strings.EqualFold(was, name) && headers[was] != re {
			c.Lose("success_header %s: netmon has one expression for it; not %s", name, re)
			return
		}
	}
	headers[name] = re
}

// codes are those of a list such as 404,500-599, within 100 to 599 and not all of them.
func codes(text string) (in [600]bool, ok bool) {
	n := 0
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			to = from
		}
		a, err := strconv.Atoi(from)
		b, err2 := strconv.Atoi(to)
		if err != nil || err2 != nil || a < 100 || b > 599 || a > b {
			return in, false
		}
		for i := a; i <= b; i++ {
			if !in[i] {
				n++
			}
			in[i] = true
		}
	}
	return in, n < 500
}
