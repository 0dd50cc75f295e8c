package gatus

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// What Gatus does where an endpoint says nothing.
const (
	usualInterval = time.Minute
	usualTimeout  = 10 * time.Second
	usualFailures = 3 // in a row, before an alert
	usualSuccess  = 2
)

// endpoint is one that is being carried.
type endpoint struct {
	*migrate.Fields
	m  migrate.Monitor
	o  migrate.Options
	at migrate.Place
}

func (r *reader) endpoint(f *migrate.Fields, at migrate.Place) {
	e := &endpoint{Fields: f, o: migrate.Options{}, at: at}
	name, group := f.Text("name"), f.Text("group")
	e.m.At = at
	e.m.Name = r.name(name, group)
	e.m.Tag("group", group)
	if err := e.carry(r.usual); err != nil {
		r.names.Drop(e.m.Name)
		r.found.Left = append(r.found.Left, migrate.Left{At: at, What: fmt.Sprintf("%s (%s)", name, scheme(f.Text("url"))), Why: err.Error()})
		return
	}
	if e.m.Verdict == nil {
		r.found.UsualVerdict(at, "endpoints without alerts")
	}
	if e.o.Get("within") != nil {
		r.found.SlowIsDegraded(at, "[RESPONSE_TIME]", "Gatus")
	}
	r.found.Monitors = append(r.found.Monitors, e.m)
}

// name is that of an endpoint, with its group where another one has it.
func (r *reader) name(name, group string) string {
	if group != "" && r.names.Has(name) {
		return r.names.Of(group + "-" + name)
	}
	return r.names.Of(name)
}

func scheme(target string) string {
	scheme, _, ok := strings.Cut(target, "://")
	if !ok {
		return "dns"
	}
	return scheme
}

// variable is one of Gatus's environment; $$ stands for $.
var variable = regexp.MustCompile(`\$\$|\$\{\w+\}|\$\w+`)

// plain is a text in which Gatus finds no variable of its environment.
func plain(what, text string) (string, error) {
	var err error
	text = variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "$$" {
			return "$"
		}
		err = fmt.Errorf("%s has %s of Gatus's environment: put its value into the file, as envsubst does, and import that", what, v)
		return v
	})
	return text, err
}

// references is a text in which each variable is netmon's reference to it. Where netmon would
// take something else in it for a reference there are none: the text is a secret then.
func (e *endpoint) references(text string) (_ string, any bool) {
	rest := variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "$$" {
			return "$"
		}
		return "\x00"
	})
	if strings.Contains(rest, "${") {
		return rest, false
	}
	text = variable.ReplaceAllStringFunc(text, func(v string) string {
		if v == "$$" {
			return "$"
		}
		any = true
		name := strings.Trim(v, "${}")
		e.m.Note("put %s of Gatus's environment into NETMON_SECRET_%s of each agent's, and where it may go into secrets.targets of its policy", name, name)
		return "${env:NETMON_SECRET_" + name + "}"
	})
	return text, any
}

// carry makes the monitor; an error says why it cannot.
func (e *endpoint) carry(usual map[string]*migrate.Fields) error {
	target, err := plain("its url", e.Text("url"))
	if err != nil {
		return err
	}
	if err := e.target(target); err != nil {
		return err
	}
	e.m.Every, e.m.Timeout = wire.Duration(usualInterval), wire.Duration(usualTimeout)
	if d := e.Duration("interval"); d > 0 {
		e.m.Every = wire.Duration(d)
	}
	e.m.Paused = !e.Bool("enabled", true)
	if err := e.client(); err != nil {
		return err
	}
	e.request()
	e.conditions()
	e.alerts(usual)
	labels := e.Map("extra-labels")
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		e.m.Tag(name, labels[name])
	}
	if e.Has("maintenance-windows") {
		e.m.Lose("maintenance-windows: write a window: docs/files.md has them")
	}
	e.Skip("ui", "maintenance-windows", "always-run", "store")
	e.m.Lost = append(e.m.Lost, e.Rest()...)
	return e.m.Carry(e.o)
}

