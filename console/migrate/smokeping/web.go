package smokeping

import (
	"net"
	"net/url"
	"strings"
	"time"

	"netmon/wire"
)

func (t *target) curl() error {
	timeout, err := t.number("timeout", 10, 0.001, 3600)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(t.get("urlformat"), "%host%", t.host)
	t.oneByOne(time.Duration(timeout * float64(time.Second)))
	if u, err := url.Parse(text); err == nil && u.Scheme == "ftp" {
		t.Kind, t.Target = "tcp", net.JoinHostPort(u.Hostname(), or(u.Port(), "21"))
		t.options.Set("expect.banner", "^220")
		t.Lose("%s: netmon reads the server's greeting, and no files", u.Redacted())
		return nil
	}
	if err := t.URL(text, t.options); err != nil {
		return err
	}
	t.options.Set("expect.status", "100-599") // curl takes any answer
	if t.is("follow_redirects") {
		t.options.Set("redirects", 20)
	} else {
		t.options.Set("redirects", -1)
	}
	if t.is("insecure_ssl") {
		t.options.Set("tls.insecure", true)
	}
	if want := strings.Trim(t.get("expect"), `"`); want != "" {
		t.options.Set("expect.body_contains", []string{want})
	}
	if _, agent, ok := strings.Cut(t.get("agent"), ":"); ok {
		t.Header("User-Agent", strings.TrimSpace(agent), t.options)
	}
	if source := t.get("interface"); source != "" {
		t.options.Set("source", source)
	}
	t.curlArgs()
	return nil
}

// curlArgs carries the further arguments of curl that people use.
func (t *target) curlArgs() {
	split := " "
	if re := t.get("extrare"); len(re) > 2 {
		split = strings.ReplaceAll(strings.Trim(re, "/"), `\s`, " ")
	}
	args := strings.Split(t.get("extraargs"), split)
	for i := 0; i < len(args); i++ {
		value := func() string {
			if i++; i < len(args) {
				return args[i]
			}
			return ""
		}
		switch a := args[i]; a {
		case "", "-s", "--silent":
		case "-4", "-6":
			t.options.Set("family", a[1:])
		case "-k", "--insecure":
			t.options.Set("tls.insecure", true)
		case "-I", "--head":
			t.options.Set("method", "HEAD")
		case "-H", "--header":
			name, v, _ := strings.Cut(value(), ":")
			t.Header(strings.TrimSpace(name), strings.TrimSpace(v), t.options)
		case "-u", "--user":
			user, _, _ := strings.Cut(value(), ":")
			t.options.Set("auth.user", user)
			t.options.Set("auth.password", t.Secret("password"))
		default:
			t.Lose("extraargs from %s on", wire.Clip(strings.SplitN(a, "=", 2)[0], 40))
			return
		}
	}
}

func (t *target) echoHTTP(secure bool) error {
	timeout, err := t.number("timeout", 10, 0.001, 3600)
	if err != nil {
		return err
	}
	t.oneByOne(time.Duration(timeout * float64(time.Second)))
	scheme, host := "http://", t.host
	if secure {
		scheme = "https://"
		t.options.Set("tls.insecure", true)
		t.Note("echoping verifies no certificate: without tls.insecure netmon does")
	}
	if port := t.get("port"); port != "" {
		host = net.JoinHostPort(host, port)
	}
	path := or(t.get("url"), "/")
	address := scheme + host + path
	if strings.Contains(path, "://") { // of a proxy
		address = path
		t.options.Set("proxy.url", "http://"+net.JoinHostPort(t.host, or(t.get("port"), "80")))
	}
	if err := t.URL(address, t.options); err != nil {
		return err
	}
	t.options.Set("redirects", -1)
	if !t.is("accept_redirects") {
		t.options.Set("expect.status", "200-299")
	}
	if t.is("ignore_cache") || t.is("revalidate_data") {
		t.Header("Cache-Control", "no-cache", t.options)
	}
	t.echoFamily()
	return nil
}

func (t *target) echoFamily() {
	if v := t.get("ipversion"); v == "4" || v == "6" {
		t.options.Set("family", v)
	}
	if t.get("extraopts") != "" {
		t.Lose("extraopts of echoping")
	}
}
