package plugin

import (
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
)

// httpSpec is the options of check_http 2.3 and check_curl 2.4.
const httpSpec = `h|help V|version extra-opts: H|hostname: I|IP-address: p|port: 4|use-ipv4 6|use-ipv6
	S|ssl:: sni C|certificate: J|client-cert: K|private-key: ca-cert: verify-cert|D verify-host continue-after-certificate
	u|uri|url: P|post: j|method: N|no-body M|max-age: T|content-type: e|expect: d|header-string: s|string:
	l|linespan r|regex|ereg: R|eregi: invert-regex state-regex: a|authorization: b|proxy-authorization:
	A|useragent: k|header: E|extended-perfdata L|link f|onredirect: m|pagesize: max-redirs: http-version:
	enable-automatic-decompression cookie-jar: haproxy-protocol B|show-body w|warning: c|critical: t|timeout: v|verbose`

func readHTTP(c *command) error {
	if name, ok := c.any("M b cookie-jar haproxy-protocol state-regex"); ok {
		return fmt.Errorf("-%s has no equivalent", name)
	}
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	vhost, address := c.last("H"), c.last("I")
	if address == "" && len(c.rest) > 0 {
		address = c.rest[0]
		if vhost == "" && len(c.rest) > 1 {
			vhost = c.rest[1]
		}
	}
	if address == "" {
		address = vhost
		if h, _, err := net.SplitHostPort(vhost); err == nil {
			address = h
		}
	}
	address, err := host("H", address)
	if err != nil {
		return err
	}
	secure := c.has("S") || c.has("C") || c.has("J")
	port, err := c.port(map[bool]int{false: 80, true: 443}[secure])
	if err != nil {
		return err
	}
	name := vhost
	if h, _, err := net.SplitHostPort(vhost); err == nil {
		name = h
	}
	if secure {
		if err := c.httpTLS(name, address); err != nil {
			return err
		}
	}
	if c.has("C") {
		if err := c.days("C"); err != nil {
			return err
		}
		if !c.has("continue-after-certificate") {
			c.Kind, c.Target = "tls", hostPort(address, port)
			delete(c.options, "within")
			return nil
		}
	}
	return c.httpRequest(address, vhost, port, secure)
}

// httpTLS carries what TLS has of options.
func (c *command) httpTLS(name, address string) error {
	if c.has("sni") || !c.has("C") {
		c.serverName(name, address)
	}
	switch version := c.last("S"); strings.TrimSuffix(version, "+") {
	case "":
	case "1", "1.1", "1.2", "1.3":
		least := strings.TrimSuffix(version, "+")
		if least == "1" {
			least = "1.0"
		}
		c.options.Set("tls.min_version", least)
		if !strings.HasSuffix(version, "+") {
			c.Lost = append(c.Lost, "only TLS "+least+": netmon takes newer ones, too")
		}
	default:
		return fmt.Errorf("-S %s is no version of TLS that is still offered", version)
	}
	for _, f := range []struct{ flag, option string }{{"J", "tls.cert"}, {"K", "tls.key"}, {"ca-cert", "tls.ca"}} {
		if file := c.last(f.flag); file != "" {
			c.options.Set(f.option, c.File(file))
		}
	}
	if !c.has("verify-cert") && !c.has("verify-host") {
		c.trusts()
	}
	return nil
}

// httpRequest carries the request and what its answer must be.
func (c *command) httpRequest(address, vhost string, port int, secure bool) error {
	c.Kind = "http"
	authority := address
	if strings.Contains(address, ":") {
		authority = "[" + address + "]"
	}
	if secure {
		c.Kind = "https"
	}
	if port != map[bool]int{false: 80, true: 443}[secure] {
		authority += ":" + strconv.Itoa(port)
	}
	uri := c.last("u")
	if !strings.HasPrefix(uri, "/") {
		uri = "/" + uri
	}
	if err := c.URL(c.Kind+"://"+authority+strings.ReplaceAll(uri, " ", "%20"), c.options); err != nil {
		return err
	}
	if host := hostHeader(vhost, port, secure); host != "" && host != address {
		c.options.Set("host", host)
	}
	if user, _, ok := strings.Cut(c.last("a"), ":"); ok && user != "" {
		c.options.Set("auth.user", user)
		c.options.Set("auth.password", c.Secret("password"))
	}
	for _, h := range c.all("k") {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return fmt.Errorf("-k %s is no header", h)
		}
		c.Header(strings.TrimSpace(name), strings.TrimSpace(value), c.options)
	}
	if c.has("A") {
		c.Header("User-Agent", c.last("A"), c.options)
	}
	method := strings.ToUpper(c.last("j"))
	if name, _, ok := strings.Cut(method, ":"); ok {
		return fmt.Errorf("-j %s goes through a proxy (%s)", method, name)
	}
	if c.has("P") {
		c.Body(c.last("P"), c.options)
		if method == "" {
			method = "POST"
		}
		c.Header("Content-Type", or(c.last("T"), "application/x-www-form-urlencoded"), c.options)
	} else if c.has("T") {
		c.Header("Content-Type", c.last("T"), c.options)
	}
	if method != "" && method != "GET" {
		c.options.Set("method", method)
	}
	if _, body := c.any("s r R m"); !body && c.has("N") {
		c.options.Set("read_body", 0)
	} else if body && method == "HEAD" {
		return fmt.Errorf("the answer to HEAD has no body to look at")
	}
	if err := c.httpRedirects(); err != nil {
		return err
	}
	return c.httpExpect()
}

