package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netmon/console/migrate"
	"netmon/console/migrate/nagios"
	"netmon/console/migrate/nagios/plugin"
	"netmon/console/migrate/smokeping"
	"netmon/internal/need"
	"netmon/internal/targets"
	"netmon/internal/testcert"
	"netmon/probes"
	"netmon/probes/kinds"
	"netmon/wire"
)

// pluginCase is a command line of the Monitoring Plugins, without the folder, and the exit
// code that it has: 0 OK, 1 WARNING, 2 CRITICAL.
type pluginCase struct {
	name, line string
	code       int
	ours       wire.Outcome
	failure    wire.Failure // "" is any
}

const (
	fine     = 0
	warning  = 1
	critical = 2
)

// TestImport_Plugins has Debian's Monitoring Plugins and netmon measure the same targets,
// good and bad: what is OK there is ok here, what is WARNING or CRITICAL is failed. WARNING
// for the time is slow, which degrades a monitor and does not take it down.
func TestImport_Plugins(t *testing.T) {
	t.Parallel()
	need.Tool(t, plugin.Folder+"/check_http", "monitoring-plugins-basic")
	need.Tool(t, plugin.Folder+"/check_dig", "monitoring-plugins-standard")
	runPlugins(t, pluginTargets(t), func(t *testing.T, c pluginCase, m migrate.Monitor) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			comparePlugin(t, c, m)
		})
	})
}

// TestImport_PluginsNetwork is the same in a network with loss and delays, and with a name
// server on port 53, which is where check_dns asks.
func TestImport_PluginsNetwork(t *testing.T) {
	t.Parallel()
	need.Tool(t, plugin.Folder+"/check_ping", "monitoring-plugins-basic")
	need.Tool(t, plugin.Folder+"/check_dns", "monitoring-plugins-standard")
	inBadNetwork(t, func() {
		names, err := targets.ServeDNS("127.0.0.1:53")
		if err != nil {
			t.Error(err)
			return
		}
		defer names.Close()
		runPlugins(t, []pluginCase{
			{name: "ping", line: "check_ping -H 10.9.0.2 -w 100,20% -c 500,60% -p 3"},
			{name: "ping-half-lost", line: "check_ping -H 10.9.0.3 -w 500,20% -c 1000,30% -p 2", code: critical, ours: wire.Failed, failure: wire.FailLoss},
			{name: "ping-enough", line: "check_ping -H 10.9.0.3 -w 500,80% -c 1000,90% -p 2"},
			{name: "ping-dead", line: "check_ping -H 10.9.0.4 -w 500,80% -c 1000,100% -p 1 -t 3", code: critical, ours: wire.Failed},
			{name: "ping-slow", line: "check_ping -H 10.9.0.5 -w 100,80% -c 2000,100% -p 2", code: warning, ours: wire.Failed, failure: wire.FailSlow},
			{name: "ping-too-slow", line: "check_ping -H 10.9.0.5 -w 50,80% -c 100,100% -p 1", code: critical, ours: wire.Failed},
			{name: "icmp", line: "check_icmp -H 10.9.0.2 -w 100,20% -c 500,60%"},
			{name: "icmp-dead", line: "check_icmp -H 10.9.0.4 -n 2", code: critical, ours: wire.Failed},
			{name: "fping", line: "check_fping -H 10.9.0.2 -w 100,20% -c 500,60% -n 3 -i 100"},
			{name: "fping-dead", line: "check_fping -H 10.9.0.4 -w 100,20% -c 500,60% -n 2 -i 100", code: critical, ours: wire.Failed},
			{name: "dns", line: "check_dns -H shop.example -s 127.0.0.1"},
			{name: "dns-address", line: "check_dns -H shop.example -s 127.0.0.1 -a 203.0.113.77", code: critical, ours: wire.Failed},
			{name: "dns-missing", line: "check_dns -H missing.example -s 127.0.0.1", code: critical, ours: wire.Failed},
			{name: "dns-missing-wanted", line: "check_dns -H missing.example -s 127.0.0.1 -n"},
		}, comparePlugin) // in this thread: the network is the thread's
	})
}

// runPlugins imports an object file with a host for each case, and has each compared.
func runPlugins(t *testing.T, cases []pluginCase, each func(*testing.T, pluginCase, migrate.Monitor)) {
	t.Helper()
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "define command {\n command_name %s\n command_line %s/%s\n}\ndefine host {\n host_name %s\n check_command %s\n}\n", c.name, "$USER1$", strings.ReplaceAll(c.line, "$", "$$"), c.name, c.name)
	}
	found, err := nagios.Source().Read(&migrate.Input{Files: []migrate.File{{Path: "objects.cfg", Data: []byte(b.String())}}})
	if err != nil {
		t.Error(err)
		return
	}
	found.Check(kinds.All().CheckMonitor)
	if len(found.Left) > 0 {
		t.Errorf("left out: %v", found.Left)
	}
	ours := map[string]migrate.Monitor{}
	for _, m := range found.Monitors {
		ours[m.Name] = m
	}
	for _, c := range cases {
		each(t, c, ours[c.name])
	}
}

