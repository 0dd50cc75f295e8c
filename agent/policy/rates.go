package policy

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"netmon/probes"
	"netmon/wire"
)

// Load is what one monitor costs.
type Load struct {
	Host   string  // that it measures, as it names it
	Hidden bool    // it measures what a program chooses: no target's rate counts it
	Rate   float64 // probes per second
	Probes int     // of one run
}

// LoadOf is the load of a monitor by its interval.
func LoadOf(m wire.Monitor, f probes.Footprint) Load {
	return Load{Host: host(f), Hidden: f.Program.Path != "", Rate: perSecond(f.Probes, m.Every.Std()), Probes: f.Probes}
}

func host(f probes.Footprint) string {
	if len(f.Places) == 0 {
		return ""
	}
	return f.Places[0].Host
}

// Tally is the load of all that runs. It has one owner at a time.
type Tally struct {
	monitors int
	hosts    map[string]float64
	rate     float64
}

// Add counts one monitor.
func (t *Tally) Add(l Load) {
	if t.hosts == nil {
		t.hosts = map[string]float64{}
	}
	t.monitors++
	t.rate += l.Rate
	if !l.Hidden {
		t.hosts[l.Host] += l.Rate
	}
}

// Remove takes back what Add counted.
func (t *Tally) Remove(l Load) {
	t.monitors--
	t.rate -= l.Rate
	if !l.Hidden {
		if t.hosts[l.Host] -= l.Rate; t.hosts[l.Host] < rateSlack {
			delete(t.hosts, l.Host)
		}
	}
	if t.monitors == 0 {
		t.rate = 0 // sums of fractions leave a rest
	}
}

// rateSlack is what a sum of fractions may be off by.
const rateSlack = 1e-6

// Fits says whether one more monitor may run beside those of the tally.
func (p *Policy) Fits(t *Tally, l Load) error {
	var problems wire.Problems
	if most := p.file.MaxMonitors; most > 0 && t.monitors >= most {
		problems.Add("", refuse("max_monitors is %d, and that many already run", most))
	}
	over := func(most, used float64) bool { return most > 0 && used+l.Rate > most+rateSlack }
	if most := p.file.MaxRate; over(most, t.rate) {
		problems.Add("every", refuse("max_rate is %v a second: %.4g are in use, and this monitor would add %.4g", most, t.rate, l.Rate))
	}
	if most := p.file.MaxTargetRate; !l.Hidden && over(most, t.hosts[l.Host]) {
		problems.Add("every", refuse("max_target_rate is %v a second: %.4g are in use for this target, and this monitor would add %.4g", most, t.hosts[l.Host], l.Rate))
	}
	return problems.Err()
}

// demand limits probes on demand, and runs that are asked for, to what scheduled ones leave.
type demand struct {
	mu    sync.Mutex // guards what follows
	agent *rate.Limiter
	hosts map[string]*rate.Limiter
}

func newDemand(f File) *demand {
	return &demand{agent: limiter(f.MaxRate), hosts: map[string]*rate.Limiter{}}
}

// limiter lets through what one second allows at once, and one probe at least.
func limiter(most float64) *rate.Limiter {
	if most <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(most), int(math.Ceil(most)))
}

// demandHosts bounds the hosts that are remembered; those that were asked
// nothing for long are forgotten first, as they have their full allowance again.
const demandHosts = 4096

// Demand says whether one run of this load may be made now, beside those of the tally.
func (p *Policy) Demand(t *Tally, l Load, now time.Time) error {
	d := p.demand
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := spend(d.agent, "max_rate", p.file.MaxRate, t.rate, l.Probes, now); err != nil {
		return err
	}
	if p.file.MaxTargetRate <= 0 || l.Hidden {
		return nil
	}
	own := d.hosts[l.Host]
	if own == nil {
		if len(d.hosts) >= demandHosts {
			for name, h := range d.hosts {
				if h.TokensAt(now) >= float64(h.Burst()) {
					delete(d.hosts, name)
				}
			}
		}
		if len(d.hosts) >= demandHosts {
			return refuse("max_target_rate: too many targets were requested at once: try again")
		}
		own = limiter(p.file.MaxTargetRate)
		d.hosts[l.Host] = own
	}
	return spend(own, "max_target_rate", p.file.MaxTargetRate, t.hosts[l.Host], l.Probes, now)
}

func spend(l *rate.Limiter, field string, most, used float64, n int, now time.Time) error {
	if most <= 0 {
		return nil
	}
	if n > l.Burst() {
		return refuse("%s is %v a second, and this run would send %d", field, most, n)
	}
	l.SetLimitAt(now, rate.Limit(max(most-used, 0)))
	if !l.AllowN(now, n) {
		return refuse("%s is %v a second, and that limit is reached: try again", field, most)
	}
	return nil
}
