package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"netmon/console"
	"netmon/export"
	"netmon/internal/cmdline"
	"netmon/internal/endpoint"
	"netmon/internal/private"
	"netmon/probes/kinds"
	"netmon/web"
)

// exportAddress is where Prometheus finds netmon, unless somebody says otherwise.
const exportAddress = "127.0.0.1:9119"

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		ArgsUsage: cmdline.Nothing,
		Usage:     "give what the mesh measures to Prometheus and its like",
		UsageText: "netmon export [--listen HOST:PORT] [--token-file FILE [--allow-probe] | --open] [--tls-cert FILE --tls-key FILE] [--remote-write URL] [--otlp URL] [--influx URL] [--ndjson FILE] [--state FOLDER] [--all]",
		Description: "Serves /metrics, all of the mesh by one scrape, by the names that blackbox_exporter and\nsmokeping_prober have; /sd, the saved monitors for http_sd_configs; and /probe, by\nblackbox_exporter's contract: the last result of a saved monitor, or a measurement by an\nagent under its policy. This host reads them and measures without a token; others show one, or\nread all where there is --open. Where a token is asked for, --allow-probe lets who shows it\nmeasure.\n\n" +
			"With the address of a receiver it sends each result and verdict there, and serves\n/metrics only where --listen is given. Each receiver has a position of its own: after an\noutage, or when this program ended, it gets what it missed. URLs and headers may have\n${env:NAME} and ${file:PATH} for what nobody else should see.\n\n" +
			"   curl 'localhost:9119/probe?target=https://example.com&module=http_2xx&debug=true'\n   netmon export --remote-write http://127.0.0.1:9090/api/v1/write\n   netmon export --influx 'http://me:${env:PASSWORD}@127.0.0.1:8086/write?db=netmon'\n   netmon export --ndjson - | jq .monitor",
		Flags: append([]cli.Flag{brokerFlag(), logFlag(),
			cmdline.Takes(cmdline.Text, &cli.StringFlag{Name: "listen", Value: exportAddress, Usage: "`HOST:PORT` to serve them on"}),
			&cli.BoolFlag{Name: "allow-probe", Usage: "let those measure who show the token", DisableDefaultText: true},
		}, append(scrapeFlags(""), pushFlags()...)...),
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage("export takes no arguments, got %q: netmon config export NAME writes a configuration, --listen HOST:PORT says where to serve", c.Args().First())
			}
			log, err := logger(c)
			if err != nil {
				return err
			}
			pushed, err := pushOf(c, log)
			if err != nil {
				return err
			}
			by, err := scrapedBy(c, "listen", "", c.Bool("allow-probe"))
			if err != nil {
				return err
			}
			at := endpointOf(c)
			there := endpoint.BrokerOf(at)
			cl, err := console.ConnectAs(there.Who, there.Connect)
			if err != nil {
				return at.Explain(err)
			}
			defer cl.Close()
			var serve []func(context.Context) error
			if pushed != nil {
				for _, name := range pushed.names {
					fmt.Fprintf(pushed.out(c), "netmon %s: results of %s go to %s\n", version, endpoint.Redact(at.URL), console.Printable(name))
				}
				serve = append(serve, func(ctx context.Context) error { return pushed.run(ctx, there.Connect, log) })
			}
			if pushed == nil || c.IsSet("listen") {
				l, err := by.listen(log)
				if err != nil {
					return err
				}
				defer l.Close()
				fmt.Fprintf(pushed.out(c), "netmon %s: metrics of %s on %s\n", version, endpoint.Redact(at.URL), by.link(l))
				serve = append(serve, func(ctx context.Context) error { return serveMetrics(ctx, cl, l, by.Access, pushed.metrics(), log) })
			}
			return serveAll(c.Context, serve)
		},
	}
}

// scraped is how metrics are reached, and by whom.
type scraped struct {
	export.Access
	flag, address, cert, key string
}

