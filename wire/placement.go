package wire

import (
	"fmt"
	"strings"
	"time"
)

// Placement says which agents run a monitor that is to run on some of those that match,
// on verdicts.placement.<monitor>: one message for each change, the newest is what holds.
// The leading controller decides it, and everybody else follows it.
type Placement struct {
	Monitor  string    `json:"monitor"`  // the last token of the subject
	Revision uint64    `json:"revision"` // of the saved monitor that it is for
	Want     int       `json:"want"`     // agents that are asked for
	Agents   []string  `json:"agents"`   // that run it, by id; fewer than Want where no more can
	At       time.Time `json:"at"`       // when this was decided, by the broker's clock, UTC
	N        uint64    `json:"n"`        // counts the placements of this monitor
	Why      string    `json:"why"`      // for people, what changed

	Refused map[string]Refusal `json:"refused,omitempty"` // by id, agents that cannot run it: others are taken as long as there are some
}

// Refusal is why an agent cannot run a monitor.
type Refusal struct {
	Why  string `json:"why"`  // what the agent said
	Life string `json:"life"` // of the agent's process and policy: with another one it is asked again
}

// PlacementSubject is where the placements of a monitor go.
func PlacementSubject(monitor string) (string, error) {
	return one(placementsPrefix, "monitor name", monitor)
}

// IsPlacement says whether what comes on subject is a placement.
func IsPlacement(subject string) bool { return strings.HasPrefix(subject, placementsPrefix) }

// DecodePlacement reads a placement that came on subject.
func DecodePlacement(subject string, data []byte) (Placement, error) {
	var p Placement
	if err := decodeVerdict(subject, data, &p); err != nil {
		return Placement{}, err
	}
	if err := p.check(); err != nil {
		return Placement{}, fmt.Errorf("decode what came on %s: %w", subject, err)
	}
	return p, belongs(subject, p.Monitor, PlacementSubject)
}

func (p *Placement) check() error {
	var all Problems
	if len(p.Agents) > MaxSome {
		all.Addf("agents", "has %d agents: want at most %d", len(p.Agents), MaxSome)
		return all.Err()
	}
	for i, id := range p.Agents {
		all.Add(fmt.Sprintf("agents[%d]", i), CheckToken(id))
	}
	for id := range p.Refused {
		all.Add("refused", CheckToken(id))
	}
	return all.Err()
}
