package doctor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"netmon/console"
	"netmon/internal/endpoint"
	"netmon/internal/plural"
	"netmon/internal/timetext"
)

// clockOdd is a difference between clocks that people would wonder about.
const clockOdd = time.Second

// examineMesh looks at the broker and at the agents behind it.
func examineMesh(ctx context.Context, o Options) []Finding {
	e := o.Endpoint
	if o.Refused {
		return []Finding{{"mesh", Unknown, "not checked: the broker refuses the credentials", ""}}
	}
	where := fmt.Sprintf("%s, by %s", endpoint.Redact(e.URL), e.From)
	cl, err := console.ConnectAs(e.Person(), e.Connect, endpoint.ConnectBy(ctx)...)
	if err != nil {
		return []Finding{
			{"broker", Problem, fmt.Sprintf("%s: %v", where, err), "start it there (netmon up, netmon broker), or say where it is (--broker, NETMON_BROKER, netmon context use)"},
			{"mesh", Unknown, "not checked without a broker", ""},
		}
	}
	defer cl.Close()
	b, err := cl.Broker(ctx)
	if err != nil {
		return []Finding{
			{"broker", OK, where, ""},
			{"jetstream", Problem, err.Error(), "start the NATS server with JetStream (nats-server -js), or use netmon broker"},
		}
	}
	list := []Finding{{"broker", OK, fmt.Sprintf("%s: nats-server %s, round trip %s", where, b.Version, console.Short(time.Duration(b.RTTNS))), ""}}
	list = append(list, examineAccess(e, cl.Conn(), time.Now())...)
	list = append(list, examineKept(b)...)
	if b.Files != nil {
		list = append(list, examineKeptFiles(*b.Files))
	}
	list = append(list, examineBrokerClock(ctx, cl), examineHistory(ctx, cl, time.Now()))
	agents, err := cl.Agents(ctx)
	if err != nil {
		return append(list, Finding{"agents", Problem, err.Error(), ""})
	}
	list = append(list, examineAgents(agents, o.Version)...)
	list = append(list, examineSkips(ctx, cl, agents)...)
	return append(list, examineNotices(ctx, cl, agents)...)
}

// nearlyFull is when what is kept begins to push out the oldest.
const nearlyFull = 0.95

func examineKept(b console.BrokerInfo) []Finding {
	var list []Finding
	var missing []string
	for _, k := range b.Kept {
		if k.Problem != "" {
			missing = append(missing, k.Name)
		}
		if k.MaxBytes > 0 && float64(k.Bytes) > nearlyFull*float64(k.MaxBytes) {
			list = append(list, Finding{k.Name, Warning, fmt.Sprintf("holds %s of at most %s: the oldest entries are being deleted", console.ByteCount(k.Bytes), console.ByteCount(uint64(k.MaxBytes))),
				"to keep more: netmon broker --results-size SIZE"})
		}
	}
	if len(missing) > 0 {
		return append(list, Finding{"jetstream", Problem, "runs, but without " + strings.Join(missing, ", "), "run netmon controller beside the NATS server, in this version, or use netmon broker"})
	}
	list = append(list, Finding{"jetstream", OK, "runs, with netmon's streams and buckets", ""})
	if b.Leader == nil {
		return append(list, Finding{"controller", Problem, "none leads: an agent that returns does not learn what to run", "run netmon controller, or netmon broker, which has one"})
	}
	return append(list, Finding{"controller", OK, fmt.Sprintf("leads from %s since %s", b.Leader.Host, timetext.Zoned(b.Leader.Since)), ""})
}

func examineBrokerClock(ctx context.Context, cl *console.Client) Finding {
	offset, within, err := cl.ClockOffset(ctx)
	if err != nil {
		return Finding{"broker clock", Unknown, err.Error(), ""}
	}
	word := "ahead of"
	if offset < 0 {
		word = "behind"
	}
	found := fmt.Sprintf("this host's clock is %s %s the broker's, give or take %s", console.Short(offset.Abs()), word, console.Short(within))
	if offset.Abs() <= within {
		found = fmt.Sprintf("this host's clock agrees with the broker's within %s", console.Short(within))
	}
	if offset.Abs() > clockOdd+within {
		return Finding{"broker clock", Warning, found, "synchronise both, with chrony, ntpd or systemd-timesyncd"}
	}
	return Finding{"broker clock", OK, found, ""}
}

func examineAgents(agents []console.Agent, version string) []Finding {
	if len(agents) == 0 {
		return []Finding{{"agents", Warning, "none has joined in the last day", "netmon agent --broker URL --id NAME"}}
	}
	var list []Finding
	versions := map[string]int{}
	online := 0
	for _, a := range agents {
		versions[a.Version]++
		if a.Online {
			online++
		}
		list = append(list, examineAgent(a)...)
	}
	head := Finding{"agents", OK, fmt.Sprintf("%d of %d online, all of version %s", online, len(agents), version), ""}
	if len(versions) > 1 || versions[version] == 0 {
		var parts []string
		for _, v := range slices.Sorted(maps.Keys(versions)) {
			parts = append(parts, fmt.Sprintf("%d of version %s", versions[v], v))
		}
		head = Finding{"agents", Warning, fmt.Sprintf("%d of %d online; %s; this program is of version %s", online, len(agents), strings.Join(parts, ", "), version),
			"update all to one version; older and newer ones do work together"}
	}
	return append([]Finding{head}, list...)
}

// examineAgent finds what is wrong with one agent; one that left is not a problem.
func examineAgent(a console.Agent) []Finding {
	name := "agent " + a.Agent
	var list []Finding
	if !a.Online && !a.Leaving {
		return []Finding{{name, Warning, fmt.Sprintf("is offline, last seen %s", console.Ago(a.Seen)), "check whether it runs on " + a.Host + ", and reaches the broker"}}
	}
	if !a.Online {
		return nil
	}
	if d := console.ClockOff(a); d != 0 {
		list = append(list, Finding{name, Warning, "its clock is " + console.OffText(d) + ", by this host's", "synchronise both, with chrony, ntpd or systemd-timesyncd"})
	}
	if a.Dropped > 0 {
		list = append(list, Finding{name, Warning, plural.Count(a.Dropped, "result was", "results were") + " lost, as its spool was full", "netmon agent --spool-size, or find out why the broker does not accept them"})
	}
	for _, n := range console.AgentNotes(a) {
		list = append(list, Finding{name, Warning, n, ""})
	}
	return list
}
