package plugin

import (
	"fmt"
	"strings"
	"time"

	"netmon/wire"
)

const pingSpec = `h|help V|version extra-opts: H|hostname: 4|use-ipv4 6|use-ipv6 p|packets: w|warning: c|critical:
	t|timeout: L|link n|nohtml v|verbose`

func readPing(c *command) error {
	count, err := c.count("p", 5)
	if err != nil {
		return err
	}
	if err := c.echo(c.all("H"), c.last("w"), c.last("c"), count, time.Second); err != nil {
		return err
	}
	return c.plainTimeout()
}

const icmpSpec = `h|help V|version extra-opts: H|Host: 4|ipv4-only 6|ipv6-only w|warning: c|critical: s|source:
	n|number-of-packets: p: i|packet-interval: I|target-interval: m|minimum-hosts: l|ttl: t|timeout: b|packet-size: v|verbose`

func readICMP(c *command) error {
	count, err := c.count("n", 5)
	if err != nil {
		return err
	}
	if c.has("p") {
		if count, err = c.count("p", 5); err != nil {
			return err
		}
	}
	if c.has("m") {
		return fmt.Errorf("-m wants some of several hosts")
	}
	warn, crit := or(c.last("w"), "200,40%"), or(c.last("c"), "500,80%")
	interval, err := milliseconds(or(c.last("i"), "80ms"))
	if err != nil {
		return err
	}
	if err := c.echo(c.all("H"), warn, crit, count, interval); err != nil {
		return err
	}
	if c.has("l") {
		ttl, err := number("l", c.last("l"), 1, 255)
		if err != nil {
			return err
		}
		c.options.Set("ttl", ttl)
	}
	if c.has("b") {
		size, err := number("b", c.last("b"), 24, 65507)
		if err != nil {
			return err
		}
		c.options.Set("size", size)
	}
	if c.has("s") {
		c.options.Set("source", c.last("s"))
	}
	return c.plainTimeout()
}

const fpingSpec = `h|help V|version extra-opts: H|hostname: S|sourceip: I|sourceif: 4|use-ipv4 6|use-ipv6 w|warning:
	c|critical: a|alive b|bytes: n|number: T|target-timeout: i|interval: v|verbose`

func readFPing(c *command) error {
	count, err := c.count("n", 1)
	if err != nil {
		return err
	}
	interval := time.Second
	if c.has("i") {
		if interval, err = scaled("i", c.last("i"), time.Millisecond); err != nil {
			return err
		}
	}
	if err := c.echo(c.all("H"), or(c.last("w"), "100000,100%"), or(c.last("c"), "100000,100%"), count, interval); err != nil {
		return err
	}
	if c.has("b") {
		size, err := number("b", c.last("b"), 24, 65507)
		if err != nil {
			return err
		}
		c.options.Set("size", size)
	}
	if c.has("T") {
		wait, err := scaled("T", c.last("T"), time.Millisecond)
		if err != nil {
			return err
		}
		c.options.Set("wait", wire.Duration(wait).String())
	}
	if source := or(c.last("S"), c.last("I")); source != "" {
		c.options.Set("source", source)
	}
	c.timeout = c.sending() + 2*time.Second
	return nil
}

func (c *command) count(name string, fallback int) (int, error) {
	if !c.has(name) {
		return fallback, nil
	}
	return number(name, c.last(name), 1, 1000)
}

// echo carries the thresholds of loss and round trip. A mean round trip over the critical
// one is a failure there; here a reply that takes longer is lost.
func (c *command) echo(hosts []string, warn, crit string, count int, interval time.Duration) error {
	hosts = append(hosts, c.rest...)
	if len(hosts) != 1 || strings.Contains(hosts[0], ",") {
		if len(hosts) == 0 {
			return fmt.Errorf("it names no host (-H)")
		}
		return fmt.Errorf("it measures several hosts at once")
	}
	target, err := host("H", hosts[0])
	if err != nil {
		return err
	}
	c.family()
	if crit == "" || warn == "" {
		return fmt.Errorf("it names not both thresholds (-w and -c)")
	}
	slow, some, err := pair("w", warn)
	if err != nil {
		return err
	}
	late, most, err := pair("c", crit)
	if err != nil {
		return err
	}
	c.Kind, c.Target = "icmp", target
	if count > 1 {
		c.options.Set("count", count)
		if interval != time.Second {
			c.options.Set("interval", wire.Duration(interval).String())
		}
		c.options.Set("expect.loss", loss(count, most))
		if loss(count, some) < loss(count, most) {
			c.Lost = append(c.Lost, fmt.Sprintf("warning at a loss of %g%%: it fails at %g%%, which is critical", some, most))
		}
	}
	c.options.Set("wait", wire.Duration(min(late, longest)).String())
	if slow < late {
		c.options.Set("within", wire.Duration(slow).String())
	}
	c.timeout = max(c.timeout, c.sending()+min(late, 5*time.Second)+time.Second)
	return nil
}

// sending is how long it takes to send the requests.
func (c *command) sending() time.Duration {
	n, _ := c.options["count"].(int)
	gap := time.Second
	if text, ok := c.options["interval"].(string); ok {
		gap, _ = time.ParseDuration(text)
	}
	return time.Duration(max(n-1, 0)) * gap
}

// plainTimeout carries -t, as long as all can be sent in it.
func (c *command) plainTimeout() error {
	if !c.has("t") {
		return nil
	}
	d, err := seconds("t", c.last("t"))
	if err != nil {
		return err
	}
	c.timeout = max(d, c.sending()+time.Second)
	return nil
}

// milliseconds reads 80ms, 5s or, as check_icmp does, 80 for milliseconds.
func milliseconds(text string) (time.Duration, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return d, nil
	}
	return scaled("i", text, time.Millisecond)
}

func or(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