// comparePlugin has the plugin and netmon measure.
func comparePlugin(t *testing.T, c pluginCase, m migrate.Monitor) {
	t.Helper()
	if m.Kind == "" || m.Kind == "exec" {
		t.Errorf("%s: no monitor of netmon's own kinds: %+v", c.name, m)
		return
	}
	code, said := pluginSays(t, c.line)
	r := measureHere(t, m.Monitor)
	if code != c.code {
		t.Errorf("%s: the plugin says %d, want %d: %s", c.name, code, c.code, said)
	}
	want := c.ours
	if want == "" {
		want = wire.OK
	}
	if r.Outcome != want || c.failure != "" && r.Failure != c.failure {
		t.Errorf("%s: netmon says %s %s (%s), want %s %s; the plugin: %s\n%s", c.name, r.Outcome, r.Failure, r.Error, want, c.failure, said, m.Options)
	}
}

func pluginSays(t *testing.T, line string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/bin/sh", "-c", plugin.Folder+"/"+line).CombinedOutput()
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode(), string(out)
	}
	if err != nil {
		return -1, err.Error()
	}
	return 0, string(out)
}

// measureHere measures once in this process, in the calling thread's network.
func measureHere(t *testing.T, m wire.Monitor) wire.Result {
	t.Helper()
	env := &probes.Env{}
	defer env.Close()
	c, err := kinds.All().Prepare(env, m)
	if err != nil {
		t.Error(err)
		return wire.Result{}
	}
	defer c.Close()
	return c.Run(t.Context(), m.WithDefaults().Timeout.Std(), nil)
}

