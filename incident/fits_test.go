package incident

import (
	"testing"

	"netmon/wire"
)

func TestFits(t *testing.T) {
	web := wire.Saved{Monitor: wire.Monitor{Name: "web", Kind: "https", Target: "https://shop.example.org/"}, Tags: map[string]string{"team": "shop/eu"}}
	groups := []wire.Group{{Name: "store", Of: []string{"web", "api"}}, {Name: "other", Of: []string{"api"}}}
	down := MemberSubject(&wire.IncidentMember{About: wire.AboutMonitor, Name: "web", Severity: wire.SeverityDown, Blame: &wire.Blame{Class: wire.BlameUplink, Names: []string{"paris"}}}, &web, groups)
	idle := MonitorSubject(&web, groups)
	group := MemberSubject(&wire.IncidentMember{About: wire.AboutGroup, Name: "store", Severity: wire.SeverityDown}, nil, groups)
	agent := MemberSubject(&wire.IncidentMember{About: wire.AboutAgent, Name: "paris", Severity: wire.SeverityAgent}, nil, groups)
	for name, c := range map[string]struct {
		m                        wire.Match
		down, idle, group, agent bool
	}{
		"everything":        {wire.Match{}, true, true, true, true},
		"a name":            {wire.Match{Monitors: []string{"x", "w?b"}}, true, true, false, false},
		"another name":      {wire.Match{Monitors: []string{"api"}}, false, false, false, false},
		"a group":           {wire.Match{Groups: []string{"st*"}}, true, true, true, false},
		"a tag with /":      {wire.Match{Tags: map[string]string{"team": "shop*"}}, true, true, false, false},
		"no such tag":       {wire.Match{Tags: map[string]string{"env": "*"}}, false, false, false, false},
		"a kind":            {wire.Match{Kinds: []string{"http*"}}, true, true, false, false},
		"an agent":          {wire.Match{Agents: []string{"paris"}}, true, false, false, true},
		"a severity":        {wire.Match{Severity: []wire.Severity{wire.SeverityDown}}, true, true, true, false},
		"a fault":           {wire.Match{Blame: []wire.BlameClass{wire.BlameUplink}}, true, true, false, false},
		"all of it":         {wire.Match{Monitors: []string{"web"}, Severity: []wire.Severity{wire.SeverityDegraded}}, false, true, false, false},
		"a pattern of none": {wire.Match{Monitors: []string{"["}}, false, false, false, false},
	} {
		for who, x := range map[string]struct {
			s    Subject
			want bool
		}{"down": {down, c.down}, "idle": {idle, c.idle}, "group": {group, c.group}, "agent": {agent, c.agent}} {
			if got := Fits(&c.m, &x.s); got != x.want {
				t.Errorf("%s, %s: %v, want %v", name, who, got, x.want)
			}
		}
	}
	rules := []wire.NoticeRule{{Name: "a", Match: wire.Match{Kinds: []string{"https"}}}, {Name: "rest"}}
	if got := RulesFor(&down, rules); len(got) != 1 || got[0].Name != "a" {
		t.Errorf("rules %+v", got)
	}
	if got := RulesFor(&agent, rules); len(got) != 1 || got[0].Name != "rest" {
		t.Errorf("rules %+v", got)
	}
}

func TestHostOf(t *testing.T) {
	for target, want := range map[string]string{
		"https://Shop.Example.org:8443/x?y": "shop.example.org", "shop.example.org.:443": "shop.example.org", "192.0.2.7": "192.0.2.7",
		"[2001:DB8::1]:22": "2001:db8::1", "::ffff:192.0.2.7": "192.0.2.7", "https://[2001:db8::1]/": "2001:db8::1", "a b": "", "": "", "x/y": "",
	} {
		if got := hostOf(target); got != want {
			t.Errorf("%q is %q, want %q", target, got, want)
		}
	}
}
