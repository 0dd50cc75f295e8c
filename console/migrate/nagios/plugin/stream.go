package plugin

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// streamSpec is the options of check_tcp and its other names, check_udp among them.
const streamSpec = `h|help V|version extra-opts: H|hostname: p|port: 4|use-ipv4 6|use-ipv6 S|ssl sni: D|certificate:
	s|send: e|expect: A|all E|escape q|quit: r|refuse: M|mismatch: m|maxbytes: d|delay: j|jail
	w|warning: c|critical: t|timeout: v|verbose`

// stream is what check_tcp does under another name.
type stream struct {
	port               int
	secure             bool
	send, expect, quit string
}

func streams() map[string]stream {
	return map[string]stream{
		"check_tcp":   {},
		"check_ftp":   {21, false, "", "220", "QUIT\r\n"},
		"check_pop":   {110, false, "", "+OK", "QUIT\r\n"},
		"check_spop":  {995, true, "", "+OK", "QUIT\r\n"},
		"check_imap":  {143, false, "", "* OK", "a1 LOGOUT\r\n"},
		"check_simap": {993, true, "", "* OK", "a1 LOGOUT\r\n"},
		"check_ssmtp": {465, true, "", "220", "QUIT\r\n"}, // a name of check_tcp, not of check_smtp
		"check_nntp":  {119, false, "", "200", "QUIT\r\n"},
		"check_nntps": {563, true, "", "200", "QUIT\r\n"},
		"check_clamd": {3310, false, "PING", "PONG", ""},
	}
}

// server is the host that the plugin asks: -H, or the first argument that belongs to no option.
func (c *command) server() (string, error) {
	server := c.last("H")
	if server == "" && len(c.rest) > 0 {
		server = c.rest[0]
	}
	return host("H", server)
}

func readStream(c *command) error {
	kind := streams()[c.name]
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	server, err := c.server()
	if err != nil {
		return err
	}
	port, err := c.port(kind.port)
	if err != nil {
		return err
	}
	if port == 0 {
		return fmt.Errorf("it names no port")
	}
	if r := c.last("r"); r == "ok" {
		return fmt.Errorf("-r ok takes a refusal as good, and a connection, too")
	}
	if c.last("r") == "warn" {
		c.Notes = append(c.Notes, "-r warn: a refusal was a warning, and is a failure")
	}
	c.Kind, c.Target = "tcp", hostPort(server, port)
	if kind.secure || c.has("S") || c.has("D") {
		c.options.Set("security", "tls")
		c.serverName(c.last("sni"), server)
		c.trusts()
	}
	if c.has("D") {
		if err := c.days("D"); err != nil {
			return err
		}
	}
	if c.has("m") {
		if _, err := number("m", c.last("m"), 1, 1<<30); err != nil {
			return err
		}
		c.Notes = append(c.Notes, "-m closes the connection after so many bytes: netmon does once the answer matches")
	}
	return c.dialogue(kind)
}

// dialogue carries what is sent and what must come back.
func (c *command) dialogue(kind stream) error {
	send, quit := kind.send, kind.quit
	escape := false
	for _, f := range c.flags {
		switch f.name {
		case "E":
			escape = true
		case "s":
			send = unescape(f.value, escape)
		case "q":
			quit = unescape(f.value, escape) + "\r\n"
			if escape {
				quit = unescape(f.value, true)
			}
		}
	}
	expects := c.all("e")
	if len(expects) == 0 && kind.expect != "" {
		expects = []string{kind.expect}
		if kind.expect == "200" {
			expects = append(expects, "201")
		}
	}
	if c.last("M") == "ok" {
		expects = nil
	}
	if c.has("A") && len(expects) > 1 {
		return fmt.Errorf("-A wants several texts in one answer")
	}
	pattern := anyOf(expects)
	switch {
	case send == "" && pattern != "":
		c.options.Set("expect.banner", pattern)
	case send != "" && pattern != "" && serverFirst(c.Target):
		c.options.Set("expect.banner", pattern)
		c.options.Set("steps", []any{map[string]any{"send": c.Sent(send)}})
	case send != "":
		step := map[string]any{"send": c.Sent(send)}
		if pattern != "" {
			step["expect"] = pattern
		}
		c.options.Set("steps", []any{step})
	}
	if quit != "" && (send != "" || pattern != "") {
		c.options.Set("quit", quit)
	}
	if _, slow := c.options["within"]; slow && (send != "" || pattern != "") {
		c.Notes = append(c.Notes, "-w is for connection and answer together: within is for the connection, the timeout for all")
	}
	return nil
}

// anyOf matches an answer that contains one of these texts, as check_tcp wants it.
func anyOf(texts []string) string {
	var all []string
	for _, t := range texts {
		all = append(all, regexp.QuoteMeta(t))
	}
	switch len(all) {
	case 0:
		return ""
	case 1:
		return all[0]
	}
	return strings.Join(all, "|")
}

// serverFirst says whether what listens there greets before it is asked.
func serverFirst(target string) bool {
	switch target[strings.LastIndex(target, ":")+1:] {
	case "21", "22", "25", "110", "119", "143", "465", "563", "587", "993", "995":
		return true
	}
	return false
}

// unescape replaces \n, \r, \t and \\.
func unescape(text string, do bool) string {
	if !do {
		return text
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(text)
}

func readUDP(c *command) error {
	if err := c.times(); err != nil {
		return err
	}
	c.family()
	server, err := c.server()
	if err != nil {
		return err
	}
	port, err := c.port(0)
	if err != nil {
		return err
	}
	if port == 0 {
		return fmt.Errorf("it names no port")
	}
	if !c.has("s") || !c.has("e") {
		return fmt.Errorf("it says not what to send (-s) and to expect (-e)")
	}
	escape, send := false, ""
	for _, f := range c.flags {
		escape = escape || f.name == "E"
		if f.name == "s" {
			send = unescape(f.value, escape)
		}
	}
	if speaks(send) {
		return fmt.Errorf("-s has what looks like a secret")
	}
	c.Kind, c.Target = "udp", hostPort(server, port)
	if strings.ContainsFunc(send, func(r rune) bool { return r < ' ' }) {
		c.options.Set("payload_hex", hex.EncodeToString([]byte(send)))
	} else {
		c.options.Set("payload", send)
	}
	if c.last("M") != "ok" {
		c.options.Set("expect.regex", anyOf(c.all("e")))
	}
	return nil
}
