package web

import (
	"context"
	"time"

	"netmon/console"
	"netmon/wire"
)

// stored is what a broker would answer of what no model follows.
type stored struct {
	losses    []console.AgentLoss
	last      []wire.Result
	incidents []wire.Incident
	settings  []wire.Setting
}

func (w *world) Losses(context.Context, string, []string, time.Time, time.Time, int) ([]console.AgentLoss, error) {
	return w.stored.losses, nil
}

func (w *world) Last(_ context.Context, _ string, handle func(wire.Result)) error {
	for _, r := range w.stored.last {
		handle(r)
	}
	return nil
}

func (w *world) PastIncidents(context.Context, time.Time) ([]wire.Incident, map[string]string, error) {
	return w.stored.incidents, nil, nil
}

func (w *world) ListSettings(context.Context, ...wire.Sort) ([]wire.Setting, error) {
	return w.stored.settings, nil
}
