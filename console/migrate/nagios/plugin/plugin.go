// Package plugin turns command lines of the Monitoring Plugins into monitors.
//
// Those that measure the network are read with all their arguments and become monitors of
// netmon's kinds. What has no equivalent runs as it is, by kind exec.
//
// A plugin has two thresholds, a run of netmon is ok or not. CRITICAL is a run that failed.
// WARNING for the time is the option within: a run that is slow degrades a monitor and does
// not take it down. Other warnings are Lost, beside a critical threshold; where there is
// none, the warning is what fails.
package plugin

import (
	"fmt"
	"path"
	"strings"
	"time"

	"netmon/console/migrate"
)

// Folder is where Debian has the plugins.
const Folder = "/usr/lib/nagios/plugins"

// reader fills c by the options in its line.
type reader struct {
	spec string
	read func(c *command) error
}

// command is a command line that becomes a monitor.
type command struct {
	*migrate.Monitor
	line
	name    string // of the program: check_http
	options migrate.Options
	timeout time.Duration // after which the plugin gives up
}

// Fill makes m measure what a command line measures: kind, target, options, timeout. The
// error says why it cannot. secrets are values that are to be shown nowhere.
func Fill(m *migrate.Monitor, argv []string, secrets ...Secret) error {
	if len(argv) == 0 || argv[0] == "" {
		return fmt.Errorf("it has no command")
	}
	name := strings.TrimSuffix(path.Base(argv[0]), ".exe")
	tried := *m
	tried.Lost, tried.Notes = append([]string(nil), m.Lost...), append([]string(nil), m.Notes...)
	why := ""
	r, ok := readers()[name]
	if ok {
		c := &command{Monitor: &tried, name: name, options: migrate.Options{}, timeout: 10 * time.Second}
		if err := c.fill(r, argv[1:]); err != nil {
			ok, why = false, err.Error()
		}
	}
	if !ok {
		tried.Lost, tried.Notes = append([]string(nil), m.Lost...), append([]string(nil), m.Notes...)
		if err := run(&tried, argv, why); err != nil {
			return err
		}
	}
	if s, ok := shown(&tried, secrets); ok {
		return errSecret(s.From)
	}
	*m = tried
	return nil
}

func (c *command) fill(r reader, args []string) (err error) {
	if c.line, err = parse(r.spec, args); err != nil {
		return err
	}
	if c.has("extra-opts") {
		return fmt.Errorf("--extra-opts names a file that the plugin reads")
	}
	if err := r.read(c); err != nil {
		return err
	}
	c.Timeout = c.limit(c.timeout)
	err = c.Carry(c.options)
	return err
}

// readers are those of the plugins that netmon's kinds can stand for.
func readers() map[string]reader {
	all := map[string]reader{
		"check_http":     {httpSpec, readHTTP},
		"check_curl":     {httpSpec, readHTTP},
		"check_udp":      {streamSpec, readUDP},
		"check_ssh":      {sshSpec, readSSH},
		"check_smtp":     {smtpSpec, readSMTP},
		"check_dns":      {dnsSpec, readDNS},
		"check_dig":      {digSpec, readDig},
		"check_ping":     {pingSpec, readPing},
		"check_icmp":     {icmpSpec, readICMP},
		"check_host":     {icmpSpec, readICMP},
		"check_fping":    {fpingSpec, readFPing},
		"check_ntp_time": {ntpSpec, readNTP},
		"check_ntp":      {ntpSpec, readNTP},
	}
	for name := range streams() {
		all[name] = reader{streamSpec, readStream}
	}
	return all
}
