package plugin

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"netmon/wire"
)

// limit is a timeout that fits the monitor's interval; d <= 0 leaves netmon's default.
func (c *command) limit(d time.Duration) wire.Duration {
	if d <= 0 {
		return 0
	}
	if every := c.Every.Std(); every > 0 && d > every {
		d = every
	}
	return wire.Duration(max(d, time.Millisecond))
}

// seconds reads a number of seconds; a range, such as 1:5, has no equivalent.
func seconds(name, text string) (time.Duration, error) {
	return scaled(name, text, time.Second)
}

func scaled(name, text string, unit time.Duration) (time.Duration, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f <= 0 || f != f || f > 1e6 {
		return 0, fmt.Errorf("-%s %s is no plain number that is more than 0", name, wire.Clip(text, 40))
	}
	return time.Duration(f * float64(unit)).Round(time.Microsecond), nil
}

// number reads one of least to most.
func number(name, text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("-%s %s is no number of %d to %d", name, wire.Clip(text, 40), least, most)
	}
	return n, nil
}

// times carries -t, -w and -c: what takes longer than -t or -c is CRITICAL, so a run ends
// there; what takes longer than -w is slow.
func (c *command) times() error {
	if c.has("t") {
		text, _, _ := strings.Cut(c.last("t"), ":")
		d, err := seconds("t", text)
		if err != nil {
			return err
		}
		c.timeout = d
	}
	if c.has("c") {
		d, err := seconds("c", c.last("c"))
		if err != nil {
			return err
		}
		c.timeout = min(c.timeout, d)
	}
	if c.has("w") {
		d, err := seconds("w", c.last("w"))
		if err != nil {
			return err
		}
		if d < c.timeout {
			c.options.Set("within", wire.Duration(d).String())
		}
	}
	return nil
}

// family carries -4 and -6.
func (c *command) family() {
	for _, f := range []string{"4", "6"} {
		if c.has(f) {
			c.options.Set("family", f)
		}
	}
}

// host checks a name or an address; a path is a socket of this host.
func host(name, text string) (string, error) {
	text = strings.Trim(text, "[]")
	if text == "" {
		return "", fmt.Errorf("it names no host (-%s)", name)
	}
	if strings.HasPrefix(text, "/") {
		return "", fmt.Errorf("-%s %s is a socket in the file system", name, text)
	}
	if strings.ContainsAny(text, " \t$,") {
		return "", fmt.Errorf("-%s %s is no host", name, wire.Clip(text, 60))
	}
	return text, nil
}

// port reads -p.
func (c *command) port(fallback int) (int, error) {
	if !c.has("p") {
		return fallback, nil
	}
	return number("p", c.last("p"), 1, 65535)
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// days reads warning and critical days of a certificate: the critical ones are what fails;
// without them, the plugin is CRITICAL once the certificate has expired, and the warning is
// what fails.
func (c *command) days(name string) error {
	warn, crit, both := strings.Cut(c.last(name), ",")
	w, err := number(name, strings.TrimSpace(warn), 0, 36500)
	if err != nil {
		return err
	}
	days := w
	if both {
		if days, err = number(name, strings.TrimSpace(crit), 0, 36500); err != nil {
			return err
		}
		if w > days {
			c.Lost = append(c.Lost, fmt.Sprintf("warning when the certificate has less than %d days left: it fails at %d, which is critical", w, days))
		}
	} else if days > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("fewer than %d days were a warning, and are a failure", days))
	}
	c.options.Set("expect.days_left", max(days, 1))
	return nil
}

// trusts is for plugins that verify no certificate.
func (c *command) trusts() {
	c.options.Set("tls.insecure", true)
	c.Notes = append(c.Notes, c.name+" verifies no certificate: without tls.insecure netmon does")
}

// serverName carries the name to ask for in TLS.
func (c *command) serverName(name, target string) {
	if _, err := netip.ParseAddr(name); err != nil && name != "" && name != target {
		c.options.Set("tls.server_name", name)
	}
}

// loss is the greatest part of n packets that may be lost so that less than percent are.
func loss(n int, percent float64) float64 {
	most := 0
	for k := range n {
		if float64(k)*100 < percent*float64(n)-1e-9 {
			most = k
		}
	}
	return float64(most) / float64(n)
}

// pair reads a threshold of check_ping: 100.0,20% is 100 ms and 20 percent.
func pair(name, text string) (rtt time.Duration, percent float64, err error) {
	bad := fmt.Errorf("-%s %s is not of the form 100.0,20%%", name, wire.Clip(text, 40))
	ms, lost, ok := strings.Cut(text, ",")
	if !ok {
		return 0, 0, bad
	}
	if rtt, err = scaled(name, strings.TrimSuffix(strings.TrimSpace(ms), "ms"), time.Millisecond); err != nil {
		return 0, 0, bad
	}
	percent, err = strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(lost), "%"), 64)
	if err != nil || percent < 0 || percent > 100 {
		return 0, 0, bad
	}
	return rtt, percent, nil
}
