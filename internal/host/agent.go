package host

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"netmon/agent"
	"netmon/agent/policy"
	"netmon/agent/spool"
	"netmon/console"
	"netmon/internal/membership"
	"netmon/internal/memory"
	"netmon/probes"
	"netmon/wire"
)

// AgentOptions are what somebody who starts an agent says of it.
type AgentOptions struct {
	Labels  map[string]string // unless it joined with others
	Spool   spool.Options
	Kinds   probes.List // what it can measure
	Policy  *policy.Policy
	File    string // that the policy is of, "" for the default
	Version string
	Domain  string // of JetStream, behind a leaf node; "" where it is to be found
	Log     *slog.Logger
	Opened  func() // called when it is connected; may be nil
	// Measured gets each result, see [agent.Options]; nil: nobody does.
	Measured func(*wire.Result)
}

// NewAgent makes an agent, which is at home in the folder state.
func NewAgent(o AgentOptions, state string, joined membership.Membership) (*agent.Agent, error) {
	labels := o.Labels
	if joined.Labels != nil {
		labels = joined.Labels
	}
	state, err := filepath.Abs(state)
	if err != nil {
		return nil, err
	}
	bodies := bodiesWithin(memoryLimit())
	o.Log.Info("memory", "most", memory.Find().String(), "bodies", fmt.Sprintf("%d MiB", bodies>>20))
	o.Log.Info("policy", "file", o.File, "says", console.PolicyText(o.Policy.Summary()))
	return agent.New(agent.Options{Kinds: o.Kinds, ID: joined.ID, Labels: labels, State: state, Policy: o.Policy, Version: o.Version, Connect: joined.Connect, Trust: joined.Trust, Rotate: joined.Rotate, Follow: joined.Follow, Log: o.Log, Opened: o.Opened, Measured: o.Measured, Domain: o.Domain,
		Spool: o.Spool, Bodies: bodies})
}

// RunAgent runs an agent until ctx ends, and keeps the heap of this process small
// meanwhile.
func RunAgent(ctx context.Context, a *agent.Agent) error {
	balance, stop := context.WithCancel(ctx)
	var balancing sync.WaitGroup
	defer balancing.Wait()
	defer stop()
	balancing.Go(func() { balanceHeap(balance) })
	defer limitMemory(memory.Find())()
	return a.Run(ctx)
}
