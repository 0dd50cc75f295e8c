package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"

	"netmon/console/migrate"
)

func (c *check) http(f *migrate.Fields, hostname string) error {
	text := c.target
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		text = "http://" + text
	}
	if err := c.m.URL(text, c.o); err != nil {
		return err
	}
	if f.Has("oauth2") {
		return errors.New("module " + c.name + ": oauth2: netmon fetches no tokens")
	}
	if f.Bool("enable_http3", false) {
		return errors.New("module " + c.name + ": enable_http3: netmon has no HTTP/3")
	}
	c.network(f)
	if method := f.Text("method"); method != "" && method != "GET" {
		c.o.Set("method", method)
	}
	if !f.Bool("follow_redirects", !f.Bool("no_follow_redirects", false)) {
		c.o.Set("redirects", -1)
	}
	c.status(f)
	c.headers(f, hostname)
	c.credentials(f)
	c.proxy(f)
	c.versions(f)
	c.tls(f.Object("tls_config"))
	c.m.HostNamesTLS(c.o)
	c.encrypted(f)
	c.bodies(f)
	c.answers(f)
	return nil
}

func (c *check) status(f *migrate.Fields) {
	status := strings.Join(f.Texts("valid_status_codes"), ",")
	if status == "" {
		status = "200-299"
	}
	c.o.Set("expect.status", status)
}

// headers carry those of the request. As there, a Host is the name in TLS as well.
func (c *check) headers(f *migrate.Fields, hostname string) {
	c.m.Headers(f.Map("headers"), c.o)
	more := f.Object("http_headers")
	for _, name := range more.Names() {
		h := more.Object(name)
		if files := h.Texts("files"); len(files) > 0 {
			c.o.SetIn("headers", name, c.m.File(files[len(files)-1]))
		} else if secrets := h.Texts("secrets"); len(secrets) > 0 {
			c.o.SetIn("headers", name, c.m.Secret(name))
		} else if values := h.Texts("values"); len(values) > 0 {
			c.m.Header(name, values[len(values)-1], c.o)
		}
	}
	if hostname != "" {
		c.m.Header("Host", hostname, c.o)
	}
}

func (c *check) credentials(f *migrate.Fields) {
	if basic := f.Object("basic_auth"); basic != nil {
		c.o.Set("auth.user", basic.Text("username"))
		if basic.Has("username_file") {
			c.m.Lose("module %s: basic_auth.username_file: write the name into auth.user", c.name)
			basic.Skip("username_file")
		}
		c.secret("auth.password", "password", basic, "password")
	}
	if a := f.Object("authorization"); a != nil {
		if kind := a.Text("type"); kind != "" && !strings.EqualFold(kind, "Bearer") {
			a.Skip("credentials", "credentials_file")
			c.o.SetIn("headers", "Authorization", c.m.Secret("authorization"))
		} else {
			c.secret("auth.bearer", "token", a, "credentials")
		}
	}
	c.secret("auth.bearer", "token", f, "bearer_token")
}

// secret carries one that is in a field, or in a file that the field's name with _file has.
func (c *check) secret(option, what string, f *migrate.Fields, field string) {
	if path := f.Text(field + "_file"); path != "" {
		c.o.Set(option, c.m.File(path))
	} else if f.Text(field) != "" {
		c.o.Set(option, c.m.Secret(what))
	}
}

func (c *check) proxy(f *migrate.Fields) {
	text := f.Text("proxy_url")
	if text == "" { // the others are of no effect then, but for what the environment says
		f.Skip("skip_resolve_phase_with_proxy", "no_proxy", "proxy_connect_header")
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		c.m.Lose("module %s: proxy_url: it is no URL", c.name)
		return
	}
	if u.User != nil {
		c.o.Set("proxy.user", u.User.Username())
		if _, has := u.User.Password(); has {
			c.o.Set("proxy.password", c.m.Secret("proxy password"))
		}
		u.User = nil
	}
	c.o.Set("proxy.url", u.String())
	if !f.Bool("skip_resolve_phase_with_proxy", false) {
		c.m.Note("blackbox_exporter looks the name up and asks the proxy for the address; netmon asks it for the name")
	}
}

// versions carry the protocols that are ok. netmon chooses what it offers.
func (c *check) versions(f *migrate.Fields) {
	one, two := f.Bool("enable_http2", true), false
	if !one {
		c.o.Set("http_version", "1.1")
	}
	versions := f.Texts("valid_http_versions")
	if len(versions) == 0 {
		return
	}
	one = slices.Contains(versions, "HTTP/1.1")
	two = slices.Contains(versions, "HTTP/2.0") || slices.Contains(versions, "HTTP/2")
	switch {
	case one && two:
	case one && c.o["http_version"] != nil, one && c.m.Kind == "http":
	case one:
		c.o.Set("http_version", "1.1")
		c.m.Lose("module %s: valid_http_versions: netmon asks by HTTP/1.1 and does not fail where HTTP/2 is offered as well", c.name)
	case two && c.m.Kind == "https":
		c.o.Set("expect.alpn", "h2")
	default:
		c.m.Lose("module %s: valid_http_versions: %s: netmon has nothing like it", c.name, strings.Join(versions, ", "))
	}
}

