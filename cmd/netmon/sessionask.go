package main

import (
	"context"
	"strconv"
	"time"

	"netmon/console"
	"netmon/console/prompt"
	"netmon/internal/endpoint"
)

// askPatience is how long a person who pressed Tab waits for names.
const askPatience = 300 * time.Millisecond

// ask finds names that the prompt does not have at hand; none where the broker does not
// answer at once.
func (s *session) ask(what prompt.Takes, of string) (names []string) {
	if what == prompt.Contexts {
		f, err := endpoint.LoadContexts(endpoint.ContextsPath())
		if err != nil {
			return nil
		}
		return f.Names()
	}
	ctx, cancel := context.WithTimeout(context.Background(), askPatience)
	defer cancel()
	_, cl, _ := s.now()
	if !cl.Connected() {
		return nil
	}
	switch what {
	case prompt.Configurations:
		return setNames(ctx, cl)
	case prompt.Revisions:
		store, err := cl.Monitors(ctx)
		if err != nil {
			return nil
		}
		list, _ := store.History(ctx, of) // as many as there was time for
		for _, r := range list {
			if r.Saved != nil {
				names = append(names, strconv.FormatUint(r.Edition, 10))
			}
		}
	}
	return names
}

func setNames(ctx context.Context, cl *console.Client) (names []string) {
	sets, err := cl.Sets(ctx)
	if err != nil {
		return nil
	}
	list, _ := sets.List(ctx)
	for _, set := range list {
		names = append(names, set.Name)
	}
	return names
}
