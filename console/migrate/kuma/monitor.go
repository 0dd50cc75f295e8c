package kuma

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"netmon/console/migrate"
	"netmon/wire"
)

// check is a monitor that is being carried.
type check struct {
	*migrate.Fields
	in *backup
	m  migrate.Monitor
	o  migrate.Options
}

func (r *reader) monitor(in *backup, f entry) {
	name, kind := f.Text("name"), f.Text("type")
	c := &check{Fields: f.Fields, in: in, o: migrate.Options{}}
	c.m.At = f.at
	c.m.Name = r.names.Of(name)
	if err := c.carry(kind); err != nil {
		r.names.Drop(c.m.Name)
		r.found.Left = append(r.found.Left, migrate.Left{At: f.at, What: fmt.Sprintf("%s (%s)", name, kind), Why: err.Error()})
		return
	}
	if c.m.Verdict == nil {
		r.found.UsualVerdict(f.at, "monitors without retries")
	}
	r.found.Monitors = append(r.found.Monitors, c.m)
}

// without are the types that netmon has nothing for.
func without(kind string) error {
	const logsIn = "netmon logs in to no database; kind tcp can watch its port"
	why, ok := map[string]string{
		"push": "a program pushes its results to Kuma; netmon measures itself", "manual": "somebody sets it by hand",
		"docker": "netmon asks no Docker host", "steam": "netmon has no probe for games", "gamedig": "netmon has no probe for games",
		"mqtt": "netmon has no MQTT probe; kind tcp can watch its port", "radius": "netmon has no RADIUS probe",
		"grpc-keyword": "netmon has no gRPC probe; kind tcp can watch its port", "kafka-producer": "netmon sends nothing to Kafka; kind tcp can watch its port",
		"rabbitmq": "netmon has no probe for RabbitMQ; kind tcp can watch its port", "snmp": "netmon reads no values by SNMP",
		"tailscale-ping": "netmon does not ask Tailscale; kind icmp can ping an address", "globalping": "it is measured by Globalping; netmon's agents are your own",
		"pm2": "netmon asks for no processes of a host", "system-service": "netmon asks for no services of a host",
		"sqlserver": logsIn, "postgres": logsIn, "mysql": logsIn, "mongodb": logsIn, "redis": logsIn, "oracledb": logsIn,
	}[kind]
	if !ok {
		return fmt.Errorf("netmon import does not know the type %q", kind)
	}
	return errors.New(why)
}

// carry makes the monitor; an error says why it cannot.
func (c *check) carry(kind string) (err error) {
	c.schedule()
	switch kind {
	case "http", "keyword", "json-query":
		err = c.web(kind)
	case "real-browser":
		if err = c.web("http"); err == nil {
			c.m.Lose("real-browser: netmon asks for the page, and no browser shows it")
		}
	case "port":
		c.m.Kind, c.m.Target = "tcp", c.hostPort("")
	case "smtp":
		c.smtp()
	case "ping":
		c.ping()
	case "dns":
		c.dns()
	case "ntp":
		c.m.Kind, c.m.Target = "ntp", c.hostPort("123")
		if n := c.Number("ntpStratumThreshold", 0); n > 0 {
			c.o.Set("expect.stratum", n)
		}
		if ms := c.Number("ntpTimeOffsetThreshold", 0); ms > 0 {
			c.o.Set("expect.offset", fmt.Sprintf("%dms", ms))
		}
	case "sip-options":
		c.m.Kind, c.m.Target = "udp", c.hostPort("5060")
		c.o.Set("protocol", "sip")
	case "websocket-upgrade":
		c.socket()
	default:
		return without(kind)
	}
	if err != nil {
		return err
	}
	c.common()
	c.Skip(shown()...)
	c.Skip(ofOthers(kind)...)
	c.m.Lost = append(c.m.Lost, c.Rest()...)
	return c.m.Carry(c.o)
}

