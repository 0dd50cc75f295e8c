package plugin

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

const dnsSpec = `h|help V|version extra-opts: H|hostname: s|server: r|reverse-server: q|querytype: a|expected-address:
	n|expect-nxdomain A|expect-authority L|all w|warning: c|critical: t|timeout: v|verbose`

func readDNS(c *command) error {
	if c.has("r") {
		return fmt.Errorf("-r has no equivalent")
	}
	if err := c.times(); err != nil {
		return err
	}
	name := c.last("H")
	rest := c.rest
	if name == "" && len(rest) > 0 {
		name, rest = rest[0], rest[1:]
	}
	server := c.last("s")
	if server == "" && len(rest) > 0 {
		server = rest[0]
	}
	name, err := host("H", name)
	if err != nil {
		return err
	}
	kind := strings.ToUpper(c.last("q"))
	if ip, err := netip.ParseAddr(name); err == nil {
		name, kind = reverse(ip), "PTR"
	}
	c.Kind, c.Target = "dns", name
	if server != "" {
		if server, err = host("s", server); err != nil {
			return err
		}
		c.Target += "@" + server
	}
	if kind != "" && kind != "A" {
		c.options.Set("type", kind)
	}
	if c.has("A") {
		c.options.Set("expect.flags", []string{"aa"})
	}
	if c.has("n") {
		c.options.Set("expect.rcode", []string{"NXDOMAIN"})
	}
	var wanted []string
	for _, list := range c.all("a") {
		for one := range strings.SplitSeq(list, ",") {
			if one = strings.TrimSpace(one); one != "" {
				wanted = append(wanted, one)
			}
		}
	}
	switch {
	case len(wanted) == 0:
	case strings.Contains(strings.Join(wanted, ""), "/"):
		return fmt.Errorf("-a %s is a network", strings.Join(wanted, ","))
	case c.has("L"):
		c.options.Set("expect.records", wanted)
	default:
		var all []string
		for _, w := range wanted {
			all = append(all, regexp.QuoteMeta(w))
		}
		c.options.Set("expect.answer", `(?i)\s(?:`+strings.Join(all, "|")+`)$`)
	}
	return nil
}

// reverse is the name under which an address has its PTR record (RFC 1035 section 3.5, RFC
// 3596 section 2.5).
func reverse(ip netip.Addr) string {
	var labels []string
	if ip.Is4() {
		for _, b := range ip.As4() {
			labels = append([]string{strconv.Itoa(int(b))}, labels...)
		}
		return strings.Join(labels, ".") + ".in-addr.arpa"
	}
	for _, b := range ip.As16() {
		labels = append([]string{strconv.FormatUint(uint64(b&15), 16), strconv.FormatUint(uint64(b>>4), 16)}, labels...)
	}
	return strings.Join(labels, ".") + ".ip6.arpa"
}

const digSpec = `h|help V|version extra-opts: H|hostname: p|port: l|query_address: T|record_type: a|expected_address:
	A|dig-arguments: w|warning: c|critical: t|timeout: 4|use-ipv4 6|use-ipv6 v|verbose`

func readDig(c *command) error {
	switch c.last("A") {
	case "":
	case "+tcp", "+vc":
		c.options.Set("transport", "tcp")
	case "+norecurse", "+norec":
		c.options.Set("recursion", false)
	default:
		return fmt.Errorf("-A %s has no equivalent", c.last("A"))
	}
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	server, err := c.server()
	if err != nil {
		return err
	}
	name, err := host("l", c.last("l"))
	if err != nil {
		return err
	}
	port, err := c.port(53)
	if err != nil {
		return err
	}
	if port != 53 {
		server = net.JoinHostPort(server, strconv.Itoa(port))
	}
	c.Kind, c.Target = "dns", name+"@"+server
	if t := strings.ToUpper(c.last("T")); t != "" && t != "A" {
		c.options.Set("type", t)
	}
	if a := c.last("a"); a != "" {
		c.options.Set("expect.contains", []string{a})
	}
	return nil
}

const ntpSpec = `h|help V|version extra-opts: H|hostname: p|port: 4|use-ipv4 6|use-ipv6 w|warning: c|critical: q|quiet
	o|time-offset: d|delay: j|jwarn: k|jcrit: t|timeout: v|verbose`

func readNTP(c *command) error {
	if name, ok := c.any("o j k"); ok {
		return fmt.Errorf("-%s has no equivalent", name)
	}
	c.family()
	server, err := host("H", c.last("H"))
	if err != nil {
		return err
	}
	port, err := c.port(123)
	if err != nil {
		return err
	}
	c.Kind, c.Target = "ntp", server
	if port != 123 {
		c.Target = hostPort(server, port)
	}
	crit := 120.0
	for _, name := range []string{"w", "c"} {
		if !c.has(name) {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimPrefix(c.last(name), ":"), 64)
		if err != nil || v <= 0 || v > 1e6 {
			return fmt.Errorf("-%s %s is no plain number that is more than 0", name, c.last(name))
		}
		if name == "c" {
			crit = v
		} else if crit != v {
			c.Lost = append(c.Lost, fmt.Sprintf("warning at an offset of %gs: it fails at the critical one", v))
		}
	}
	c.options.Set("expect.offset", strconv.FormatFloat(crit, 'f', -1, 64)+"s")
	if text := c.last("t"); text != "" {
		if c.timeout, err = seconds("t", text); err != nil {
			return err
		}
	}
	return nil
}
