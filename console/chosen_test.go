package console_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"netmon/console"
	"netmon/internal/natstest"
	"netmon/wire"
)

// TestClient_Choose says which monitors, agents and open incidents a match is about.
func TestClient_Choose(t *testing.T) {
	m := newOpsMesh(t)
	ctx := t.Context()
	web, api, db := monitor("web"), monitor("api"), monitor("db")
	web.Tags, api.Tags = map[string]string{"team": "shop", "env": "prod"}, map[string]string{"team": "shop"}
	m.apply(console.Wanted{Monitors: []wire.Saved{web, api, db}, Settings: []wire.Setting{group("store", "web", "db")}, Sorts: console.FileSorts}, false)
	m.plays("paris", wire.Reply{})
	js := natstest.JetStream(t, natstest.Connect(t, m.b))
	wrong := func(name string) wire.IncidentMember {
		return wire.IncidentMember{About: wire.AboutMonitor, Name: name, Severity: wire.SeverityDown, Since: time.Now().UTC()}
	}
	for id, members := range map[string][]wire.IncidentMember{"one": {wrong("web"), wrong("api")}, "two": {wrong("web"), wrong("db")}, "over": {wrong("web")}} {
		x := wire.Incident{ID: id, State: wire.IncidentOpen, Severity: wire.SeverityDown, Members: members, N: 1, Opened: time.Now().UTC(), Decided: time.Now().UTC(), At: time.Now().UTC(), Log: []wire.Entry{}}
		if id == "over" {
			x.State, x.Resolved = wire.IncidentResolved, time.Now().UTC()
		}
		data, err := json.Marshal(x)
		m.must(err)
		_, err = js.Publish(ctx, "incidents."+id, data)
		m.must(err)
	}
	for _, c := range []struct {
		match    wire.Match
		monitors []string
		agents   []string
		text     string
	}{
		{wire.Match{Tags: map[string]string{"team": "shop"}}, []string{"api", "web"}, nil, "2 monitors and 2 open incidents, 1 of them in part: their other members are still notified"},
		{wire.Match{Tags: map[string]string{"team": "s*", "env": "prod"}}, []string{"web"}, nil, "1 monitor and 2 open incidents, in part: its other members are still notified"},
		{wire.Match{Groups: []string{"store"}}, []string{"db", "web"}, nil, "2 monitors and 2 open incidents, 1 of them in part: their other members are still notified"},
		{wire.Match{Monitors: []string{"*"}, Severity: []wire.Severity{wire.SeverityDegraded}}, []string{"api", "db", "web"}, nil, "3 monitors and 0 open incidents"},
		{wire.Match{Agents: []string{"pa*"}}, nil, []string{"paris"}, "0 monitors, 1 agent and 0 open incidents"},
		{wire.Match{Monitors: []string{"nosuch"}}, nil, nil, "0 monitors and 0 open incidents"},
		{wire.Match{}, []string{"api", "db", "web"}, nil, "3 monitors and 2 open incidents"},
	} {
		got, err := m.cl.Choose(ctx, c.match)
		if err != nil || !slices.Equal(got.Monitors, c.monitors) || !slices.Equal(got.Agents, c.agents) || got.String() != c.text || got.Empty() != (len(c.monitors)+len(c.agents) == 0) {
			t.Errorf("%s: %+v %q %v, want %v %v %q", console.MatchText(c.match), got, got, err, c.monitors, c.agents, c.text)
		}
	}
}
