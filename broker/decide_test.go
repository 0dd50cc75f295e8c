package broker

import (
	"strings"
	"testing"
)

// TestDecide: which accounts there are and what they hold, and what is done.
func TestDecide(t *testing.T) {
	holds := func(account, what string) Holding {
		h := Holding{Account: account}
		for _, c := range what {
			switch c {
			case 'm':
				h.Monitors = 1
			case 'c':
				h.Configs = 1
			case 'a':
				h.Alerting = 1
			case 'r':
				h.Results = 1
			}
		}
		return h
	}
	const mesh, old = "AMESH", "AOLD"
	for _, c := range []struct {
		name  string
		own   string
		all   []Holding
		asked string
		from  string
		left  string // accounts
		err   string
	}{
		{name: "a new store", own: mesh},
		{name: "only its own", own: mesh, all: []Holding{holds(mesh, "mr")}},
		{name: "access is turned on", own: mesh, all: []Holding{holds(openAccount, "mcr")}, from: openAccount},
		{name: "access is turned on where only configurations are", own: mesh, all: []Holding{holds(openAccount, "c")}, from: openAccount},
		{name: "access is turned on where only channels and rules are", own: mesh, all: []Holding{holds(openAccount, "a")}, from: openAccount},
		{name: "access is turned on where nothing is saved", own: mesh, all: []Holding{holds(openAccount, "r")}, from: openAccount},
		{name: "access is turned off", own: openAccount, all: []Holding{holds(mesh, "mr")}, from: mesh},
		{name: "the keys are others", own: mesh, all: []Holding{holds(old, "mr")}, from: old},
		{name: "the mistake was made, and nothing saved since", own: mesh, all: []Holding{holds(openAccount, "m"), holds(mesh, "r")}, from: openAccount},
		{name: "the mistake was made, and monitors saved since", own: mesh, all: []Holding{holds(openAccount, "mr"), holds(mesh, "m")}, left: openAccount},
		{name: "it was opened once, by mistake", own: mesh, all: []Holding{holds(openAccount, ""), holds(mesh, "mr")}},
		{name: "it was opened once, and measured", own: mesh, all: []Holding{holds(openAccount, "r"), holds(mesh, "mr")}, left: openAccount},
		{name: "nothing is saved in either", own: mesh, all: []Holding{holds(openAccount, "r"), holds(mesh, "r")}, left: openAccount},
		{name: "two others saved something", own: mesh, all: []Holding{holds(openAccount, "m"), holds(old, "m")}, err: "--bring-along open"},
		{name: "one of two others saved something", own: mesh, all: []Holding{holds(openAccount, "r"), holds(old, "m")}, from: old, left: openAccount},
		{name: "asked for, of two", own: mesh, all: []Holding{holds(openAccount, "m"), holds(old, "m")}, asked: "open", from: openAccount, left: old},
		{name: "asked for, over what is in use", own: mesh, all: []Holding{holds(openAccount, "mr"), holds(mesh, "m")}, asked: "open", from: openAccount},
		{name: "asked for, and brought along before", own: mesh, all: []Holding{holds(mesh, "m")}, asked: "open"},
		{name: "asked for what is in use", own: mesh, all: []Holding{holds(openAccount, "m"), holds(mesh, "m")}, asked: mesh, left: openAccount},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := decide(c.own, c.all, c.asked)
			var left []string
			for _, h := range m.left {
				left = append(left, h.Account)
			}
			if m.from != c.from || strings.Join(left, " ") != c.left {
				t.Errorf("from %q, left %q, want %q, %q", m.from, left, c.from, c.left)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}
