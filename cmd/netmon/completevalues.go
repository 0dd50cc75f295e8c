package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/urfave/cli/v2"

	"netmon/console"
)

// completePatience is how long a person who pressed Tab waits for the broker.
const completePatience = 300 * time.Millisecond

// argument completes a positional argument.
func (at cursor) argument(ctx context.Context) []candidate {
	switch strings.Join(at.path, " ") {
	case "start", "stop", "delete", "watch", "get monitor", "get results":
		return at.others(at.monitors(ctx))
	case "agents forget":
		return at.others(slices.DeleteFunc(at.agents(ctx, false), func(c candidate) bool { return strings.HasPrefix(c.about, "online") }))
	case "history", "rollback", "check", "wait", "show", "edit", "edit monitor":
		if len(at.args) == 0 {
			return at.monitors(ctx)
		}
	case "config save", "config use", "config rm", "config export":
		if len(at.args) == 0 {
			return at.sets(ctx)
		}
	case "context use", "context rm":
		if len(at.args) == 0 {
			return contextNames()
		}
	case "schema":
		var out []candidate
		for _, k := range listKinds() {
			out = append(out, candidate{k.name, "of " + k.commands})
		}
		return out
	case "up", "apply", "diff", "validate":
		return []candidate{{completeFiles, ""}}
	}
	return nil
}

// others leaves out what stands there already.
func (at cursor) others(all []candidate) []candidate {
	return slices.DeleteFunc(all, func(c candidate) bool { return slices.Contains(at.args, c.word) })
}

// valuesOf completes the value of a flag.
func (at cursor) valuesOf(ctx context.Context, f cli.Flag, current string) []candidate {
	switch name := f.Names()[0]; name {
	case "output", "for":
		return forms(f)
	case "need":
		return []candidate{{"any", ""}, {"all", ""}}
	case "log":
		return []candidate{{"debug", ""}, {"info", ""}, {"warn", ""}, {"error", ""}}
	case "file", "creds", "config", "store", "state":
		return []candidate{{completeFiles, ""}}
	case "context":
		return contextNames()
	case "agent":
		return at.agents(ctx, false)
	case "from":
		if slices.Contains(at.path, "probe") {
			return at.places(ctx, current)
		}
	case "on", "except", "selector":
		return at.places(ctx, current)
	case "to":
		if len(at.args) > 0 && slices.Equal(at.path, []string{"rollback"}) {
			return at.revisions(ctx, at.args[0])
		}
	}
	return nil
}

// places completes one of a list of agents: what stands before the last comma stays.
func (at cursor) places(ctx context.Context, current string) []candidate {
	head := current[:max(strings.LastIndex(current, ","), strings.LastIndex(current, ";"))+1]
	out := append([]candidate{{"all", "every agent"}}, at.agents(ctx, true)...)
	for i := range out {
		out[i].word = head + out[i].word
	}
	return out
}

// forms reads the forms of an output flag from its help.
func forms(f cli.Flag) []candidate {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return nil
	}
	_, list, _ := strings.Cut(d.GetUsage(), ": ")
	var out []candidate
	for form := range strings.SplitSeq(list, ", ") {
		word, _, _ := strings.Cut(form, " ")
		out = append(out, candidate{word, ""})
	}
	return out
}

func contextNames() []candidate {
	f, err := loadContexts(contextsPath())
	if err != nil {
		return nil
	}
	var out []candidate
	for _, name := range f.names() {
		out = append(out, candidate{name, redact(f.Contexts[name].Broker)})
	}
	return out
}

// ask asks the broker of this command line, and gives up soon and silently.
func (at cursor) ask(ctx context.Context, do func(ctx context.Context, cl *console.Client) []candidate) []candidate {
	var creds []string
	if file := at.values["creds"]; file != "" {
		creds = []string{file}
	}
	e, err := chooseEndpoint(at.values["broker"], at.values["context"], creds)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completePatience)
	defer cancel()
	answer := make(chan []candidate, 1)
	go func() { // looking up a host's name does not heed the context
		cl, err := console.ConnectAs(e.person(), e.connect, nats.Timeout(completePatience), nats.NoReconnect())
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

// agents are the ids of agents, and their labels where they may stand.
func (at cursor) agents(ctx context.Context, labels bool) []candidate {
	return at.ask(ctx, func(ctx context.Context, cl *console.Client) []candidate {
		list, err := cl.Agents(ctx)
		if err != nil {
			return nil
		}
		var out []candidate
		count := map[string]int{}
		for _, a := range list {
			out = append(out, candidate{a.Agent, strings.TrimSpace(a.State() + " " + labelText(a.Labels))})
			for k, v := range a.Labels {
				count[k+"="+v]++
			}
		}
		if labels {
			for label, n := range count {
				out = append(out, candidate{label, fmt.Sprintf("%d agents", n)})
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
			out = append(out, candidate{s.Name, fmt.Sprintf("%d monitors, %s", s.Monitors, s.Author)})
		}
		return out
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
				out = append(out, candidate{fmt.Sprint(r.Revision), r.Saved.Author + ": " + r.Saved.Change})
			}
		}
		return out
	})
}
