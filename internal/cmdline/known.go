package cmdline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/console"
	"netmon/internal/endpoint"
	"netmon/internal/plural"
	"netmon/wire"
)

// completePatience is how long a person who pressed Tab waits for the broker.
const completePatience = 300 * time.Millisecond

// argument completes a positional argument.
func (at cursor) argument(ctx context.Context, current string) []candidate {
	if fields := Assigned(at.takes, current); fields != nil {
		if strings.Contains(current, "=") {
			return plainCandidates(fields)
		}
		names := at.others(at.known(ctx, Monitors, ""))
		if len(at.args) == 0 {
			return names
		}
		return append(names, plainCandidates(fields)...)
	}
	switch at.takes {
	case Monitors, Agents, AgentsAway, Incidents, Files:
		return at.others(at.known(ctx, at.takes, ""))
	}
	if SettingSort(at.takes) != "" {
		return at.others(at.known(ctx, at.takes, ""))
	}
	if len(at.args) == 0 {
		return at.known(ctx, at.takes, "")
	}
	return nil
}

// others leaves out what is there already.
func (at cursor) others(all []candidate) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool { return slices.Contains(at.args, c.word) })
}

// known is what an argument can be; current is what is there of it already.
func (at cursor) known(ctx context.Context, a Argument, current string) []candidate {
	switch a {
	case Files:
		return []candidate{{CompleteFiles, ""}}
	case Monitor, Monitors:
		return at.monitors(ctx)
	case Agent, Agents:
		return at.agents(ctx, false)
	case AgentsAway:
		return slices.DeleteFunc(at.agents(ctx, false), func(c candidate) bool { return strings.HasPrefix(c.about, "online") })
	case Placement:
		return at.places(ctx, current)
	case Contexts:
		return contextNames()
	case Configuration:
		return at.sets(ctx)
	case Incident, Incidents:
		return at.incidents(ctx)
	case Channel:
		return at.channels(ctx)
	case Tag:
		return at.tags(ctx)
	case Revision:
		if len(at.args) > 0 {
			return at.revisions(ctx, at.args[0])
		}
	}
	if sort := SettingSort(a); sort != "" {
		return at.settings(ctx, wire.Sort(sort))
	}
	var out []candidate
	for _, w := range Words(a) {
		word, about, _ := strings.Cut(w, "\t")
		out = append(out, candidate{word, about})
	}
	return out
}

// places completes one of a list of agents: what comes before the last comma stays.
func (at cursor) places(ctx context.Context, current string) []candidate {
	head := current[:wire.LastSelector(current)]
	out := append([]candidate{{"all", "every agent"}}, at.agents(ctx, true)...)
	for i := range out {
		out[i].word = head + out[i].word
	}
	return out
}

func contextNames() []candidate {
	f, err := endpoint.LoadContexts(endpoint.ContextsPath())
	if err != nil {
		return nil
	}
	var out []candidate
	for _, name := range f.Names() {
		out = append(out, candidate{name, endpoint.Redact(f.Contexts[name].Broker)})
	}
	return out
}

// ask asks the broker of this command line, and gives up soon and silently.
func (at cursor) ask(ctx context.Context, do func(ctx context.Context, cl *console.Client) []candidate) []candidate {
	var creds []string
	if file := at.values["creds"]; file != "" {
		creds = []string{file}
	}
	e, err := endpoint.Choose(at.values["broker"], at.values["context"], creds)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completePatience)
	defer cancel()
	answer := make(chan []candidate, 1)
	go func() { // looking up a host's name does not heed the context
		cl, err := console.ConnectAs(e.Person(), e.Connect, nats.Timeout(completePatience), nats.NoReconnect())
		if err != nil {
			answer <- nil
			return
		}
		defer cl.Close()
		answer <- do(ctx, cl)
	}()
	select {
	case out := <-answer:
		return out
	case <-time.After(completePatience):
		return nil
	}
}

func (at cursor) monitors(ctx context.Context) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return nil
		}
		names, _ := store.Names(ctx) // as many as there was time for
		return plainCandidates(names)
	})
}

func plainCandidates(words []string) []candidate {
	out := make([]candidate, len(words))
	for i, w := range words {
		out[i].word = w
	}
	return out
}

// agents are the ids of agents, and their labels where they may be.
func (at cursor) agents(ctx context.Context, labels bool) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		list, err := cl.Agents(ctx)
		if err != nil {
			return nil
		}
		var out []candidate
		count := map[string]int{}
		for _, a := range list {
			out = append(out, candidate{a.Agent, strings.TrimSpace(a.State() + " " + console.LabelText(a.Labels))})
			for k, v := range a.Labels {
				count[k+"="+v]++
			}
		}
		if labels {
			for label, n := range count {
				out = append(out, candidate{label, plural.Count(n, "agent", "agents")})
			}
		}
		slices.SortFunc(out, func(a, b candidate) int { return strings.Compare(a.word, b.word) })
		return out
	})
}

func (at cursor) sets(ctx context.Context) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		sets, err := cl.Sets(ctx)
		if err != nil {
			return nil
		}
		list, _ := sets.List(ctx)
		var out []candidate
		for _, s := range list {
			out = append(out, candidate{s.Name, plural.Count(s.Monitors, "monitor", "monitors") + ", " + console.AuthorText(s.Author)})
		}
		return out
	})
}

// incidents are those that are known, the open ones first.
func (at cursor) incidents(ctx context.Context) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		list, short, _ := cl.Incidents(ctx, console.IncidentFilter{All: true})
		var out []candidate
		for _, x := range list {
			out = append(out, candidate{short[x.ID], string(x.State) + ": " + console.SummaryText(&x)})
		}
		return out
	})
}

func (at cursor) channels(ctx context.Context) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		list, _ := cl.Channels(ctx)
		var out []candidate
		for _, x := range list {
			out = append(out, candidate{x.Channel, x.Kind})
		}
		return out
	})
}

// settings are those of a sort, with what each does.
func (at cursor) settings(ctx context.Context, sort wire.Sort) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		list, _ := cl.ListSettings(ctx, sort)
		var out []candidate
		for _, x := range list {
			out = append(out, candidate{x.SettingName(), console.SettingText(x)})
		}
		return out
	})
}

// tags are those that monitors have.
func (at cursor) tags(ctx context.Context) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return nil
		}
		list, _ := store.List(ctx)
		return plainCandidates(console.TagsOf(list))
	})
}

func (at cursor) revisions(ctx context.Context, name string) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		store, err := cl.Monitors(ctx)
		if err != nil {
			return nil
		}
		list, _ := store.History(ctx, name)
		var out []candidate
		for _, r := range list {
			if r.Saved != nil {
				out = append(out, candidate{fmt.Sprint(r.Edition), console.AuthorText(r.Saved.Author) + ": " + r.Saved.Change})
			}
		}
		return out
	})
}
