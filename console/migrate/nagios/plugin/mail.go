package plugin

import (
	"fmt"
	"regexp"
	"strings"
)

const sshSpec = `h|help V|version extra-opts: H|hostname: p|port: 4|use-ipv4 6|use-ipv6 t|timeout: r|remote-version:
	P|remote-protocol: v|verbose`

func readSSH(c *command) error {
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	server, err := c.server()
	if err != nil {
		return err
	}
	fallback := 22
	if len(c.rest) > 1 {
		if fallback, err = number("p", c.rest[1], 1, 65535); err != nil {
			return err
		}
	}
	port, err := c.port(fallback)
	if err != nil {
		return err
	}
	// SSH-protoversion-softwareversion, RFC 4253 section 4.2
	protocol, version := "[^-]+", ".*"
	if p := c.last("P"); p != "" {
		protocol = regexp.QuoteMeta(p)
	}
	if r := c.last("r"); r != "" {
		version = regexp.QuoteMeta(r) + `\s*$`
	}
	c.Kind, c.Target = "tcp", hostPort(server, port)
	pattern := "^SSH-" + protocol + "-" + version
	c.options.Set("expect.banner", strings.TrimSuffix(pattern, ".*"))
	return nil
}

const smtpSpec = `h|help V|version extra-opts: H|hostname: p|port: 4|use-ipv4 6|use-ipv6 e|expect: C|command: R|response:
	f|from: F|fqdn: A|authtype: U|authuser: P|authpass: S|starttls s|ssl|tls sni L|lmtp D|certificate: q|ignore-quit-failure
	r|proxy w|warning: c|critical: t|timeout: v|verbose`

func readSMTP(c *command) error {
	if name, ok := c.any("A L r"); ok {
		return fmt.Errorf("-%s has no equivalent", name)
	}
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	server, err := c.server()
	if err != nil {
		return err
	}
	secure := c.has("s")
	port, err := c.port(map[bool]int{false: 25, true: 465}[secure])
	if err != nil {
		return err
	}
	c.Kind, c.Target = "tcp", hostPort(server, port)
	greeting := "220"
	if c.has("e") {
		greeting = c.last("e")
	}
	c.options.Set("expect.banner", regexp.QuoteMeta(greeting))
	switch starttls := c.has("S") || c.has("D") && !secure; {
	case secure:
		c.options.Set("security", "tls")
		c.trusts()
	case starttls:
		c.options.Set("starttls", "smtp")
		c.trusts()
	}
	if c.has("D") {
		if err := c.days("D"); err != nil {
			return err
		}
	}
	c.options.Set("steps", c.smtpSteps())
	c.options.Set("quit", "QUIT\r\n")
	if _, slow := c.options["within"]; slow {
		c.Notes = append(c.Notes, "-w is for the whole dialogue: within is for the connection, the timeout for all")
	}
	return nil
}

// noReference writes text so that nothing in it stands for a secret.
func noReference(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// smtpSteps are the dialogue after the greeting.
func (c *command) smtpSteps() []any {
	fqdn := c.last("F")
	if fqdn == "" {
		fqdn = "netmon.invalid"
		c.Notes = append(c.Notes, "it greets as its host: put that into the first step if the server asks for a name that exists")
	}
	hello := "HELO "
	if c.has("S") || c.has("D") {
		hello = "EHLO "
	}
	steps := []any{map[string]any{"send": noReference(hello + fqdn + "\r\n"), "expect": "^250 "}}
	if from := c.last("f"); from != "" {
		steps = append(steps, map[string]any{"send": noReference("MAIL FROM:<" + strings.Trim(from, "<>") + ">\r\n"), "expect": "^250 "})
	}
	responses := c.all("R")
	for i, cmd := range c.all("C") {
		step := map[string]any{"send": c.Sent(cmd + "\r\n")}
		if i < len(responses) {
			step["expect"] = responses[i]
		} else {
			step["expect"] = "."
		}
		steps = append(steps, step)
	}
	return steps
}
