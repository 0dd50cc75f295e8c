package console

import (
	"slices"
	"strings"
	"testing"
	"time"

	"netmon/wire"
)

func TestSilencesOf(t *testing.T) {
	now := time.Now()
	x := dnsDown(now)
	member := func(about, name string, until time.Time) wire.IncidentMember {
		return wire.IncidentMember{About: about, Name: name, Since: now, Until: until}
	}
	x.Members = append(x.Members, member(wire.AboutCertificate, "dns", time.Time{}), member(wire.AboutMonitor, "good", now), member(wire.AboutGroup, "store", time.Time{}), member(wire.AboutAgent, "oslo", time.Time{}))
	list, err := SilencesOf(&x, time.Hour, "why", now)
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	if !slices.Equal(list[0].Match.Monitors, []string{"dns"}) || !slices.Equal(list[1].Match.Groups, []string{"store"}) || !slices.Equal(list[2].Match.Agents, []string{"oslo"}) ||
		!list[0].Until.Equal(now.Add(time.Hour)) || list[0].Text != "why" {
		t.Errorf("%+v", list)
	}
	for want, change := range map[string]func(*wire.Incident){
		"nothing of it is wrong": func(x *wire.Incident) { x.Members = []wire.IncidentMember{member(wire.AboutMonitor, "good", now)} },
		"netmon silence --tag":   func(x *wire.Incident) { x.More = 1 },
		"the broker is no":       func(x *wire.Incident) { x.Members = append(x.Members, member(wire.AboutBroker, "broker", time.Time{})) },
	} {
		y := dnsDown(now)
		change(&y)
		if _, err := SilencesOf(&y, time.Hour, "", now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
