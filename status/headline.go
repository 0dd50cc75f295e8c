package status

import (
	"fmt"
	"strings"

	"netmon/internal/plural"
)

// namesMost is how many services a sentence names; of more it says how many there are.
const namesMost = 3

// summarise says in one sentence how all is, for people who know nothing of monitors.
func (p *Page) summarise() {
	by := map[State][]string{}
	for _, sec := range p.Sections {
		for i := range sec.Services {
			s := &sec.Services[i]
			is := s.State
			if is == Slow || is == Partly {
				is = Disturbed
			}
			by[is] = append(by[is], s.Name)
			p.State = max(p.State, s.State)
		}
	}
	down, disturbed, planned, unknown := by[Down], by[Disturbed], by[Maintenance], by[Unknown]
	if len(unknown) > 0 && !p.State.Wrong() {
		p.State = Unknown
	}
	switch {
	case p.Services == 0 && !p.Blind:
		p.Headline = "No service is listed here"
	case p.Blind || len(unknown) == p.Services:
		p.Blind, p.Headline = true, "We cannot see how the services are"
	case len(down) == p.Services && p.Services > 1:
		p.Headline = "All services are down"
	case len(down) > 0:
		p.Headline = p.named(down, "down")
		if n := len(disturbed); n == 1 {
			p.Headline += ", " + p.named(disturbed, Disturbed.Said())
		} else if n > 1 {
			p.Headline += fmt.Sprintf(", %d more are slow or partly reachable", n)
		}
	case len(disturbed) > 0:
		word := Disturbed.Said()
		if len(disturbed) == 1 {
			word = p.State.Said()
		}
		p.Headline = p.named(disturbed, word)
	case len(unknown) > 0:
		p.Headline = "We cannot see how " + joined(unknown, p.Services) + " " + plural.Of(len(unknown), "is", "are")
	case len(planned) == p.Services:
		p.Headline = "Planned maintenance is under way"
	case len(planned) > 0:
		p.Headline = p.named(planned, "under maintenance") + ", all others are running"
	case p.Services == 1:
		p.Headline = by[Running][0] + " is running"
	default:
		p.Headline = "All services are running"
	}
}

func (p *Page) named(list []string, is string) string {
	return joined(list, p.Services) + " " + plural.Of(len(list), "is", "are") + " " + is
}

// joined are names in a sentence, or of many how many of all they are.
func joined(list []string, all int) string {
	switch n := len(list); {
	case n > namesMost:
		return fmt.Sprintf("%d of %d services", n, all)
	case n > 1:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	default:
		return list[0]
	}
}