func pluginTargets(t *testing.T) []pluginCase {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	port := func(addr string) string {
		_, p, err := net.SplitHostPort(addr)
		must(err)
		return p
	}
	chain := testcert.Chain(testcert.New(t, "import", -1, 20, nil, testcert.Server))
	web, secure, closed := port(serveHTTP(t, importPage, nil)), port(serveHTTP(t, importPage, chain)), port(freeAddr(t))
	serve := func(turns ...targets.TCPTurn) string {
		t.Helper()
		s, err := targets.ServeTCP("127.0.0.1:0", turns...)
		must(err)
		t.Cleanup(func() { s.Close() })
		return port(s.Addr)
	}
	ssh := serve(targets.TCPTurn{Say: "SSH-2.0-OpenSSH_9.9\r\n"}, targets.TCPTurn{Hold: true})
	redis := serve(targets.TCPTurn{Hear: "PING\r\n", Say: "+PONG\r\n"}, targets.TCPTurn{Hold: true})
	slow := serve(targets.TCPTurn{After: 5 * time.Second})
	smtp := serve(targets.TCPTurn{Say: "220 mx.example ESMTP\r\n"}, targets.TCPTurn{Hear: "HELO monitor.example\r\n", Say: "250 mx.example\r\n"}, targets.TCPTurn{Hear: "QUIT", Say: "221 bye\r\n"})
	names, err := targets.ServeDNS("127.0.0.1:0")
	must(err)
	t.Cleanup(func() { names.Close() })
	dns := port(names.Addr)
	clock := func(offset time.Duration) string {
		b := targets.HealthyNTP()
		b.Offset = offset
		s, err := targets.ServeNTP("127.0.0.1:0", b)
		must(err)
		t.Cleanup(func() { s.Close() })
		return port(s.Addr)
	}
	good, wrong := clock(0), clock(10*time.Second)
	udp, err := targets.ServeUDP("127.0.0.1:0", func(_ int, q []byte) []targets.UDPReply { return []targets.UDPReply{{Payload: q}} })
	must(err)
	t.Cleanup(func() { udp.Close() })
	const http = "check_http -I 127.0.0.1 -p "
	return []pluginCase{
		{name: "ok", line: http + web},
		{name: "status-500", line: http + web + " -u /500", code: critical, ours: wire.Failed},
		{name: "status-401", line: http + web + " -u /private", code: warning, ours: wire.Failed},
		{name: "status-500-wanted", line: http + web + ` -u /500 -e 500`},
		{name: "basic", line: http + web + " -u /moved -f ok"},
		{name: "redirect-critical", line: http + web + " -u /moved -f critical", code: critical, ours: wire.Failed},
		{name: "redirect-follow", line: http + web + " -u /moved -f follow -s business"},
		{name: "redirect-loop", line: http + web + " -u /loop -f follow", code: critical, ours: wire.Failed},
		{name: "text", line: http + web + ` -s "open for business"`},
		{name: "no-text", line: http + web + ` -s closed`, code: critical, ours: wire.Failed},
		{name: "regex", line: http + web + ` -r "version [0-9.]+$"`},
		{name: "regex-case", line: http + web + ` -R "OPEN.*VERSION"`},
		{name: "no-regex", line: http + web + ` -r "^version"`, code: critical, ours: wire.Failed},
		{name: "regex-not-wanted", line: http + web + ` -r "version" --invert-regex`, code: critical, ours: wire.Failed},
		{name: "header", line: http + web + ` -d "Content-Type: text/plain"`},
		{name: "no-header", line: http + web + ` -d "Content-Type: text/html"`, code: critical, ours: wire.Failed},
		{name: "post", line: http + web + ` -H vhost.example:80 -u /post -P hello -k "X-From: probe"`},
		{name: "post-other", line: http + web + ` -u /post -P other`, code: warning, ours: wire.Failed},
		{name: "small", line: http + web + " -m 100000", code: warning, ours: wire.Failed},
		{name: "hangs", line: http + web + " -u /slow -t 1", code: critical, ours: wire.Failed, failure: wire.FailTimeout},
		{name: "refused", line: http + closed, code: critical, ours: wire.Failed, failure: wire.FailRefused},
		{name: "self-signed", line: http + secure + " -S"},
		{name: "plain-for-tls", line: http + web + " -S", code: critical, ours: wire.Failed},
		{name: "days-enough", line: http + secure + " -C 5"},
		{name: "days-critical", line: http + secure + " -C 40,30", code: critical, ours: wire.Failed},
		{name: "days-warning", line: http + secure + " -C 30", code: warning, ours: wire.Failed},
		{name: "tcp", line: "check_tcp -H 127.0.0.1 -p " + ssh},
		{name: "tcp-refused", line: "check_tcp -H 127.0.0.1 -p " + closed, code: critical, ours: wire.Failed},
		{name: "tcp-banner", line: "check_tcp -H 127.0.0.1 -p " + ssh + " -e SSH-2"},
		{name: "tcp-other-banner", line: "check_tcp -H 127.0.0.1 -p " + ssh + " -e OpenSSL -t 2", code: critical, ours: wire.Failed},
		{name: "tcp-dialogue", line: "check_tcp -H 127.0.0.1 -p " + redis + ` -E -s 'PING\r\n' -e +PONG`},
		{name: "tcp-other-answer", line: "check_tcp -H 127.0.0.1 -p " + redis + ` -E -s 'PING\r\n' -e -ERR -t 2`, code: critical, ours: wire.Failed},
		{name: "tcp-silent", line: "check_tcp -H 127.0.0.1 -p " + slow + " -e hello -t 1", code: critical, ours: wire.Failed, failure: wire.FailTimeout},
		{name: "ssh", line: "check_ssh -p " + ssh + " 127.0.0.1"},
		{name: "ssh-none", line: "check_ssh -p " + smtp + " 127.0.0.1 -t 2", code: critical, ours: wire.Failed},
		{name: "smtp", line: "check_smtp -H 127.0.0.1 -p " + smtp + " -F monitor.example"},
		{name: "smtp-none", line: "check_smtp -H 127.0.0.1 -p " + ssh + " -F monitor.example -t 2", code: critical, ours: wire.Failed},
		{name: "imap-none", line: "check_imap -H 127.0.0.1 -p " + ssh + " -t 2", code: warning, ours: wire.Failed},
		{name: "dig", line: "check_dig -H 127.0.0.1 -p " + dns + " -l shop.example"},
		{name: "dig-missing", line: "check_dig -H 127.0.0.1 -p " + dns + " -l missing.example", code: critical, ours: wire.Failed},
		{name: "dig-other", line: "check_dig -H 127.0.0.1 -p " + dns + " -l shop.example -a 203.0.113.77", code: warning, ours: wire.Failed},
		{name: "ntp", line: "check_ntp_time -H 127.0.0.1 -p " + good + " -w 1 -c 5"},
		{name: "ntp-off", line: "check_ntp_time -H 127.0.0.1 -p " + wrong + " -w 1 -c 5", code: critical, ours: wire.Failed},
		{name: "udp", line: "check_udp -H 127.0.0.1 -p " + port(udp.Addr) + " -s hello -e hello"},
		{name: "udp-other", line: "check_udp -H 127.0.0.1 -p " + port(udp.Addr) + " -s hello -e bye", code: warning, ours: wire.Failed},
	}
}

