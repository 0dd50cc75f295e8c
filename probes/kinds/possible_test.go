package kinds

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

// TestCheckMonitor_RefusesWhatCannotWork: a monitor that would fail for ever,
// whatever its target does, is refused with what shows it.
func TestCheckMonitor_RefusesWhatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		kind, target, options string
		every, timeout        time.Duration
		says                  string // "" is accepted
	}{
		"more requests than time":     {"icmp", "192.0.2.1", `{"count":1000}`, time.Second, 0, "options.count: 1000, with 1s from one to the next, take 16m39s to send, and the timeout is 900ms"},
		"a timeout between":           {"icmp", "192.0.2.1", `{"count":10}`, time.Minute, 9 * time.Second, "take 9s to send, and the timeout is 9s: want a timeout over 9s"},
		"a timeout that is enough":    {"icmp", "192.0.2.1", `{"count":10}`, time.Minute, 10 * time.Second, ""},
		"longer than the interval":    {"icmp", "192.0.2.1", `{"count":10}`, 5 * time.Second, 20 * time.Second, "take 9s to send, and a run begins every 5s"},
		"requests in a burst":         {"icmp", "192.0.2.1", `{"count":1000,"interval":"1ms"}`, 10 * time.Second, 0, ""},
		"samples":                     {"ntp", "192.0.2.1", `{"samples":8}`, 10 * time.Second, 0, "options.samples: 8, with 2s from one to the next, take 14s to send, and the timeout is 5s"},
		"samples with time":           {"ntp", "192.0.2.1", `{"samples":8}`, time.Minute, 30 * time.Second, ""},
		"datagrams":                   {"udp", "192.0.2.1:9", `{"count":100,"payload":"x"}`, 10 * time.Second, 0, "options.count: 100"},
		"an address of IPv4":          {"tcp", "192.0.2.1:25", `{"family":"6"}`, 0, 0, "options.family: is 6, and the target names 192.0.2.1"},
		"an address of IPv6":          {"https", "https://[2001:db8::1]/", `{"family":"4"}`, 0, 0, "options.family: is 4, and the target names 2001:db8::1"},
		"a server of IPv6":            {"dns", "example", `{"family":"4","server":"2001:db8::1"}`, 0, 0, "options.family: is 4, and the option options.server names 2001:db8::1"},
		"a proxy of IPv6":             {"http", "http://192.0.2.1", `{"family":"4","proxy":{"url":"http://[2001:db8::1]:3128"}}`, 0, 0, "options.family: is 4, and the option options.proxy.url names 2001:db8::1"},
		"a target behind a proxy":     {"http", "http://[2001:db8::1]", `{"family":"4","proxy":{"url":"http://192.0.2.1:3128"}}`, 0, 0, ""},
		"a source of another family":  {"icmp", "192.0.2.1", `{"source":"2001:db8::2"}`, 0, 0, "options.source: 2001:db8::2 and 192.0.2.1, which the target names, are of different IP families"},
		"a name has any family":       {"tcp", "example.com:25", `{"family":"6","source":"2001:db8::2"}`, 0, 0, ""},
		"two ports":                   {"ntp", "192.0.2.1:124", `{"port":123}`, 0, 0, "options.port: the target names port 124, and this option 123: give one"},
		"one port twice":              {"ntp", "192.0.2.1:124", `{"port":124}`, 0, 0, ""},
		"a TTL of 0":                  {"icmp", "192.0.2.1", `{"ttl":0}`, 0, 0, "options.ttl: want more than 0, got 0: leave it out for the default"},
		"within 0":                    {"tcp", "192.0.2.1:25", `{"within":"0s"}`, 0, 0, `options.within: want more than 0, got "0s"`},
		"a port of 0":                 {"ntp", "192.0.2.1", `{"port":0}`, 0, 0, "options.port: want more than 0"},
		"a stratum of 0":              {"ntp", "192.0.2.1", `{"expect":{"stratum":0}}`, 0, 0, "options.expect.stratum: want more than 0"},
		"DSCP 0 is one":               {"icmp", "192.0.2.1", `{"dscp":0}`, 0, 0, ""},
		"HEAD has no body":            {"http", "http://192.0.2.1", `{"method":"HEAD","expect":{"body_contains":["x"]}}`, 0, 0, "options.expect.body_contains: the answer to HEAD has no body"},
		"HEAD has no length":          {"http", "http://192.0.2.1", `{"method":"HEAD","expect":{"min_bytes":1}}`, 0, 0, "options.expect.min_bytes: the answer to HEAD has no body"},
		"HEAD":                        {"http", "http://192.0.2.1", `{"method":"HEAD","expect":{"status":"200"}}`, 0, 0, ""},
		"204 has no body":             {"http", "http://192.0.2.1", `{"expect":{"status":"204,304","body_regex":"x"}}`, 0, 0, "options.expect.body_regex: an answer with status 204,304 has no body"},
		"204 or 200":                  {"http", "http://192.0.2.1", `{"expect":{"status":"200-204","body_regex":"x"}}`, 0, 0, ""},
		"more than is taken":          {"http", "http://192.0.2.1", `{"max_body":10,"expect":{"min_bytes":11}}`, 0, 0, "options.expect.min_bytes: 11 is over max_body, which is 10"},
		"a text that is too long":     {"http", "http://192.0.2.1", `{"expect":{"max_bytes":3,"body_contains":["four"]}}`, 0, 0, "options.expect.body_contains[0]: is 4 characters long, and expect.max_bytes is 3"},
		"wanted and not":              {"http", "http://192.0.2.1", `{"expect":{"body_contains":["all is well"],"body_not_regex":"is .ell"}}`, 0, 0, "options.expect.body_contains[0]: \"all is well\" matches body_not_regex"},
		"wanted, and not at a line":   {"http", "http://192.0.2.1", `{"expect":{"body_contains":["error"],"body_not_regex":"(?m)^error$"}}`, 0, 0, ""},
		"wanted, and not as a word":   {"http", "http://192.0.2.1", `{"expect":{"body_contains":["err"],"body_not_regex":"\\berr\\b"}}`, 0, 0, ""},
		"the same expression":         {"http", "http://192.0.2.1", `{"expect":{"body_regex":"a+","body_not_regex":"a+"}}`, 0, 0, "options.expect.body_not_regex: is the same as body_regex"},
		"a header, and no such":       {"http", "http://192.0.2.1", `{"expect":{"headers":{"Via":"x"},"no_headers":["via"]}}`, 0, 0, "options.expect.no_headers[0]: headers wants Via to be present"},
		"two values at one place":     {"http", "http://192.0.2.1", `{"expect":{"json":[{"path":"$.a","equals":1},{"path":"$.a","equals":2}]}}`, 0, 0, "options.expect.json[1]: json[0] wants something else at $.a"},
		"a value, and nothing":        {"http", "http://192.0.2.1", `{"expect":{"json":[{"path":"$.a","exists":false},{"path":"$.a"}]}}`, 0, 0, "options.expect.json[1]"},
		"two bounds at one place":     {"http", "http://192.0.2.1", `{"expect":{"json":[{"path":"$.a","min":1},{"path":"$.a","max":2}]}}`, 0, 0, ""},
		"bounds that nothing is in":   {"http", "http://192.0.2.1", `{"expect":{"json":[{"path":"$.a","min":3},{"path":"$.a","max":2}]}}`, 0, 0, "options.expect.json[1]"},
		"equal values, other writing": {"http", "http://192.0.2.1", `{"expect":{"json":[{"path":"$.a","equals":1},{"path":"$.a","equals":1.0}]}}`, 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := All().CheckMonitor(wire.Monitor{Name: "m", Kind: c.kind, Target: c.target, Options: json.RawMessage(c.options), Every: wire.Duration(c.every), Timeout: wire.Duration(c.timeout)})
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("says %v, want %q", err, c.says)
			}
		})
	}
}
