package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console"
)

// clockOdd is a difference between clocks that people would wonder about.
const clockOdd = time.Second

// examineMesh looks at the broker and at the agents behind it.
func examineMesh(ctx context.Context, e endpoint) []finding {
	where := fmt.Sprintf("%s, by %s", redact(e.url), e.from)
	cl, err := console.ConnectAs(e.person(), e.connect, connectBy(ctx)...)
	if err != nil {
		return []finding{
			{"broker", doctorProblem, fmt.Sprintf("%s: %v", where, err), "start it there (netmon up, netmon broker), or say where it is (--broker, NETMON_BROKER, netmon context use)"},
			{"mesh", doctorUnknown, "not looked at, for want of a broker", ""},
		}
	}
	defer cl.Close()
	b, err := cl.Broker(ctx)
	if err != nil {
		return []finding{
			{"broker", doctorOK, where, ""},
			{"jetstream", doctorProblem, err.Error(), "start the NATS server with JetStream (nats-server -js), or use netmon broker"},
		}
	}
	list := []finding{{"broker", doctorOK, fmt.Sprintf("%s: nats-server %s, round trip %s", where, b.Version, console.Short(time.Duration(b.RTTNS))), ""}}
	list = append(list, examineAccess(e, cl.Conn(), time.Now())...)
	list = append(list, examineKept(b)...)
	list = append(list, examineBrokerClock(ctx, cl))
	agents, err := cl.Agents(ctx)
	if err != nil {
		return append(list, finding{"agents", doctorProblem, err.Error(), ""})
	}
	return append(list, examineAgents(agents)...)
}

// nearlyFull is when what is kept begins to push out the oldest.
const nearlyFull = 0.95

func examineKept(b console.BrokerInfo) []finding {
	var list []finding
	var missing []string
	for _, k := range b.Kept {
		if k.Problem != "" {
			missing = append(missing, k.Name)
		}
		if k.MaxBytes > 0 && float64(k.Bytes) > nearlyFull*float64(k.MaxBytes) {
			list = append(list, finding{k.Name, doctorWarning, fmt.Sprintf("holds %s of at most %s: the oldest go", byteCount(k.Bytes), byteCount(uint64(k.MaxBytes))),
				"to keep more: netmon broker --results-size SIZE"})
		}
	}
	if len(missing) > 0 {
		return append(list, finding{"jetstream", doctorProblem, "is there, but not " + strings.Join(missing, ", "), "run netmon controller beside the NATS server, in this version, or use netmon broker"})
	}
	list = append(list, finding{"jetstream", doctorOK, "is there, with netmon's streams and buckets", ""})
	if b.Leader == nil {
		return append(list, finding{"controller", doctorProblem, "none leads: an agent that returns is not told what to run", "run netmon controller, or netmon broker, which has one"})
	}
	return append(list, finding{"controller", doctorOK, fmt.Sprintf("leads from %s since %s", b.Leader.Host, b.Leader.Since.Local().Format("2006-01-02 15:04:05")), ""})
}

func examineBrokerClock(ctx context.Context, cl *console.Client) finding {
	offset, within, err := cl.ClockOffset(ctx)
	if err != nil {
		return finding{"broker clock", doctorUnknown, err.Error(), ""}
	}
	word := "ahead of"
	if offset < 0 {
		word = "behind"
	}
	found := fmt.Sprintf("this host's clock is %s %s the broker's, give or take %s", console.Short(offset.Abs()), word, console.Short(within))
	if offset.Abs() <= within {
		found = fmt.Sprintf("no difference to the broker's within %s", console.Short(within))
	}
	if offset.Abs() > clockOdd+within {
		return finding{"broker clock", doctorWarning, found, "keep both to the time, by chrony, ntpd or systemd-timesyncd"}
	}
	return finding{"broker clock", doctorOK, found, ""}
}

func examineAgents(agents []console.Agent) []finding {
	if len(agents) == 0 {
		return []finding{{"agents", doctorWarning, "none has joined in the last day", "netmon agent --broker URL --id NAME"}}
	}
	var list []finding
	versions := map[string]int{}
	online := 0
	for _, a := range agents {
		versions[a.Version]++
		if a.Online {
			online++
		}
		list = append(list, examineAgent(a)...)
	}
	head := finding{"agents", doctorOK, fmt.Sprintf("%d of %d online, all of version %s", online, len(agents), version), ""}
	if len(versions) > 1 || versions[version] == 0 {
		var parts []string
		for _, v := range slices.Sorted(maps.Keys(versions)) {
			parts = append(parts, fmt.Sprintf("%d of version %s", versions[v], v))
		}
		head = finding{"agents", doctorWarning, fmt.Sprintf("%d of %d online; %s; this program is of version %s", online, len(agents), strings.Join(parts, ", "), version),
			"bring all to one version; older and newer ones do work together"}
	}
	return append([]finding{head}, list...)
}

// examineAgent finds what is wrong with one agent; one that left is no problem.
func examineAgent(a console.Agent) []finding {
	name := "agent " + a.Agent
	var list []finding
	if !a.Online && !a.Leaving {
		return []finding{{name, doctorWarning, fmt.Sprintf("is offline, last seen %s", console.Ago(a.Seen)), "see whether it runs on " + a.Host + ", and reaches the broker"}}
	}
	if !a.Online {
		return nil
	}
	if d := a.At.Sub(a.Seen); d > clockOdd { // a heartbeat may come late, never early
		list = append(list, finding{name, doctorWarning, fmt.Sprintf("its clock is %s or more ahead of the broker's", console.Short(d)), "keep both to the time"})
	}
	if a.Dropped > 0 {
		list = append(list, finding{name, doctorWarning, fmt.Sprintf("%d results were lost, as its spool was full", a.Dropped), "netmon agent --spool-size, or see why the broker does not take them"})
	}
	for _, n := range agentNotes(a) {
		list = append(list, finding{name, doctorWarning, n, ""})
	}
	return list
}
