package judge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"netmon/wire"
)

// leastSilence is the least time after which a series is silent, however often it is measured.
const leastSilence = 15 * time.Second

// monitor is a saved monitor and all that is known of it.
type monitor struct {
	wire.Saved `json:"saved"` // without options, author and change
	Deleted    bool           `json:"deleted,omitempty"`

	Measure string `json:"measure,omitempty"` // names what is measured: results of another are not of this one
	Changed uint64 `json:"changed,omitempty"` // revision since which this is measured

	Series []*series `json:"-"` // by agent

	Holds     wire.Verdict `json:"verdict,omitzero"`    // that holds; its N counts on after the monitor is deleted
	Moves     []moment     `json:"moves,omitempty"`     // the last changes of its state, the oldest first
	Calm      moment       `json:"calm,omitzero"`       // when it is no longer flapping, if it stays as it is
	Cross     *cross       `json:"cross,omitempty"`     // the newest cross-check
	AskedBad  moment       `json:"asked_bad,omitzero"`  // when others were asked last whether it is bad
	AskedGood moment       `json:"asked_good,omitzero"` // and whether it is good again
	Waits     moment       `json:"waits,omitzero"`      // until then its parents have time to answer
	Downs     uint64       `json:"downs,omitempty"`     // names for whom it is down
	Armed     moment       `json:"armed,omitzero"`      // its timer; 0 when there is none

	rule      wire.Rule
	silence   time.Duration
	host      string // of the target
	uncertain bool   // a series is bad, and no other one was good since
	dirty     bool   // it is to be judged
	shard     int    // of the checkpoint
}

// newMonitor is a saved monitor of which nothing is known.
func newMonitor(name string) *monitor {
	m := &monitor{shard: shardOf(name)}
	m.Name = name
	return m
}

// set makes it the saved one. It says whether something else is measured from now on.
func (m *monitor) set(saved wire.Saved, anew bool) bool {
	measure := measureOf(&saved)
	anew = anew || measure != m.Measure
	if anew || saved.Revision < m.Changed { // a bucket that was recreated counts from 1
		m.Changed = saved.Revision
	}
	m.Saved, m.Measure = saved, measure
	m.Saved.Monitor = saved.WithDefaults()
	m.Options, m.Author, m.Change = nil, "", ""
	if !m.Agents.IsSome() {
		m.Chosen = nil
	}
	m.DependsOn = slices.Sorted(slices.Values(saved.DependsOn))
	m.derive()
	return anew
}

// derive fills in what follows from the saved monitor.
func (m *monitor) derive() {
	m.rule = m.Saved.Rule()
	m.silence = max(leastSilence, Silence(max(m.Every, m.Timeout).Std(), m.Timeout.Std())) // of a timeout longer than the interval, two runs take more
	m.host = hostOf(m.Target)
}

// measureOf names what a monitor measures: see [wire.Monitor.SameMeasurement].
func measureOf(m *wire.Saved) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%d\n%s", m.Kind, m.Target, m.WithDefaults().Timeout, m.Options)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// window is how many runs of a series are remembered.
func (m *monitor) window() int { return max(m.rule.Down.Of, m.rule.Up, firmly(m.rule)) }

// of is the series of an agent, nil when there is none.
func (m *monitor) of(agent string) *series {
	if i, ok := m.find(agent); ok {
		return m.Series[i]
	}
	return nil
}

func (m *monitor) find(agent string) (int, bool) {
	return slices.BinarySearchFunc(m.Series, agent, func(s *series, id string) int { return strings.Compare(s.a.id, id) })
}

// on is the series on an agent, made when there is none.
func (m *monitor) on(a *agent) *series {
	i, ok := m.find(a.id)
	if !ok {
		m.Series = slices.Insert(m.Series, i, &series{m: m, a: a})
	}
	return m.Series[i]
}

// hostOf is the host of a target, whatever its kind: of a URL, of host:port, or all of it.
// Two monitors of one host are one witness of an agent's own trouble.
func hostOf(target string) string {
	host := target
	if _, rest, ok := strings.Cut(host, "://"); ok {
		host = rest
	}
	if i := strings.IndexAny(host, "/?#"); i >= 0 {
		host = host[:i]
	}
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	switch end := strings.IndexByte(host, ']'); {
	case strings.HasPrefix(host, "[") && end > 0:
		host = host[1:end]
	case strings.Count(host, ":") == 1: // more are an IPv6 address
		host, _, _ = strings.Cut(host, ":")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