func (c *check) hostPort(port string) string {
	if p := c.Text("port"); p != "" && p != "0" {
		port = p
	}
	host := strings.Trim(c.Text("hostname"), "[]")
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// schedule carries when it runs, and how many bad runs it takes.
func (c *check) schedule() {
	every := time.Duration(c.Number("interval", 60)) * time.Second
	c.m.Every = wire.Duration(every)
	timeout := every * 8 / 10 // as Kuma has it
	if text := c.Text("timeout"); text != "" && text != "0" {
		if d, err := time.ParseDuration(text + "s"); err == nil && d > 0 {
			timeout = d
		}
	}
	c.m.Timeout = wire.Duration(timeout)
	if n := c.Number("maxretries", 0); n > 0 {
		runs := min(n+1, wire.MaxStrikes)
		if runs <= n {
			c.m.Lose("maxretries: %d: netmon looks back on %d runs at most", n, wire.MaxStrikes)
		}
		c.m.Verdict = &wire.Rule{Down: wire.Strikes{Bad: runs, Of: runs}}
		if retry := c.Number("retryInterval", 0); retry > 0 && time.Duration(retry)*time.Second != every {
			c.m.Note("retryInterval: %d: netmon has other agents measure at once after the first bad run, and runs on every %v", retry, c.m.Every)
		}
	}
}

// common carries what all types have.
func (c *check) common() {
	group, active := c.in.group(c.Fields)
	own, forced := c.Bool("active", true), c.Bool("forceInactive", false)
	c.m.Paused = !active || !own || forced
	c.m.Tag("group", group)
	for _, t := range c.Objects("tags") {
		t.Skip("id", "monitor_id", "tag_id", "color")
		value := t.Text("value")
		if value == "" {
			value = "yes"
		}
		c.m.Tag(t.Text("name"), value)
	}
	if c.Bool("upsideDown", false) {
		c.o.Set("invert", true)
		c.m.Note("upsideDown: an answer that is not as expected stays a failure in netmon; no answer is ok")
	}
	switch c.Text("ipFamily") {
	case "ipv4":
		c.o.Set("family", 4)
	case "ipv6":
		c.o.Set("family", 6)
	}
	if list := c.List("conditions"); len(list) > 0 {
		c.m.Lose("conditions: netmon import does not read them")
	}
}

func (c *check) ping() {
	c.m.Kind, c.m.Target = "icmp", strings.Trim(c.Text("hostname"), "[]")
	c.o.Set("count", max(1, c.Number("ping_count", 1)))
	if wait := time.Duration(c.Number("ping_per_request_timeout", 0)) * time.Second; wait > 0 && wait < c.m.Timeout.Std() {
		c.o.Set("wait", wire.Duration(wait).String())
	}
	if size := c.Number("packetSize", 56); size != 56 && size >= 24 {
		c.o.Set("size", size)
	} else if size < 24 {
		c.m.Lose("packetSize: %d: netmon's least is 24", size)
	}
}

// dns asks the first of the servers.
func (c *check) dns() {
	servers := strings.Split(c.Text("dns_resolve_server"), ",")
	server := strings.TrimSpace(servers[0])
	if server == "" {
		server = "1.1.1.1"
	}
	if len(servers) > 1 {
		c.m.Lose("dns_resolve_server: netmon asks one server: %s", server)
	}
	if port := c.Text("port"); port != "" && port != "53" && port != "0" {
		server = net.JoinHostPort(server, port)
	} else if strings.Count(server, ":") > 1 {
		server = "[" + strings.Trim(server, "[]") + "]"
	}
	c.m.Kind, c.m.Target = "dns", strings.TrimSuffix(c.Text("hostname"), ".")+"@"+server
	if kind := c.Text("dns_resolve_type"); kind != "" && kind != "A" {
		c.o.Set("type", kind)
	}
}

func (c *check) smtp() {
	c.m.Kind, c.m.Target = "tcp", c.hostPort("25")
	c.o.Set("expect.banner", "^220")
	switch c.Text("smtpSecurity") {
	case "secure":
		c.o.Set("security", "tls")
	case "starttls":
		c.o.Set("starttls", "smtp")
	}
}

// socket is a WebSocket, of which netmon measures the connection.
func (c *check) socket() {
	c.m.WebSocket(c.Text("url"))
	c.Skip("wsSubprotocol", "wsIgnoreSecWebsocketAcceptHeader")
}
