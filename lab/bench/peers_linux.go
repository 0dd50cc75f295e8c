package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// peer is another program that measures.
type peer struct {
	programs []string // its names: the first on PATH is it
	kinds    []string
	cure     string // how to get it
	// start writes what the peer needs into dir and starts it.
	start func(ctx context.Context, dir, program string, l load, n int, p ports) (*process, error)
	// ask, where it is set, asks for each probe over HTTP at this address, as
	// Prometheus asks an exporter.
	ask func(addr string, l load, host string, p ports) string
}

func (p peer) can(kind string) bool { return slices.Contains(p.kinds, kind) }

const peerAddr = "127.0.0.1:19115"

var peers = map[string]peer{
	"fping":       {programs: []string{"fping"}, kinds: []string{"icmp"}, cure: "Debian package fping", start: startFping},
	"blackbox":    {programs: []string{"blackbox_exporter", "prometheus-blackbox-exporter"}, kinds: []string{"icmp", "dns", "tcp", "http"}, cure: "Debian package prometheus-blackbox-exporter", start: startBlackbox, ask: askBlackbox},
	"cloudprober": {programs: []string{"cloudprober"}, kinds: []string{"icmp", "dns", "udp", "tcp", "http"}, cure: "its releases have binaries", start: startCloudprober},
	"telegraf":    {programs: []string{"telegraf"}, kinds: []string{"icmp", "dns", "udp", "tcp", "http"}, cure: "go install of github.com/influxdata/telegraf/cmd/telegraf", start: startTelegraf},
	"gatus":       {programs: []string{"gatus"}, kinds: []string{"icmp", "dns", "udp", "tcp", "http"}, cure: "go build of github.com/TwiN/gatus", start: startGatus},
}

func checkPeer(name string) error {
	p, ok := peers[name]
	if !ok {
		return fmt.Errorf("unknown peer %q: one of %s", name, strings.Join(slices.Sorted(maps.Keys(peers)), ", "))
	}
	_, err := p.find()
	return err
}

// find is the peer's program on PATH.
func (p peer) find() (path string, err error) {
	for _, name := range p.programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s on PATH (%s)", strings.Join(p.programs, ", and no "), p.cure)
}

func measurePeer(ctx context.Context, o *options, name string, l load, n int, targets *targetsProcess, dir string) (row, error) {
	p := peers[name]
	program, err := p.find()
	if err != nil {
		return row{}, err
	}
	run, err := p.start(ctx, dir, program, l, n, targets.ports)
	if err != nil {
		return row{}, err
	}
	defer run.stop()
	if p.ask != nil {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go scrape(ctx, p, l, n, targets.ports)
	}
	return watch(ctx, o, name, l, n, targets, run)
}

// scrape asks evenly, in this process: its CPU is in nobody's figure.
func scrape(ctx context.Context, p peer, l load, n int, ports ports) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
	begin := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		time.Sleep(time.Until(begin.Add(time.Duration(i) * l.every / time.Duration(n))))
		go func() {
			r, err := client.Get(p.ask(peerAddr, l, host(i%n), ports))
			if err == nil {
				r.Body.Close()
			}
		}()
	}
}

func startFping(ctx context.Context, dir, program string, l load, n int, _ ports) (*process, error) {
	hosts := filepath.Join(dir, "hosts")
	var list strings.Builder
	for i := range n {
		fmt.Fprintln(&list, host(i))
	}
	if err := os.WriteFile(hosts, []byte(list.String()), 0o644); err != nil {
		return nil, err
	}
	// -i: the least time between two packets, with room to catch up in.
	return spawn(ctx, dir, "fping", program, "-l", "-q", "-b", "56", "-t", "1000", "-p", fmt.Sprint(l.every.Milliseconds()), "-i", fmt.Sprintf("%.3f", max(0.1, 0.8*float64(l.every.Milliseconds())/float64(n))), "-f", hosts)
}

func startBlackbox(ctx context.Context, dir, program string, _ load, _ int, _ ports) (*process, error) {
	config := filepath.Join(dir, "blackbox.yml")
	text := `modules:
  icmp: {prober: icmp, timeout: 1s}
  tcp: {prober: tcp, timeout: 1s}
  http: {prober: http, timeout: 1s}
  dns: {prober: dns, timeout: 1s, dns: {query_name: example.test, query_type: A}}
`
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	return spawn(ctx, dir, "blackbox", program, "--config.file", config, "--web.listen-address", peerAddr, "--log.level=error")
}

