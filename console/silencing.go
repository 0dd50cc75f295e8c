package console

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"netmon/wire"
)

// SilencesOf are silences of all that is wrong in an incident, for so long from now:
// one for its monitors, one for its groups and one for its agents, as all that a match
// has must fit.
func SilencesOf(x *wire.Incident, d time.Duration, text string, now time.Time) ([]wire.Silence, error) {
	var monitors, groups, agents []string
	for _, m := range x.Members {
		if !m.Wrong() {
			continue
		}
		list := &monitors
		switch m.About {
		case wire.AboutMonitor, wire.AboutCertificate, wire.AboutSLO:
		case wire.AboutGroup:
			list = &groups
		case wire.AboutAgent, wire.AboutDropped:
			list = &agents
		default:
			return nil, fmt.Errorf("%s is no monitor, group or agent: netmon silence mutes it by severity", MemberTitle(&m))
		}
		if !slices.Contains(*list, m.Name) {
			*list = append(*list, m.Name)
		}
	}
	if most := max(len(monitors), len(groups), len(agents)); most > wire.MaxSelector || x.More > 0 {
		return nil, fmt.Errorf("%d members are too many to name: netmon silence --tag NAME=VALUE mutes them", TotalMembers(x))
	}
	var out []wire.Silence
	for _, match := range []wire.Match{{Monitors: monitors}, {Groups: groups}, {Agents: agents}} {
		if !match.Empty() {
			out = append(out, wire.Silence{Match: match, From: now.UTC(), Until: now.Add(d).UTC(), Text: text})
		}
	}
	if len(out) == 0 {
		return nil, errors.New("nothing of it is wrong now")
	}
	return out, nil
}
