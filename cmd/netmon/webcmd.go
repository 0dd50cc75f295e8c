package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/web"
	"netmon/wire"
)

// webAddress is where the pages are, unless somebody says otherwise; where it is taken,
// netmon up takes any other port.
const webAddress = "127.0.0.1:4280"

// webOff is the word for no pages.
const webOff = "off"

func webCommand() *cli.Command {
	return &cli.Command{
		Name:      "web",
		ArgsUsage: cmdline.Nothing,
		Usage:     "serve live pages of the mesh to browsers",
		UsageText: "netmon web [--listen 127.0.0.1:4280]\nnetmon web --listen 0.0.0.0:443 --host mon.example.org --tls-cert FILE --tls-key FILE\nnetmon web --host mon.example.org --proxy 127.0.0.1 [--proxy-user HEADER]\nnetmon web --listen off --status-listen 0.0.0.0:8080 --status-title Example",
		Description: "Prints a link. The pages show monitors, the worst first, each monitor with its agents,\nplots and outages, the matrix, agents and incidents, as they change. On this host\neverybody may read them; who opens the printed link may change things, too, in the name\n" +
			"that serves the pages.\n\nOn other addresses they need TLS, or a proxy that is named, and everybody signs in\nunder their own name: netmon web login URL. netmon up serves them on this host: see its\n--web. Everything about them: netmon docs web\n\nWith --status-listen it serves the public status page as well, on a listener of its own\nwith nothing private behind it; with --listen off that alone: netmon docs status-page",
		Flags: append([]cli.Flag{brokerFlag(), logFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "listen", Value: webAddress, Usage: "`HOST:PORT` to serve them on, or " + webOff + " with --status-listen"}),
			cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "host", Usage: "`NAME` that browsers reach them by; may be repeated"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "tls-cert", Usage: "`FILE` of a certificate with its chain, PEM; a newer one is taken while it runs"}),
			cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: "tls-key", Usage: "`FILE` of its key, PEM"}),
			cmdline.Takes(cmdline.Text, &cli.StringSliceFlag{Name: "proxy", Usage: "`ADDRESS` or network of the proxy through which alone they are reached; may be repeated"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "proxy-user", Usage: "`HEADER` in which the proxy names who asks, such as X-Forwarded-User"}),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "proxy-role", Value: string(wire.RoleViewer), Usage: "`ROLE` of who the proxy names: viewer, or operator, who changes things in the name that serves the pages"}),
			statusListenFlag()}, statusFlags()...),
		Subcommands: []*cli.Command{webLoginCommand()},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("web takes no arguments, got %q: the address is given as --listen", c.Args().First())
			}
			log, err := logger(c)
			if err != nil {
				return err
			}
			only := c.String("listen") == webOff && c.IsSet("status-listen")
			var pages webPages
			if !only {
				if pages, err = webPagesOf(c); err != nil {
					return err
				}
			}
			public, err := statusOptions(c)
			if err != nil {
				return err
			}
			open, err := listenStatus(c)
			if err != nil {
				return err
			}
			if open != nil {
				defer open.Close()
			}
			at := endpointOf(c)
			there := endpoint.BrokerOf(at)
			cl, err := console.ConnectAs(there.Who, there.Connect)
			if err != nil {
				return at.Explain(err)
			}
			defer cl.Close()
			var serve []func(context.Context) error
			if open != nil {
				fmt.Fprintf(c.App.Writer, "netmon %s: status page of %s on %s, for anybody who reaches it\n", version, endpoint.Redact(at.URL), linkOf(open))
				serve = append(serve, func(ctx context.Context) error { return serveStatus(ctx, cl, open, public, log) })
			}
			if !only {
				l, err := net.Listen("tcp", c.String("listen"))
				if err != nil {
					return fmt.Errorf("--listen: %w", err)
				}
				served := servedBy(there, cl, pages, log)
				fmt.Fprintf(c.App.Writer, "netmon %s: pages of %s on %s\n", version, endpoint.Redact(at.URL), served.link(l))
				serve = append(serve, func(ctx context.Context) error { return served.serve(ctx, l) })
			}
			return serveAll(c.Context, serve)
		},
	}
}

// webPages is how pages are reached, and by whom.
type webPages struct {
	here  bool // by this host alone
	hosts []string
	web.Proxy
	cert, key string
}

