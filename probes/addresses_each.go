package probes

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"netmon/probes/internal/figures"
	"netmon/wire"
)

// What the option addresses may say.
const (
	addressesFirst = "first"
	addressesEach  = "each"
)

// oneOfAll is the one address that a run measures, of those that its target's
// name has.
type oneOfAll struct {
	host string // the target's, see [CanonicalHost]
	addr netip.Addr
	took time.Duration // of the lookup
	age  *int64        // see Run.ResolveAge
}

// LookupTime is how long the lookup took that was made for this run before it began.
func (r *Run) LookupTime() time.Duration {
	if r.only == nil {
		return 0
	}
	return r.only.took
}

// eachPossible says why each address of a target cannot be measured. f is the
// monitor's footprint.
func (c Common) eachPossible(f Footprint) error {
	var p wire.Problems
	switch {
	case c.Addresses != addressesEach:
	case len(f.Places) > 1:
		p.Addf("addresses", "%q cannot be used with a proxy, which chooses the address: leave it out", c.Addresses)
	case len(f.Places) == 0 || f.Places[0].Host == "":
		p.Addf("addresses", "%q needs a name whose addresses are measured, and the system's resolvers have none: name a server, or leave it out", c.Addresses)
	}
	return p.Err()
}

// measuresEach says whether runs measure every address of a name.
func (c *Check) measuresEach() bool {
	if c.asked.common().Addresses != addressesEach {
		return false
	}
	_, err := netip.ParseAddr(targetHost(c.asked.Footprint(c.target)))
	return err != nil
}

// runEach looks the target's name up and measures all of its addresses at the
// same time, each for itself and with the whole of the time. The result is that
// of one of them, see decidedBy, with what came of all. It costs a goroutine for
// each address while the run lasts.
func (c *Check) runEach(ctx context.Context, onStep func(Step)) wire.Result {
	run := &Run{Target: c.target, Env: c.env, named: c.named, onStep: onStep, Started: time.Now()}
	place := c.asked.Footprint(c.target).Places[0]
	addrs, took, err := c.asked.common().Resolve(ctx, run, place.Network, place.Host, place.Port)
	if err != nil {
		return c.buildResult(run, time.Since(run.Started), nil, err, ctx.Err() != nil)
	}
	more := max(len(addrs)-mostAddresses, 0)
	addrs = addrs[:len(addrs)-more]
	if more > 0 {
		run.Stepf("measuring the first %d addresses of %d", len(addrs), len(addrs)+more)
	}
	prev, _ := c.prev.(keptOfEach)
	runs, results := make([]*Run, len(addrs)), make([]wire.Result, len(addrs))
	var all sync.WaitGroup
	for i, a := range addrs {
		one := &Run{Target: c.target, Env: c.env, Prev: prev[a], named: c.named, notes: slices.Clip(run.notes), Started: time.Now(),
			only: &oneOfAll{host: place.Host, addr: a, took: took, age: run.resolved}}
		if onStep != nil {
			one.onStep = func(s Step) {
				s.At, s.Text = time.Since(run.Started), a.String()+": "+s.Text
				onStep(s)
			}
		}
		runs[i] = one
		all.Go(func() {
			d, err := c.recoverPanic(ctx, one)
			results[i] = c.buildResult(one, time.Since(one.Started), d, err, ctx.Err() != nil)
		})
	}
	all.Wait()
	kept := make(keptOfEach, len(addrs))
	for i, a := range addrs {
		kept[a] = runs[i].kept
		delete(prev, a)
	}
	_ = prev.Close() // of addresses that the name no longer has
	c.prev = kept
	return c.together(run, addrs, results, more)
}

// keptOfEach is what the runs of the addresses left for the next ones.
type keptOfEach map[netip.Addr]any

// Close implements io.Closer for what must be closed of it.
func (k keptOfEach) Close() error {
	var errs []error
	for _, v := range k {
		errs = append(errs, closeKept(v))
	}
	return errors.Join(errs...)
}

// together makes one result of those of several addresses.
func (c *Check) together(run *Run, addrs []netip.Addr, results []wire.Result, more int) wire.Result {
	shared := Shared{Name: c.name, Note: run.NoteText(), AddressesMore: more}
	var bad []string
	k := decidedBy(results)
	r := results[k]
	for i, one := range results {
		shared.Addresses = append(shared.Addresses, AddressFigures{
			Address: addrs[i].String(), Outcome: one.Outcome, Failure: one.Failure, Error: figures.Clip(one.Error), NS: one.ElapsedNS,
			LatencyNS: one.LatencyNS, CertExpires: one.CertExpires,
		})
		if one.Outcome == r.Outcome && one.Outcome != wire.OK {
			bad = append(bad, addrs[i].String())
		}
		if one.CertExpires != nil && (r.CertExpires == nil || one.CertExpires.Before(*r.CertExpires)) {
			r.CertExpires = one.CertExpires
		}
	}
	n, of := len(results), fmt.Sprint(len(results))
	if more > 0 {
		of = fmt.Sprintf("the first %d", n)
	}
	r.Address = addrs[k].String()
	switch {
	case r.Outcome != wire.OK:
		r.Error = fmt.Sprintf("%d of %s addresses %s (%s): %s: %s", len(bad), of, r.Outcome, strings.Join(bad, ", "), addrs[k], r.Error)
		r.Summary = strings.TrimSuffix(fmt.Sprintf("%d of %s addresses %s, %s: %s", len(bad), of, r.Outcome, addrs[k], r.Summary), ": ")
	case n > 1:
		r.Summary = fmt.Sprintf("%s addresses ok, the slowest %s: %s", of, addrs[k], r.Summary)
	}
	r.Started, r.ElapsedNS = run.Started.UTC(), int64(time.Since(run.Started))
	if data, err := shared.with(r.Details); err == nil {
		r.Details = data
	}
	run.Stepf("%s", verdict(r))
	return r
}

// decidedBy is the index of the result that stands for all: the first that
// failed, else the first that is broken, else the slowest.
func decidedBy(results []wire.Result) int {
	slowest := 0
	for _, outcome := range []wire.Outcome{wire.Failed, wire.Broken} {
		for i, r := range results {
			if r.Outcome == outcome {
				return i
			}
		}
	}
	took := func(r wire.Result) time.Duration {
		if d, ok := r.Latency(); ok {
			return d
		}
		return r.Elapsed()
	}
	for i, r := range results {
		if took(r) > took(results[slowest]) {
			slowest = i
		}
	}
	return slowest
}