// target finds the kind and its target.
func (e *endpoint) target(text string) error {
	kind, rest, ok := strings.Cut(text, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || e.Has("dns") {
		return e.dns(strings.TrimPrefix(text, "dns://"))
	}
	e.m.Kind, e.m.Target = kind, host
	switch strings.ToLower(kind) {
	case "http", "https":
		return e.m.URL(text, e.o)
	case "tcp", "tls":
	case "icmp":
		e.o.Set("count", 1)
	case "udp":
		if e.Text("body") == "" {
			e.m.Note("Gatus sends nothing here and counts every host as connected; netmon sends a datagram and wants a reply")
		}
	case "starttls":
		e.m.Kind = "tcp"
		e.o.Set("starttls", "smtp")
	case "ssh":
		e.m.Kind, e.m.Target = "tcp", migrate.HostPort(host, "22")
		e.o.Set("expect.banner", "^SSH-")
		if e.Has("ssh") {
			e.Skip("ssh", "body")
			e.m.Lose("ssh: netmon reads the banner, and neither logs in nor runs a command")
		}
	case "ws", "wss":
		e.m.WebSocket(text)
		e.Skip("body")
	case "grpc", "grpcs":
		if e.m.Kind = "tcp"; kind == "grpcs" {
			e.m.Kind = "tls"
		}
		e.m.Lose("the health check of gRPC: netmon connects, and asks nothing")
	default:
		return fmt.Errorf("netmon has no probe for %s://", kind)
	}
	if e.m.Kind == "tls" {
		e.m.Target = migrate.HostPort(e.m.Target, "443")
	}
	return nil
}

func (e *endpoint) dns(server string) error {
	d := e.Object("dns")
	if d == nil {
		return errors.New("its url has no scheme, and it has no section dns")
	}
	name, err := plain("its query-name", d.Text("query-name"))
	if err != nil {
		return err
	}
	e.m.Kind = "dns"
	e.m.Target = strings.TrimSuffix(name, ".") + "@" + server
	if kind := d.Text("query-type"); kind != "" && kind != "A" {
		e.o.Set("type", kind)
	}
	return nil
}

// client carries how the target is reached.
func (e *endpoint) client() error {
	c := e.Object("client")
	if c.Has("oauth2") || c.Has("identity-aware-proxy") {
		return errors.New("client: netmon fetches no tokens of OAuth 2 or of an identity-aware proxy")
	}
	if c.Has("tunnel") {
		return errors.New("client.tunnel: netmon measures through no SSH tunnel; an agent behind it can")
	}
	if d := c.Duration("timeout"); d > 0 {
		e.m.Timeout = wire.Duration(d)
	}
	web := e.m.Kind == "http" || e.m.Kind == "https"
	if c.Bool("insecure", false) && (web || e.m.Kind == "tls" || e.o["starttls"] != nil) {
		e.o.Set("tls.insecure", true)
	}
	if c.Bool("ignore-redirect", false) && web {
		e.o.Set("redirects", -1)
	}
	switch network := c.Text("network"); network {
	case "ip4", "tcp4":
		e.o.Set("family", 4)
	case "ip6", "tcp6":
		e.o.Set("family", 6)
	case "", "ip", "tcp":
	default:
		e.m.Lose("client.network: %s", network)
	}
	if resolver := c.Text("dns-resolver"); resolver != "" {
		protocol, server, _ := strings.Cut(resolver, "://")
		e.o.Set("resolver", server)
		if protocol != "udp" {
			e.m.Note("client.dns-resolver: netmon asks it over UDP, not %s", protocol)
		}
	}
	if proxy := c.Text("proxy-url"); proxy != "" {
		e.proxy(proxy)
	}
	t := c.Object("tls")
	if cert, key := t.Text("certificate-file"), t.Text("private-key-file"); cert != "" && key != "" {
		e.o.Set("tls.cert", e.m.File(cert))
		e.o.Set("tls.key", e.m.File(key))
	}
	if renegotiation := t.Text("renegotiation"); renegotiation != "" && renegotiation != "never" {
		e.m.Lose("client.tls.renegotiation: netmon does not renegotiate")
	}
	return nil
}

func (e *endpoint) proxy(text string) {
	u, err := url.Parse(text)
	if err != nil {
		e.m.Lose("client.proxy-url: it is no URL")
		return
	}
	if u.User != nil {
		e.o.Set("proxy.user", u.User.Username())
		if _, has := u.User.Password(); has {
			e.o.Set("proxy.password", e.m.Secret("proxy password"))
		}
		u.User = nil
	}
	e.o.Set("proxy.url", u.String())
}

// request carries what is sent.
func (e *endpoint) request() {
	body, refers := e.references(e.Text("body"))
	body = strings.NewReplacer("[ENDPOINT_NAME]", e.Text("name"), "[ENDPOINT_GROUP]", e.Text("group"), "[ENDPOINT_URL]", e.m.Target).Replace(body)
	headers := e.Map("headers")
	switch e.m.Kind {
	case "http", "https":
	case "udp":
		if body != "" {
			e.o.Set("payload", body)
		}
		return
	case "tcp":
		if body != "" && strings.HasPrefix(e.Text("url"), "tcp://") {
			if !refers {
				body = e.m.Sent(body)
			}
			e.o.Set("steps", []any{map[string]any{"send": body}})
		}
		return
	default:
		return
	}
	if method := e.Text("method"); method != "" && method != "GET" {
		e.o.Set("method", method)
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if value, refers := e.references(headers[name]); refers {
			e.o.SetIn("headers", name, value)
		} else {
			e.m.Header(name, value, e.o)
		}
	}
	if e.Bool("graphql", false) {
		query, err := json.Marshal(map[string]string{"query": body})
		if err != nil { // of a map of texts there is none
			e.m.Lose("body: %v", err)
		}
		body = string(query)
		if headers["Content-Type"] == "" && headers["content-type"] == "" {
			e.m.Header("Content-Type", "application/json", e.o)
		}
	}
	if refers {
		e.o.Set("body", body)
	} else {
		e.m.Body(body, e.o)
	}
}

// alerts carry how many runs it takes; whom they reach is said once for the file.
func (e *endpoint) alerts(usual map[string]*migrate.Fields) {
	failures, successes := 0, 0
	for _, a := range e.Objects("alerts") {
		kind := a.Text("type")
		a.Skip("description", "send-on-resolved", "provider-override", "minimum-reminder-interval", "triggered")
		enabled := a.Bool("enabled", usual[kind].Bool("enabled", true))
		n, good := a.Number("failure-threshold", usual[kind].Number("failure-threshold", usualFailures)), a.Number("success-threshold", usual[kind].Number("success-threshold", usualSuccess))
		if enabled && n > 0 && (failures == 0 || n < failures) {
			failures, successes = n, good
		}
	}
	if failures == 0 {
		return
	}
	if failures > wire.MaxStrikes || successes > wire.MaxStrikes {
		e.m.Lose("alerts: netmon counts at most %d runs", wire.MaxStrikes)
	}
	failures, successes = min(failures, wire.MaxStrikes), max(1, min(successes, wire.MaxStrikes))
	e.m.Verdict = &wire.Rule{Down: wire.Strikes{Bad: failures, Of: failures}, Up: successes}
}
