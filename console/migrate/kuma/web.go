package kuma

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"strconv"
	"strings"

	"netmon/console/migrate"
)

// warnDays is when Kuma warns of the end of a certificate for the last time.
const warnDays = 7

// web carries a request by HTTP, and what the answer is to be like.
func (c *check) web(kind string) error {
	if err := c.m.URL(c.Text("url"), c.o); err != nil {
		return err
	}
	if err := c.authenticate(); err != nil {
		return err
	}
	if method := c.Text("method"); method != "" && method != "GET" {
		c.o.Set("method", method)
	}
	status := strings.Join(c.Texts("accepted_statuscodes"), ",")
	if status == "" {
		status = "200-299"
	}
	c.o.Set("expect.status", status)
	if n := c.Number("maxredirects", 10); n == 0 {
		c.o.Set("redirects", -1)
	} else if n != 10 {
		c.o.Set("redirects", n)
	}
	c.request()
	insecure := c.Bool("ignoreTls", false)
	if insecure && c.m.Kind == "https" {
		c.o.Set("tls.insecure", true)
	}
	if c.Bool("expiryNotification", false) && c.m.Kind == "https" && !insecure {
		c.o.Set("expect.days_left", warnDays)
		c.m.Note("expiryNotification: Kuma warns; netmon fails from %d days before the certificate's end on", warnDays)
	}
	c.proxy()
	switch kind {
	case "keyword":
		c.keyword()
	case "json-query":
		c.query()
	}
	return nil
}

func (c *check) authenticate() error {
	switch method := c.Text("authMethod"); method {
	case "", "null":
	case "basic":
	case "bearer":
		c.o.Set("auth.bearer", c.m.Secret("token"))
		return nil
	case "mtls":
		c.o.Set("tls.cert", c.m.Secret("certificate"))
		c.o.Set("tls.key", c.m.Secret("key"))
		if c.Text("tlsCa") != "" {
			c.o.Set("tls.ca", c.m.Secret("CA certificate"))
		}
		return nil
	default:
		return errors.New("authMethod: " + method + ": netmon has Basic, Bearer and client certificates")
	}
	if user := c.Text("basic_auth_user"); user != "" {
		c.o.Set("auth.user", user)
		c.o.Set("auth.password", c.m.Secret("password"))
	}
	return nil
}

// request carries headers, which Kuma has as a text in JSON, and the body.
func (c *check) request() {
	headers := map[string]string{}
	if text := c.Text("headers"); strings.TrimSpace(text) != "" {
		var all map[string]any
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			c.m.Lose("headers: they are no JSON object")
		}
		for name, value := range all {
			headers[name] = fmt.Sprint(value)
		}
	}
	body := c.Text("body")
	c.Skip("httpBodyEncoding") // of no effect without a body
	if body != "" {
		typed := false
		for name := range headers {
			typed = typed || strings.EqualFold(name, "Content-Type")
		}
		encoding := map[string]string{"": "application/json", "json": "application/json", "xml": "text/xml; charset=utf-8", "form": "application/x-www-form-urlencoded"}[c.Text("httpBodyEncoding")]
		if !typed && encoding != "" {
			headers["Content-Type"] = encoding
		}
	}
	c.m.Headers(headers, c.o)
	c.m.HostNamesTLS(c.o) // as Node's agent has it
	c.m.Body(body, c.o)
	if c.Bool("cacheBust", false) {
		c.m.Lose("cacheBust: netmon asks for the URL as it is")
	}
}

func (c *check) proxy() {
	id := c.Text("proxyId")
	if id == "" {
		return
	}
	p := c.in.proxies[id]
	if p == nil {
		c.m.Lose("proxyId: %s: the file has no such proxy", id)
		return
	}
	if !p.Bool("active", true) {
		return
	}
	protocol := p.Text("protocol")
	if protocol == "socks" || protocol == "socks4" {
		c.m.Lose("proxyId: netmon has no proxy by %s", protocol)
		return
	}
	c.o.Set("proxy.url", protocol+"://"+net.JoinHostPort(p.Text("host"), p.Text("port")))
	if p.Bool("auth", false) {
		c.o.Set("proxy.user", p.Text("username"))
		c.o.Set("proxy.password", c.m.Secret("proxy password"))
	}
}

func (c *check) keyword() {
	word := c.Text("keyword")
	switch {
	case word == "":
	case c.Bool("invertKeyword", false):
		c.o.Set("expect.body_not_regex", regexp.QuoteMeta(word))
	default:
		c.o.Set("expect.body_contains", []string{word})
	}
}

// place is a JSONata expression that is a place alone, which netmon's paths can be.
var place = regexp.MustCompile(`^(?:\$\.?)?((?:[A-Za-z_][A-Za-z0-9_]*|\[\d+\])(?:\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*)?$`)

// query carries a JSON query: a place and what is there.
func (c *check) query() {
	path, want := strings.TrimSpace(c.Text("jsonPath")), c.Text("expectedValue")
	m := place.FindStringSubmatch(path)
	if path == "" || m == nil {
		c.m.Lose("jsonPath: %s: netmon has places such as $.jobs[0].ok", path)
		return
	}
	path = "$"
	if m[1] != "" {
		path += "." + m[1]
	}
	path = strings.ReplaceAll(path, "$.[", "$[")
	if migrate.LooksSecret(path) {
		c.m.Lose("jsonPath: %s: it compares a secret, most likely, and what a monitor expects is shown to whoever reads it", path)
		c.Skip("jsonPathOperator")
		return
	}
	expect := map[string]any{"path": path}
	number, err := strconv.ParseFloat(want, 64)
	switch op := c.Text("jsonPathOperator"); {
	case op == "" || op == "==":
		expect["regex"] = "^" + regexp.QuoteMeta(want) + "$"
	case op == "contains":
		expect["regex"] = regexp.QuoteMeta(want)
	case op == ">=" && err == nil:
		expect["min"] = number
	case op == "<=" && err == nil:
		expect["max"] = number
	case op == ">" && err == nil: // numbers of JavaScript are float64, as netmon's are
		expect["min"] = math.Nextafter(number, math.Inf(1))
	case op == "<" && err == nil:
		expect["max"] = math.Nextafter(number, math.Inf(-1))
	default:
		c.m.Lose("jsonPathOperator: %s %s: netmon has nothing like it", op, want)
		return
	}
	if op := c.Text("jsonPathOperator"); op == ">" || op == "<" {
		c.m.Note("jsonPathOperator: %s %s: min and max are ok themselves, so this is the number next to it", op, want)
	}
	c.o.Set("expect.json", []any{expect})
}
