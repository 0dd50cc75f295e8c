package migrate

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// secretName is what is called so holds a secret, most likely.
var secretName = regexp.MustCompile(`(?i)(^|[^a-z])(api[_-]?key|key|token|secret|passw(or)?d|pass|pwd|credentials?|auth(entication|orization)?|cookie|session|signature|sig)([^a-z]|$)`)

// LooksSecret says whether what has this name is a secret, most likely.
func LooksSecret(name string) bool {
	return secretName.MatchString(camel.ReplaceAllString(name, "$1-$2"))
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// secretText finds a secret in a text such as a JSON object or a form.
var secretText = regexp.MustCompile(`(?i)["']?(api[_-]?key|[a-z_-]*token|[a-z_-]*secret|passw(or)?d|pass|pwd)["']?\s*[:=]`)

// URL takes the user and the password out of a URL, which become options, and gives its kind
// of netmon. An error says why netmon cannot have it as a target.
func (m *Monitor) URL(text string, o Options) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("its URL is none that netmon asks: %s", Redact(text))
	}
	for _, name := range slices.Sorted(maps.Keys(u.Query())) {
		if LooksSecret(name) {
			return fmt.Errorf("its URL holds a secret in %s=, and targets are shown to whoever reads monitors: send it in a header", name)
		}
	}
	if u.User != nil {
		o.Set("auth.user", u.User.Username())
		if _, has := u.User.Password(); has {
			o.Set("auth.password", m.Secret("password"))
		}
		u.User = nil
		text = u.String()
	}
	m.Kind, m.Target = u.Scheme, text
	return nil
}

var (
	userInfo    = regexp.MustCompile(`[^\s/"'@:]+:[^\s/"'@][^\s"'@]*@`)
	secretQuery = regexp.MustCompile(`([?&;])([^\s=&;?]+)=([^\s&;"']+)`)
)

// Redact is a text without what may be a password in it: behind a user's name before @, or
// behind the name of a secret in a query.
func Redact(text string) string {
	text = userInfo.ReplaceAllString(text, "...@")
	return secretQuery.ReplaceAllStringFunc(text, func(part string) string {
		if m := secretQuery.FindStringSubmatch(part); LooksSecret(m[2]) {
			return m[1] + m[2] + "=..."
		}
		return part
	})
}

// Headers sets the headers of a request. A Host is no name for TLS (see HostNamesTLS). Those that most likely are secrets become
// references; those that netmon makes itself are left out.
func (m *Monitor) Headers(headers map[string]string, o Options) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		m.Header(name, headers[name], o)
	}
}

// Header is Headers of one.
func (m *Monitor) Header(name, value string, o Options) {
	switch canonical := http.CanonicalHeaderKey(name); {
	case canonical == "Host":
		o.Set("host", value)
	case canonical == "Content-Length", canonical == "Connection", canonical == "Transfer-Encoding", canonical == "Trailer":
		m.Note("header %s: netmon makes it itself", name)
	case canonical == "Authorization":
		m.authorization(value, o)
	case canonical == "Proxy-Authorization":
		m.Lose("header %s: netmon has proxy.user and proxy.password", name)
	case SecretField(name), isReference(value):
		o.SetIn("headers", name, m.Secret(name))
	default:
		o.SetIn("headers", name, value)
	}
}

// SecretField is LooksSecret for the name of a header or of an environment variable, in which
// the word may be a part of another: of X-Vault, Apikey and PGPASSWORD, too.
func SecretField(name string) bool { return secretField.MatchString(name) }

var secretField = regexp.MustCompile(`(?i)vault|token|secret|key|auth|passw|cookie|session|credential|signature`)

// HostNamesTLS makes the header Host the name in TLS as well, of a tool in which it is that.
// An own name for TLS, which has to be set before, stays.
func (m *Monitor) HostNamesTLS(o Options) {
	host, _ := o.Get("host").(string)
	if m.Kind != "https" || host == "" {
		return
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	o.Default("tls.server_name", strings.Trim(host, "[]"))
}

// isReference says whether netmon would take a part of a text for a reference to a secret,
// which its author knew nothing of.
func isReference(text string) bool { return strings.Contains(text, "${") }

// authorization carries the header Authorization (RFC 7235).
func (m *Monitor) authorization(value string, o Options) {
	scheme, rest, _ := strings.Cut(value, " ")
	switch strings.ToLower(scheme) {
	case "bearer":
		o.Set("auth.bearer", m.Secret("token"))
		return
	case "basic":
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest)); err == nil {
			user, _, _ := strings.Cut(string(plain), ":")
			o.Set("auth.user", user)
			o.Set("auth.password", m.Secret("password"))
			return
		}
	}
	o.SetIn("headers", "Authorization", m.Secret("authorization"))
}

// Body sets the body of a request. One with a secret in it becomes a reference as a whole.
func (m *Monitor) Body(body string, o Options) {
	switch {
	case body == "":
	case secretText.MatchString(body), isReference(body):
		o.Set("body", m.Secret("body"))
	default:
		o.Set("body", body)
	}
}

// says is what is sent in a dialogue and has a secret behind it, most likely.
var says = regexp.MustCompile(`(?i)(^|[^a-z])(auth|pass|password|login|oper|identify)\s+\S`)

// Sent is what is sent in a dialogue. A line with a secret in it becomes a reference; what netmon
// would take for one is escaped.
func (m *Monitor) Sent(text string) string {
	if line := strings.TrimRight(text, "\r\n"); secretText.MatchString(line) || says.MatchString(line) {
		return m.Secret("dialogue") + text[len(line):]
	}
	return strings.ReplaceAll(text, "${", "$${")
}

// SecretArgument is the argument of a program that has a secret in it, or before it, most
// likely: --token of --token=x and of --token x. "" is none. The secret is not in it.
func SecretArgument(args []string) string {
	for i, arg := range args {
		if shown := Redact(arg); shown != arg {
			return shown
		}
		name, value, joined := strings.Cut(arg, "=")
		if !joined && strings.HasPrefix(arg, "-") && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			value = args[i+1]
		}
		if value != "" && !strings.HasPrefix(value, "/") && LooksSecret(strings.TrimLeft(name, "-")) { // /x is the file of a key
			return name
		}
	}
	return ""
}

// File is a reference to a file of the agent's host, and a note that it has to be there.
func (m *Monitor) File(path string) string {
	m.Note("%s has to be on each agent's host, and in secrets.files of its policy", path)
	return "${file:" + path + "}"
}