// inBadNetwork runs f where 10.9.0.2 answers pings, 10.9.0.3 every other one, 10.9.0.4 none,
// and 10.9.0.5 after 300 ms.
func inBadNetwork(t *testing.T, f func()) {
	t.Helper()
	need.Root(t)
	ip := need.Tool(t, "ip", "iproute2")
	inOwnNetwork(t, func() {
		heard := 0
		n, err := targets.ServeNetwork("tun0", func(_ int, q []byte) []targets.NetworkReply {
			r := targets.NetworkReply{Packet: targets.EchoReply(q)}
			switch q[19] { // the last byte of the destination
			case 3:
				if heard++; heard%2 == 0 {
					return nil
				}
			case 4:
				return nil
			case 5:
				r.After = 300 * time.Millisecond
			}
			return []targets.NetworkReply{r}
		})
		if err != nil {
			t.Error(err)
			return
		}
		defer n.Close()
		for _, args := range []string{"link set lo up", "addr add 10.9.0.1/24 dev tun0", "link set tun0 up"} {
			if out, err := exec.Command(ip, strings.Fields(args)...).CombinedOutput(); err != nil {
				t.Errorf("ip %s: %v: %s", args, err, out)
				return
			}
		}
		f()
	})
}

// inOwnNetwork runs f on a thread with a network namespace of its own. Sockets that it opens
// and programs that it starts are in that.
func inOwnNetwork(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("unshare: %v", err)
			return
		}
		f()
	}()
	<-done
}

// TestImport_SmokePing has SmokePing run one round of its own configuration, and netmon what
// it imports of that: the loss is the same.
func TestImport_SmokePing(t *testing.T) {
	t.Parallel()
	tool := need.Tool(t, "smokeping", "smokeping")
	fping := need.Tool(t, "fping", "fping")
	dir := t.TempDir()
	for _, name := range []string{"data", "cache", "run"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(dir, "config")
	write(t, config, strings.NewReplacer("DIR", dir, "FPING", fping).Replace(smokePingConfig))
	in, err := migrate.NewInput([]string{config}, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	found, err := smokeping.Source().Read(in)
	if err != nil || len(found.Monitors) != 3 {
		t.Fatalf("imported %+v, %v", found, err)
	}
	inBadNetwork(t, func() {
		out, err := exec.Command(tool, "--config="+config, "--debug").CombinedOutput()
		if err != nil {
			t.Errorf("smokeping: %v: %s", err, out)
			return
		}
		for _, m := range found.Monitors {
			theirs, err := smokePingLoss(string(out), m.Name)
			if err != nil {
				t.Errorf("%s: %v:\n%s", m.Name, err, out)
				continue
			}
			r := measureHere(t, m.Monitor)
			var d struct{ Sent, Received int }
			if err := json.Unmarshal(r.Details, &d); err != nil || d.Sent-d.Received != theirs {
				t.Errorf("%s: SmokePing lost %d of 6, netmon says %s (%v)", m.Name, theirs, r.Details, err)
			}
		}
	})
}

// smokePingLoss is how many replies SmokePing stored as lost for a target.
func smokePingLoss(out, name string) (int, error) {
	_, rest, ok := strings.Cut(out, "RRDs::update(")
	for ; ok; _, rest, ok = strings.Cut(rest, "RRDs::update(") {
		line, _, _ := strings.Cut(rest, "\n")
		if strings.Contains(line, "/"+name+".rrd ") {
			values := strings.Split(line[strings.LastIndex(line, " ")+1:], ":")
			if len(values) > 2 {
				return strconv.Atoi(values[2]) // of time:uptime:loss
			}
		}
	}
	return 0, errors.New("SmokePing stored nothing")
}

const smokePingConfig = `*** General ***
owner = a
contact = a@example.com
mailhost = localhost
sendmail = /bin/true
imgcache = DIR/cache
imgurl = x
datadir = DIR/data
piddir = DIR/run
cgiurl = http://localhost/smokeping.cgi
smokemail = /etc/smokeping/smokemail
tmail = /etc/smokeping/tmail

*** Database ***
step = 20
pings = 6
AVERAGE 0.5 1 1008

*** Presentation ***
template = /etc/smokeping/basepage.html
+ overview
width = 600
height = 50
range = 10h
+ detail
width = 600
height = 200
unison_tolerance = 2
"Last 3 Hours" 3h

*** Probes ***
+ FPing
binary = FPING
hostinterval = 0.1
timeout = 1

*** Targets ***
probe = FPing
menu = Top
title = Top
+ good
menu = good
title = good
host = 10.9.0.2
+ half
menu = half
title = half
host = 10.9.0.3
+ dead
menu = dead
title = dead
host = 10.9.0.4
`
