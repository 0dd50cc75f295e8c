package main

import (
	"fmt"
	"time"
)

// load is one kind of monitor, and how its target is reached.
type load struct {
	kind    string
	every   time.Duration
	target  func(host string, ports ports) string
	options string
}

// ports of the targets' process.
type ports struct{ UDP, DNS, NTP, TCP, HTTP int }

var loads = []load{
	{"icmp", time.Second, func(h string, _ ports) string { return h }, `{}`},
	{"dns", time.Second, func(h string, p ports) string { return fmt.Sprintf("example.test@%s:%d", h, p.DNS) }, `{}`},
	{"udp", time.Second, func(h string, p ports) string { return fmt.Sprintf("%s:%d", h, p.UDP) }, `{payload: hello}`},
	{"ntp", 4 * time.Second, func(h string, p ports) string { return fmt.Sprintf("%s:%d", h, p.NTP) }, `{}`}, // the least that the kind allows
	{"tcp", time.Second, func(h string, p ports) string { return fmt.Sprintf("%s:%d", h, p.TCP) }, `{}`},
	{"http", time.Second, func(h string, p ports) string { return fmt.Sprintf("http://%s:%d/", h, p.HTTP) }, `{}`},
}

func kindNames() (names []string) {
	for _, l := range loads {
		names = append(names, l.kind)
	}
	return names
}

func loadOf(kind string) load {
	for _, l := range loads {
		if l.kind == kind {
			return l
		}
	}
	panic("kind " + kind)
}

// maxTargets is how many addresses of loopback are used.
const maxTargets = 50_000

// host is the address of target i: each monitor has one of its own, as a
// connection to one address and port leaves its local port unusable for a minute.
func host(i int) string { return fmt.Sprintf("127.%d.%d.%d", 1+i/62500, i/250%250, 1+i%250) }
