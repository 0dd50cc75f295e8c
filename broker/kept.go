package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/wire"

	"github.com/nats-io/nats.go/jetstream"
)

// Kept is how much a mesh keeps.
type Kept struct {
	Monitors, Configs int
	Settings          int // channels, rules and what else says who is notified of what
	Results           uint64
	Agents            []string // names of those of which a heartbeat is kept
}

// Count counts what a mesh keeps. What is not there yet counts as nothing.
func Count(ctx context.Context, js jetstream.JetStream) (k Kept, err error) {
	steps := []func() error{
		func() (err error) { k.Monitors, err = countKeys(ctx, js, wire.MonitorsBucket); return err },
		func() (err error) { k.Settings, err = countKeys(ctx, js, wire.AlertingBucket); return err },
		func() error {
			sets, err := js.ObjectStore(ctx, wire.ConfigsBucket)
			if err != nil {
				return err
			}
			list, err := sets.List(ctx)
			k.Configs = len(list)
			return err
		},
		func() error {
			s, err := js.Stream(ctx, wire.ResultsStream)
			if err == nil {
				k.Results = s.CachedInfo().State.Msgs
			}
			return err
		},
		func() error {
			s, err := js.Stream(ctx, wire.AgentsStream)
			if err != nil {
				return err
			}
			info, err := s.Info(ctx, jetstream.WithSubjectFilter(wire.AllAlive))
			if err != nil {
				return err
			}
			for _, subject := range slices.Sorted(maps.Keys(info.State.Subjects)) {
				k.Agents = append(k.Agents, strings.Split(subject, ".")[1])
			}
			return nil
		},
	}
	for _, step := range steps {
		err := step()
		switch {
		case err == nil, errors.Is(err, jetstream.ErrNoKeysFound), errors.Is(err, jetstream.ErrNoObjectsFound), errors.Is(err, jetstream.ErrStreamNotFound),
			errors.Is(err, jetstream.ErrBucketNotFound):
		default:
			return k, fmt.Errorf("count what is kept: %w", err)
		}
	}
	return k, nil
}

func countKeys(ctx context.Context, js jetstream.JetStream, bucket string) (n int, err error) {
	kv, err := js.KeyValue(ctx, bucket)
	if err != nil {
		return 0, err
	}
	keys, err := kv.ListKeys(ctx)
	if err != nil {
		return 0, err
	}
	for range keys.Keys() {
		n++
	}
	return n, nil
}