func askBlackbox(addr string, l load, host string, p ports) string {
	return fmt.Sprintf("http://%s/probe?module=%s&target=%s", addr, l.kind, strings.TrimPrefix(l.target(host, p), "example.test@"))
}

func startCloudprober(ctx context.Context, dir, program string, l load, n int, p ports) (*process, error) {
	var text strings.Builder
	var hosts []string
	for i := range n {
		hosts = append(hosts, host(i))
	}
	kind := map[string]string{"icmp": "PING", "dns": "DNS", "udp": "UDP", "tcp": "TCP", "http": "HTTP"}[l.kind]
	more := map[string]string{
		"icmp": "ping_probe { use_datagram_socket: true packets_per_probe: 1 }",
		"dns":  fmt.Sprintf(`dns_probe { resolved_domain: "example.test" query_type: A port: %d }`, p.DNS),
		"udp":  fmt.Sprintf("udp_probe { port: %d }", p.UDP),
		"tcp":  fmt.Sprintf("tcp_probe { port: %d }", p.TCP),
		"http": fmt.Sprintf("http_probe { port: %d keep_alive: false }", p.HTTP),
	}[l.kind]
	fmt.Fprintf(&text, "probe { name: %q type: %s interval: %q timeout: \"900ms\" targets { host_names: %q } %s }\n", l.kind, kind, l.every, strings.Join(hosts, ","), more)
	config := filepath.Join(dir, "cloudprober.cfg")
	if err := os.WriteFile(config, []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	return spawn(ctx, dir, "cloudprober", program, "--config_file", config)
}

func startGatus(ctx context.Context, dir, program string, l load, n int, p ports) (*process, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "web: {port: 19116}\nconcurrency: 0\nendpoints:\n")
	for i := range n {
		url, more := map[string]string{"icmp": "icmp://", "udp": "udp://", "tcp": "tcp://"}[l.kind]+l.target(host(i), p), ""
		switch l.kind {
		case "http":
			url = l.target(host(i), p)
		case "dns":
			url, more = fmt.Sprintf("%s:%d", host(i), p.DNS), ", dns: {query-name: example.test, query-type: A}"
		}
		fmt.Fprintf(&text, "  - {name: m%05d, url: %q, interval: %v, conditions: [\"[CONNECTED] == true\"]%s}\n", i, url, l.every, more)
	}
	config := filepath.Join(dir, "gatus.yaml")
	if err := os.WriteFile(config, []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	return spawn(ctx, dir, "gatus", "/usr/bin/env", "GATUS_CONFIG_PATH="+config, program)
}

// startTelegraf gives each target an input of its own with a phase of its own;
// the inputs' own lists are asked at once, or one after the other.
func startTelegraf(ctx context.Context, dir, program string, l load, n int, p ports) (*process, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "[agent]\ninterval = %q\nround_interval = true\nomit_hostname = true\nquiet = true\n[[outputs.discard]]\n", l.every)
	for i := range n {
		h := host(i)
		switch l.kind {
		case "icmp":
			fmt.Fprintf(&text, "[[inputs.ping]]\nurls = [%q]\nmethod = \"native\"\ncount = 1\ntimeout = 0.9\n", h)
		case "dns":
			fmt.Fprintf(&text, "[[inputs.dns_query]]\nservers = [%q]\nport = %d\ndomains = [\"example.test\"]\nrecord_type = \"A\"\ntimeout = \"900ms\"\n", h, p.DNS)
		case "udp":
			fmt.Fprintf(&text, "[[inputs.net_response]]\nprotocol = \"udp\"\naddress = %q\nsend = \"hello\"\nexpect = \"hello\"\ntimeout = \"900ms\"\nread_timeout = \"900ms\"\n", l.target(h, p))
		case "tcp":
			fmt.Fprintf(&text, "[[inputs.net_response]]\nprotocol = \"tcp\"\naddress = %q\ntimeout = \"900ms\"\n", l.target(h, p))
		case "http":
			fmt.Fprintf(&text, "[[inputs.http_response]]\nurls = [%q]\nresponse_timeout = \"900ms\"\n", l.target(h, p))
		}
		fmt.Fprintf(&text, "collection_offset = %q\n", time.Duration(i)*l.every/time.Duration(n))
	}
	config := filepath.Join(dir, "telegraf.conf")
	if err := os.WriteFile(config, []byte(text.String()), 0o644); err != nil {
		return nil, err
	}
	return spawn(ctx, dir, "telegraf", program, "--config", config)
}