// hostHeader is the header Host that check_http sends: with the port, unless it is the usual
// one or that is what -H NAME:PORT says.
func hostHeader(vhost string, port int, secure bool) string {
	if vhost == "" {
		return ""
	}
	name, text := vhost, strconv.Itoa(port)
	if h, p, err := net.SplitHostPort(vhost); err == nil {
		name, text = h, p
	}
	if text == map[bool]string{false: "80", true: "443"}[secure] {
		return name
	}
	return net.JoinHostPort(name, text)
}

func (c *command) httpRedirects() error {
	switch f := c.last("f"); f {
	case "", "ok":
		c.options.Set("redirects", -1)
	case "follow", "curl", "sticky", "stickyport":
		if strings.HasPrefix(f, "sticky") {
			c.Notes = append(c.Notes, "-f "+f+" stays at the address of the first request: netmon follows the name")
		}
		c.options.Set("redirects", 15)
	case "warning", "critical":
		if f == "warning" {
			c.Notes = append(c.Notes, "-f warning: a redirect was a warning, and is a failure")
		}
		c.options.Set("redirects", 0)
	default:
		return fmt.Errorf("-f %s is not known to this import", f)
	}
	return nil
}

var statusCode = regexp.MustCompile(`(?:^|\s)([1-5][0-9][0-9])(?:$|\D)`)

func (c *command) httpExpect() error {
	if c.has("e") {
		var codes []string
		for want := range strings.SplitSeq(c.last("e"), ",") {
			m := statusCode.FindStringSubmatch(want)
			switch {
			case m != nil:
				codes = append(codes, m[1])
			case strings.HasPrefix(strings.TrimSpace(want), "HTTP/"):
				codes = append(codes, "100-599")
			default:
				return fmt.Errorf("-e %s names no status code", want)
			}
		}
		c.options.Set("expect.status", strings.Join(codes, ","))
		if strings.Contains(c.last("e"), "HTTP/") {
			c.Note("-e looks at the version of HTTP, too: netmon at the code alone")
		}
		c.options.Set("redirects", -1)
	}
	if s := c.last("s"); s != "" {
		c.options.Set("expect.body_contains", []string{s})
	}
	if d := c.last("d"); d != "" {
		name, value, ok := strings.Cut(d, ":")
		if !ok {
			return fmt.Errorf("-d %s names no header", d)
		}
		c.options.Set("expect.headers", map[string]any{strings.TrimSpace(name): regexp.QuoteMeta(strings.TrimSpace(value))})
	}
	if re := c.last("r") + c.last("R"); re != "" {
		mode := "(?m)"
		if c.has("l") {
			mode = "(?s)"
		}
		if c.has("R") {
			mode = strings.Replace(mode, "(?", "(?i", 1)
		}
		if _, err := regexp.Compile(mode + re); err != nil {
			return fmt.Errorf("its regular expression is none of RE2: %s", re)
		}
		option := "expect.body_regex"
		if c.has("invert-regex") {
			option = "expect.body_not_regex"
		}
		c.options.Set(option, mode+re)
	}
	if least, most, _ := strings.Cut(c.last("m"), ":"); least != "" {
		for option, text := range map[string]string{"expect.min_bytes": least, "expect.max_bytes": most} {
			if text == "" {
				continue
			}
			n, err := number("m", text, 0, 1<<30)
			if err != nil {
				return err
			}
			if n > 0 {
				c.options.Set(option, n)
			}
		}
		c.Notes = append(c.Notes, "-m counts the headers, too; netmon the body alone")
	}
	return nil
}