// webPagesOf reads the flags of netmon web, all mistakes at once.
func webPagesOf(c *cli.Context) (webPages, error) {
	p := webPages{hosts: c.StringSlice("host"), cert: c.String("tls-cert"), key: c.String("tls-key")}
	var errs []error
	wrong := func(text string, args ...any) { errs = append(errs, fmt.Errorf(text, args...)) }
	here, err := ofThisHost("--listen", webAddress, c.String("listen"))
	if err != nil {
		errs = append(errs, err)
	}
	for _, text := range c.StringSlice("proxy") {
		prefix, err := netip.ParsePrefix(text)
		if ip, errOf := netip.ParseAddr(text); err != nil && errOf == nil {
			prefix, err = netip.PrefixFrom(ip.Unmap().WithZone(""), ip.Unmap().BitLen()), nil
		}
		if err != nil {
			wrong("--proxy: want an address or a network, such as 127.0.0.1 or 10.0.0.0/24, got %q", text)
			continue
		}
		p.From = append(p.From, prefix)
	}
	p.User, p.Role = c.String("proxy-user"), wire.Role(c.String("proxy-role"))
	proxied := len(p.From) > 0
	switch {
	case p.User != "" && !proxied:
		wrong("--proxy-user %s: want --proxy beside it: else anybody could set that header", p.User)
	case p.User != "" && !isHeader(p.User):
		wrong("--proxy-user: want the name of a header, such as X-Forwarded-User, got %q", p.User)
	}
	if p.Role != wire.RoleViewer && p.Role != wire.RoleOperator {
		wrong("--proxy-role: want viewer or operator, got %q", p.Role)
	}
	if p.Role == wire.RoleOperator && slices.ContainsFunc(p.From, func(f netip.Prefix) bool { return f.Addr().IsLoopback() || f.Bits() == 0 }) {
		wrong("--proxy-role operator: want a proxy on a host of its own, as every account of this host could set that header: sign in with netmon web login instead")
	}
	if p.Role == wire.RoleOperator && p.User == "" {
		wrong("--proxy-role operator: want --proxy-user beside it")
	}
	if (p.cert == "") != (p.key == "") {
		wrong("--tls-cert and --tls-key: want both, or neither")
	}
	for _, h := range p.hosts {
		if h == "" || strings.ContainsAny(h, "/: \t") {
			wrong("--host: want a name without a port, such as mon.example.org, got %q", h)
		}
	}
	if err == nil && !here && p.cert == "" && !proxied {
		wrong("--listen %s: others can reach it, so it needs TLS (--tls-cert, --tls-key) or the proxy in front of it (--proxy ADDRESS); from another host without either: ssh -L 4280:%s", c.String("listen"), webAddress)
	}
	if (proxied || p.cert != "") && len(p.hosts) == 0 {
		wrong("--host: want the name that browsers reach the pages by, such as --host mon.example.org")
	}
	p.here = here && !proxied && p.cert == ""
	if err := errors.Join(errs...); err != nil {
		return p, usage("%w", err)
	}
	return p, nil
}

func isHeader(name string) bool {
	return strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// ofThisHost says whether an address can be reached from this host alone.
func ofThisHost(flag, example, address string) (bool, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("%s: want HOST:PORT, such as %s, got %q", flag, example, address)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return false, fmt.Errorf("%s: want a port of 0 to 65535, got %q", flag, address)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}

func webFlag() cli.Flag {
	return cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "web", Value: webAddress, Usage: "serve live pages on this `HOST:PORT` of this host, or " + webOff})
}

// listenWeb opens the pages of netmon up, nil where none are wanted. Where the usual port is
// taken it is any other one: nobody asked for that.
func listenWeb(c *cli.Context) (net.Listener, error) {
	address := c.String("web")
	if address == webOff {
		return nil, nil
	}
	here, err := ofThisHost("--web", webAddress, address)
	if err == nil && !here {
		err = fmt.Errorf("--web: want an address of this host alone, such as %s, got %q: for others there is netmon web, with TLS or a proxy", webAddress, address)
	}
	if err != nil {
		return nil, usage("%w", err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil && !c.IsSet("web") {
		l, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("--web: %w", err)
	}
	return l, nil
}

func linkOf(l net.Listener) string {
	u := url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}
	return u.String()
}