// encrypted carries whether the answer has to come over TLS.
func (c *check) encrypted(f *migrate.Fields) {
	if f.Bool("fail_if_not_ssl", false) && (c.m.Kind == "http" || c.o["redirects"] == nil) {
		c.o.Set("expect.version", "1.0") // any; an answer without TLS fails
	}
	if !f.Bool("fail_if_ssl", false) {
		return
	}
	if c.m.Kind == "https" || c.o["redirects"] == nil {
		c.m.Lose("module %s: fail_if_ssl: netmon does not fail because there is TLS", c.name)
	}
}

// bodies carry what is sent, and how an answer's body comes.
func (c *check) bodies(f *migrate.Fields) {
	c.m.Body(f.Text("body"), c.o)
	if path := f.Text("body_file"); path != "" {
		c.o.Set("body", c.m.File(path))
	}
	if coding := f.Text("compression"); coding != "" && coding != "identity" {
		if coding != "gzip" {
			c.m.Lose("module %s: compression: %s: netmon decodes gzip", c.name, coding)
		} else {
			c.expectHeader("Content-Encoding", "(?i)gzip")
		}
	}
	size := f.Text("body_size_limit")
	if size == "" || size == "0" {
		c.found.Remark(migrate.Place{Path: c.in.Files[0].Path}, "a body over 4 MiB is a failure in netmon, and in blackbox_exporter none: the option max_body raises it")
	} else if n, ok := bytesOf(size); ok {
		c.o.Set("max_body", n)
	} else {
		c.m.Lose("module %s: body_size_limit: %s: want a number of bytes", c.name, size)
	}
}

// answers carry what an answer is to be like.
func (c *check) answers(f *migrate.Fields) {
	if not := f.Texts("fail_if_body_matches_regexp"); len(not) == 1 {
		c.o.Set("expect.body_not_regex", not[0])
	} else if len(not) > 1 {
		c.o.Set("expect.body_not_regex", "(?:"+strings.Join(not, ")|(?:")+")")
	}
	var words []string
	regex := ""
	for _, re := range f.Texts("fail_if_body_not_matches_regexp") {
		word, plain := literal(re)
		switch {
		case plain:
			words = append(words, word)
		case regex == "":
			regex = re
		default:
			c.m.Lose("module %s: fail_if_body_not_matches_regexp: netmon has one body_regex; not %s", c.name, re)
		}
	}
	if len(words) > 0 {
		c.o.Set("expect.body_contains", words)
	}
	if regex != "" {
		c.o.Set("expect.body_regex", regex)
	}
	for _, h := range f.Objects("fail_if_header_matches") {
		name, re := h.Text("header"), h.Text("regexp")
		if h.Bool("allow_missing", false) && (re == "" || re == ".*" || re == ".+") {
			not, _ := c.o["no"].([]string)
			c.o["no"] = append(not, name)
			continue
		}
		c.m.Lose("module %s: fail_if_header_matches: %s: netmon says what a header is to be, not what it is not", c.name, name)
	}
	if not, ok := c.o["no"]; ok {
		delete(c.o, "no")
		c.o.Set("expect.no_headers", not)
	}
	for _, h := range f.Objects("fail_if_header_not_matches") {
		name := h.Text("header")
		c.expectHeader(name, h.Text("regexp"))
		if h.Bool("allow_missing", false) {
			c.m.Lose("module %s: fail_if_header_not_matches: %s: allow_missing: netmon wants it to be there", c.name, name)
		}
	}
}

// expectHeader wants a header that matches.
func (c *check) expectHeader(name, re string) {
	expect, _ := c.o["expect"].(map[string]any)
	headers, _ := expect["headers"].(map[string]any)
	if headers == nil {
		headers = map[string]any{}
	}
	for was := range maps.Keys(headers) {
		if http.CanonicalHeaderKey(was) == http.CanonicalHeaderKey(name) {
			c.m.Lose("module %s: header %s: netmon has one expression for it; not %s", c.name, name, re)
			return
		}
	}
	headers[name] = re
	c.o.Set("expect.headers", headers)
}

// literal is the text that an expression is, where it is one.
func literal(re string) (string, bool) {
	tree, err := syntax.Parse(re, syntax.Perl)
	if err != nil || tree.Op != syntax.OpLiteral || tree.Flags&syntax.FoldCase != 0 {
		return "", false
	}
	return string(tree.Rune), true
}

// bytesOf reads a size such as 10MB, in which M is 1024 K as blackbox_exporter has it.
func bytesOf(text string) (n int64, ok bool) {
	digits := strings.TrimRight(text, "KMGiB")
	unit := int64(1)
	switch strings.TrimRight(text[len(digits):], "iB") {
	case "":
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	default:
		return 0, false
	}
	if _, err := fmt.Sscanf(digits, "%d", &n); err != nil || n < 0 || n > 1<<40 {
		return 0, false
	}
	return n * unit, true
}