// scrapeFlags say who may scrape; their names begin with prefix.
func scrapeFlags(prefix string) []cli.Flag {
	return []cli.Flag{
		cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: prefix + "token-file", Usage: "`FILE` of the token that scrapers show as a bearer, 16 characters or more"}),
		&cli.BoolFlag{Name: prefix + "open", Usage: "let anybody who reaches it read all", DisableDefaultText: true},
		cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: prefix + "tls-cert", Usage: "`FILE` of a certificate with its chain, PEM; a newer one is taken while it runs"}),
		cmdline.Takes(cmdline.Files, &cli.StringFlag{Name: prefix + "tls-key", Usage: "`FILE` of its key, PEM"}),
	}
}

// scrapedBy reads the flags of a listener, all mistakes at once.
func scrapedBy(c *cli.Context, listen, prefix string, probe bool) (scraped, error) {
	flag := func(name string) string { return "--" + prefix + name }
	s := scraped{flag: "--" + listen, address: c.String(listen), cert: c.String(prefix + "tls-cert"), key: c.String(prefix + "tls-key")}
	var errs []error
	wrong := func(text string, args ...any) { errs = append(errs, fmt.Errorf(text, args...)) }
	here, err := ofThisHost(s.flag, exportAddress, s.address)
	if err != nil {
		errs = append(errs, err)
	}
	open := c.Bool(prefix + "open")
	if path := c.String(prefix + "token-file"); path != "" {
		if s.Token, err = scrapeToken(path); err != nil {
			wrong("%s: %w", flag("token-file"), err)
		}
		if open {
			wrong("%s: with %s nobody is asked for a token: leave one of them out", flag("open"), flag("token-file"))
		}
	} else if probe && open {
		wrong("--allow-probe: want %s beside it, not %s: else whoever reaches it measures by your agents", flag("token-file"), flag("open"))
	} else if err == nil && !here && !open {
		wrong("%s %s: others can reach it: want %s, or %s to let anybody read it", s.flag, s.address, flag("token-file FILE"), flag("open"))
	}
	if (s.cert == "") != (s.key == "") {
		wrong("%s and %s: want both, or neither", flag("tls-cert"), flag("tls-key"))
	}
	s.Here, s.Probe = here, probe || here && s.Token == "" // a token on this host is for those behind a proxy
	if err := errors.Join(errs...); err != nil {
		return s, usage("%w", err)
	}
	return s, nil
}

// leastToken is how long a token is at least, bytes.
const leastToken = 16

// scrapeToken reads a token that scrapers show.
func scrapeToken(path string) (string, error) {
	if err := private.Err(private.Secret(path)); err != nil {
		return "", err
	}
	data, err := os.ReadFile(path) // #nosec G304 -- the user's own
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(data))
	if len(token) < leastToken || len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s: want one line of %d to 4096 characters of ASCII without spaces, such as from: openssl rand -hex 32", path, leastToken)
	}
	return token, nil
}

// listen opens the listener.
func (s scraped) listen(log *slog.Logger) (net.Listener, error) {
	var secure *tls.Config
	if s.cert != "" {
		var err error
		if secure, err = web.TLS(s.cert, s.key, func(err error) { log.Error("a renewed certificate cannot be read", "error", err) }); err != nil {
			return nil, usage("%s: %w", strings.Replace(s.flag, "listen", "tls-cert", 1), err)
		}
		secure.NextProtos = []string{"http/1.1"} // of one request at a time there is nothing to gain by more
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.flag, err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	} else if s.Token != "" && !s.Here {
		log.Warn("the token is sent in clear: whoever listens on the way has it; a certificate and its key keep it", "listen", l.Addr().String())
	}
	return l, nil
}

// link is where the metrics are.
func (s scraped) link(l net.Listener) string {
	link := linkOf(l)
	if s.cert != "" {
		link = strings.Replace(link, "http:", "https:", 1)
	}
	return link + "metrics"
}

// serveMetrics answers scrapers until ctx ends. more writes other families, unless it is nil.
func serveMetrics(ctx context.Context, cl *console.Client, l net.Listener, a export.Access, more func(*export.Writer), log *slog.Logger) error {
	mesh := export.Follow(cl, kinds.All(), version)
	defer mesh.Close()
	s := export.NewServer(export.Options{Mesh: mesh, Access: a, Measure: cl.ProbeOn, RoundTrip: cl.RoundTrip, More: more, Log: log})
	mesh.Begin() // counters count from now on, and not from the first scrape
	return s.Serve(ctx, l)
}
