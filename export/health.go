package export

import (
	"time"

	"netmon/console"
	"netmon/wire"
)

// parts are what a model reads, by the words of netmon_part_readable.
var parts = [...]struct {
	part console.Part
	name string
}{
	{console.PartMonitors, "monitors"}, {console.PartAgents, "agents"}, {console.PartVerdicts, "verdicts"},
	{console.PartResults, "results"}, {console.PartIncidents, "incidents"},
}

func writeBuild(w *Writer, version string) {
	w.Family("netmon_build_info", "1, with the version of the netmon that answers.", Gauge)
	w.Sample(Labels{{"version", version}}, 1)
}

func writeConnected(w *Writer, is bool) {
	w.Family("netmon_broker_connected", "Whether who answers is connected to the broker at this moment.", Gauge)
	w.Sample(nil, truth(is))
}

// writeReadable writes what can be read of the mesh, and returns that.
func writeReadable(w *Writer, m Model, incidents console.IncidentList, now time.Time) (can console.Part) {
	w.Family("netmon_part_readable", "Whether a part of what the mesh knows can be read; where not, nothing of it is exported.", Gauge)
	for _, p := range parts {
		is := unreadable(m, p.part, now) == "" && (p.part != console.PartIncidents || incidents.Why == "")
		if is {
			can |= p.part
		}
		w.Sample(Labels{{"part", p.name}}, truth(is))
	}
	return can
}

// writeAgents writes how agents are, by their last heartbeats. One that was stopped on purpose is
// not there, and what one has that is away is not known.
func writeAgents(w *Writer, agents []console.Agent) {
	each := func(name, help string, number func(a *console.Agent) (float64, bool)) {
		w.Family(name, help, Gauge)
		for i := range agents {
			if a := &agents[i]; !a.Leaving && !a.Gone {
				if n, ok := number(a); ok {
					w.Sample(Labels{{"agent", a.Agent}}, n)
				}
			}
		}
	}
	each("netmon_agent_online", "Whether an agent was heard in the last 30 seconds; absent of one that was stopped on purpose.", func(a *console.Agent) (float64, bool) { return truth(a.Online), true })
	each("netmon_agent_heartbeat_timestamp_seconds", "When the last heartbeat of an agent came, in seconds since 1970.", func(a *console.Agent) (float64, bool) { return seconds(a.Seen), true })
	each("netmon_agent_set_aside", "Whether the judge does not count an agent's results: its trouble is its own.", func(a *console.Agent) (float64, bool) {
		return truth(a.Verdict != nil && a.Verdict.Status == wire.AgentAside), a.Verdict != nil
	})
	var there []*wire.Alive
	for i := range agents {
		if a := &agents[i]; a.Online {
			there = append(there, &a.Alive)
		}
	}
	writeAlive(w, there)
}

// writeAlive writes what agents say of themselves.
func writeAlive(w *Writer, agents []*wire.Alive) {
	each := func(name, help string, t Type, number func(a *wire.Alive) float64) {
		w.Family(name, help, t)
		for _, a := range agents {
			w.Sample(Labels{{"agent", a.Agent}}, number(a))
		}
	}
	each("netmon_agent_monitors", "Monitors that run on an agent.", Gauge, func(a *wire.Alive) float64 { return float64(a.Monitors) })
	each("netmon_agent_monitors_refused", "Monitors that an agent should run and cannot, at most 20.", Gauge, func(a *wire.Alive) float64 { return float64(len(a.Refused)) })
	each("netmon_agent_results_total", "Results that an agent measured since it began.", Counter, func(a *wire.Alive) float64 { return float64(a.Results) })
	each("netmon_agent_results_pending", "Results of an agent that the broker does not have yet.", Gauge, func(a *wire.Alive) float64 { return float64(a.Pending) })
	each("netmon_agent_results_dropped_total", "Results that an agent lost since it began, as its spool was full.", Counter, func(a *wire.Alive) float64 { return float64(a.Dropped) })
	each("netmon_agent_ticks_skipped_total", "Ticks that an agent made no run of their own for since it began.", Counter, func(a *wire.Alive) float64 { return float64(a.Skipped) })
	each("netmon_agent_start_time_seconds", "When an agent began, in seconds since 1970.", Gauge, func(a *wire.Alive) float64 { return seconds(a.Started) })
}
