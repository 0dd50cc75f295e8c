package probes

import (
	"errors"
	"io"
	"time"

	"netmon/probes/engine"
)

// EnginesOf returns the engines that env shares.
func EnginesOf(env *Env) (*engine.Engines, error) {
	if env == nil {
		return nil, errors.New("nothing is shared")
	}
	keepStamps(env)
	e, err := env.Shared("engines", func() (io.Closer, error) { return engine.StartEngines() })
	if err != nil {
		return nil, err
	}
	return e.(*engine.Engines), nil
}

// keepStamps makes sure that env keeps the kernel taking the times at which
// packets come. Without it times are as true as they can be.
func keepStamps(env *Env) {
	if env != nil {
		env.Shared("stamps", func() (io.Closer, error) { return engine.StartStamps() })
	}
}

// StopContext is the context of what a run by Start goes over to in a goroutine.
// It ends when its stop is called: see [Pending.Stop].
func (r *Run) StopContext() *engine.StopContext {
	var end time.Time
	if r.timeout > 0 {
		end = r.Started.Add(r.timeout)
	}
	return engine.NewStopContext(end)
}
