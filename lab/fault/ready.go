package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// patience is how long ready waits in all.
const patience = 2 * time.Minute

func cities() []string { return []string{"paris", "tokyo", "oregon"} }

// ready returns when every city is online and has delivered a result, measured
// from now on, of as many monitors as it runs.
func (l *lab) ready(ctx context.Context, _ string) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for said := ""; ; pause(ctx, time.Second) {
		waits, total, err := l.waits(ctx, begin)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Errorf("not ready after %v: %s", patience, said)
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			waits = "waits for the console: " + err.Error()
		case waits == "":
			fmt.Fprintf(l.out, "ready after %.0f s: %d monitors on %d agents, and a result of each\n", time.Since(begin).Seconds(), total, len(cities()))
			return nil
		}
		if waits != said {
			said = waits
			fmt.Fprintln(l.out, waits)
		}
	}
}

// reported counts, by agent, the monitors that a result came from since then.
func (l *lab) reported(ctx context.Context, console string, since time.Time) (map[string]map[string]bool, error) {
	out, err := docker(ctx, "exec", console, "netmon", "get", "results", "--from", since.UTC().Format(time.RFC3339), "-o", "ndjson")
	if err != nil {
		return nil, err
	}
	seen := map[string]map[string]bool{}
	for line := range strings.Lines(out) {
		var r struct{ Agent, Monitor string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, err
		}
		if seen[r.Agent] == nil {
			seen[r.Agent] = map[string]bool{}
		}
		seen[r.Agent][r.Monitor] = true
	}
	return seen, nil
}

// waits says in words what is still missing, and how many monitors run.
func (l *lab) waits(ctx context.Context, begin time.Time) (string, int, error) {
	id, err := l.container(ctx, "console")
	if err != nil {
		return "", 0, err
	}
	out, err := docker(ctx, "exec", id, "netmon", "get", "agents", "-o", "json")
	if err != nil {
		return "", 0, err
	}
	var list struct {
		Items []struct {
			Agent, State string
			Monitors     int
		}
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return "", 0, err
	}
	seen, err := l.reported(ctx, id, begin)
	if err != nil {
		return "", 0, err
	}
	missing, total := cities(), 0
	var waits []string
	for _, a := range list.Items {
		if a.State != "online" {
			continue
		}
		missing = slices.DeleteFunc(missing, func(city string) bool { return city == a.Agent })
		total += a.Monitors
		if n := len(seen[a.Agent]); a.Monitors == 0 || n < a.Monitors {
			waits = append(waits, fmt.Sprintf("%s (%d of %d monitors)", a.Agent, n, a.Monitors))
		}
	}
	waits = append(waits, missing...)
	if len(waits) == 0 {
		return "", total, nil
	}
	slices.Sort(waits)
	return "waits for " + strings.Join(waits, ", "), total, nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
