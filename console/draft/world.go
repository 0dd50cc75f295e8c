package draft

import (
	"net"
	"net/url"
	"strings"

	"netmon/console"
	"netmon/console/flow"
	"netmon/probes"
	"netmon/wire"
)

// World is what adding a monitor step by step has to know: the kinds, and the saved
// monitors and agents of a mesh whose broker is at this URL.
func World(kinds probes.List, monitors []wire.Saved, agents []console.Agent, broker string) flow.World {
	w := flow.World{Check: func(d flow.Draft) error { return Check(kinds, d) }, Name: DefaultName, Tags: console.TagsOf(monitors)}
	host, port := hostPort(broker)
	for _, k := range kinds {
		fk := flow.Kind{Name: k.Name, Doc: k.Doc, Target: k.Target, Example: k.Example, MinEvery: k.MinEvery}
		if k.Propose != nil && host != "" {
			fk.Propose = k.Propose(host, port)
		}
		for _, o := range k.Options {
			if !strings.Contains(o.Path, "[]") && o.Type != "object" {
				fk.Options = append(fk.Options, flow.Option{Name: FlagName(o), Path: o.Path, Type: o.Type, Default: o.Default, Help: o.Help})
			}
		}
		for _, path := range k.Main {
			fk.Main = append(fk.Main, FlagName(probes.Field{Path: path}))
		}
		w.Kinds = append(w.Kinds, fk)
		if k.Usual {
			w.Usual = k.Name
		}
	}
	for _, m := range monitors {
		w.Taken = append(w.Taken, m.Name)
	}
	for _, a := range agents {
		w.Agents = append(w.Agents, flow.Agent{ID: a.Agent, Labels: a.Labels, Online: a.Online})
	}
	return w
}

// hostPort takes the first of a broker's URLs apart; host is "" where there is none.
func hostPort(broker string) (host, port string) {
	first, _, _ := strings.Cut(broker, ",")
	u, err := url.Parse(first)
	if err != nil || u.Hostname() == "" {
		return "", ""
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		return "", ""
	}
	if port = u.Port(); port == "" {
		port = "4222"
	}
	return u.Hostname(), port
}
