package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Rule is how a monitor is judged. What is absent has the judge's default.
type Rule struct {
	Quorum     Quorum      `json:"quorum,omitzero"`        // how many agents have to find it bad: majority (default), any, all, a number, a percentage, or {distinct: LABEL, n: N}
	Down       Strikes     `json:"down,omitzero"`          // bad runs of the last ones that make it bad for an agent, such as 2/3 (default)
	Up         int         `json:"up,omitempty" zero:"no"` // good runs in a row that make it good again; default 2
	Crosscheck *Crosscheck `json:"crosscheck,omitempty"`   // how many other agents measure at once after a first bad run; default 3; off
}

// Defaults of a rule.
const (
	DefaultUp         = 2
	DefaultCrosscheck = 3
	MaxStrikes        = 20 // runs that a rule looks back
	MaxCrosscheck     = 20
)

// DefaultDown is two bad runs of three.
var DefaultDown = Strikes{Bad: 2, Of: 3}

// WithDefaults returns r with nothing absent.
func (r Rule) WithDefaults() Rule {
	if r.Quorum == (Quorum{}) {
		r.Quorum = Quorum{Kind: QuorumMajority}
	}
	if r.Down == (Strikes{}) {
		r.Down = DefaultDown
	}
	if r.Up == 0 {
		r.Up = DefaultUp
	}
	if r.Crosscheck == nil {
		n := Crosscheck(DefaultCrosscheck)
		r.Crosscheck = &n
	}
	return r
}

// Validate reports every mistake.
func (r Rule) Validate() error {
	var p Problems
	p.Add("quorum", r.Quorum.Validate())
	if r.Down != (Strikes{}) && (r.Down.Bad < 1 || r.Down.Of < r.Down.Bad || r.Down.Of > MaxStrikes) {
		p.Addf("down", "want BAD/RUNS such as 2/3, of at most %d runs, got %q", MaxStrikes, r.Down)
	}
	if r.Up < 0 || r.Up > MaxStrikes {
		p.Addf("up", "want 1 to %d good runs in a row, got %d", MaxStrikes, r.Up)
	}
	if r.Crosscheck != nil && (*r.Crosscheck < 0 || *r.Crosscheck > MaxCrosscheck) {
		p.Addf("crosscheck", "want off or 1 to %d agents, got %d", MaxCrosscheck, *r.Crosscheck)
	}
	return p.Err()
}

// QuorumKind is how a quorum counts.
type QuorumKind uint8

// The ways to count. The zero value is none.
const (
	QuorumMajority QuorumKind = 1 + iota // more than half of the able agents
	QuorumAny                            // one
	QuorumAll                            // all able ones
	QuorumNumber                         // N
	QuorumPercent                        // N percent of the able ones, rounded up
	QuorumDistinct                       // N different values of the label Label
)

// Quorum is how many able agents have to find a monitor bad for it to be down.
//
// In JSON and YAML it is written majority, any, all, 2, 60% or {distinct: region, n: 2}.
type Quorum struct {
	Kind  QuorumKind
	N     int
	Label string
}

const quorumForms = "want majority, any, all, a number such as 2, a percentage such as 60%, or {distinct: LABEL, n: NUMBER}"

// ParseQuorum reads what String writes.
func ParseQuorum(s string) (Quorum, error) {
	switch s {
	case "majority":
		return Quorum{Kind: QuorumMajority}, nil
	case "any":
		return Quorum{Kind: QuorumAny}, nil
	case "all":
		return Quorum{Kind: QuorumAll}, nil
	}
	q := Quorum{Kind: QuorumNumber}
	number := s
	if label, n, ok := strings.Cut(s, ":"); ok { // region:2
		q, number = Quorum{Kind: QuorumDistinct, Label: label}, n
	} else if n, ok := strings.CutSuffix(s, "%"); ok {
		q.Kind, number = QuorumPercent, n
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return Quorum{}, fmt.Errorf("%s, got %q", quorumForms, Clip(s, 60))
	}
	q.N = n
	return q, q.Validate()
}

// String is the quorum in one word; {distinct: region, n: 2} is region:2.
func (q Quorum) String() string {
	switch q.Kind {
	case QuorumMajority:
		return "majority"
	case QuorumAny:
		return "any"
	case QuorumAll:
		return "all"
	case QuorumNumber:
		return strconv.Itoa(q.N)
	case QuorumPercent:
		return strconv.Itoa(q.N) + "%"
	case QuorumDistinct:
		return q.Label + ":" + strconv.Itoa(q.N)
	}
	return ""
}

// Validate says why q is none. The zero value is the default.
func (q Quorum) Validate() error {
	switch q.Kind {
	case QuorumNumber:
		if q.N < 1 {
			return fmt.Errorf("want at least 1 agent, got %d", q.N)
		}
	case QuorumPercent:
		if q.N < 1 || q.N > 100 {
			return fmt.Errorf("want 1%% to 100%%, got %d%%", q.N)
		}
	case QuorumDistinct:
		if err := CheckToken(q.Label); err != nil {
			return fmt.Errorf("distinct: label %w", err)
		}
		if q.N < 1 {
			return fmt.Errorf("n: want at least 1 value of %s, got %d", q.Label, q.N)
		}
	}
	return nil
}

// Need is how many of so many able agents it takes, at least 1; of [QuorumDistinct]
// it is how many values of the label.
func (q Quorum) Need(able int) int {
	switch q.Kind {
	case QuorumAny:
		return 1
	case QuorumAll:
		return max(1, able)
	case QuorumNumber, QuorumDistinct:
		return q.N
	case QuorumPercent:
		return max(1, (able*q.N+99)/100)
	}
	return able/2 + 1
}

type distinctForm struct {
	Distinct string `json:"distinct"`
	N        int    `json:"n"`
}

// MarshalJSON writes the form that people write.
func (q Quorum) MarshalJSON() ([]byte, error) {
	switch q.Kind {
	case QuorumNumber:
		return json.Marshal(q.N)
	case QuorumDistinct:
		return json.Marshal(distinctForm{q.Label, q.N})
	}
	return json.Marshal(q.String())
}

// UnmarshalJSON reads any of the forms. It is strict: a part that it does not know
// could be the one that says when to be silent.
func (q *Quorum) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var n int
	if json.Unmarshal(b, &n) == nil {
		*q = Quorum{Kind: QuorumNumber, N: n}
		return q.Validate()
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		parsed, err := ParseQuorum(s)
		*q = parsed
		return err
	}
	var form distinctForm
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&form); err != nil {
		return fmt.Errorf("%s, got %s", quorumForms, short(b))
	}
	*q = Quorum{Kind: QuorumDistinct, N: form.N, Label: form.Distinct}
	return q.Validate()
}

// Strikes is so many bad runs of the last so many, written 2/3.
type Strikes struct{ Bad, Of int }

func (s Strikes) String() string { return strconv.Itoa(s.Bad) + "/" + strconv.Itoa(s.Of) }

// MarshalText writes the form that UnmarshalText reads.
func (s Strikes) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads 2/3.
func (s *Strikes) UnmarshalText(b []byte) error {
	bad, of, ok := strings.Cut(string(b), "/")
	x, err1 := strconv.Atoi(bad)
	y, err2 := strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || x < 1 || y < x || y > MaxStrikes {
		return fmt.Errorf("want BAD/RUNS such as 2/3, of at most %d runs, got %q", MaxStrikes, Clip(string(b), 60))
	}
	*s = Strikes{x, y}
	return nil
}

// UnmarshalJSON reads a string; anything else is refused by what is wanted.
func (s *Strikes) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("want BAD/RUNS such as 2/3, of at most %d runs, got %s", MaxStrikes, short(b))
	}
	return s.UnmarshalText([]byte(text))
}

// Crosscheck is how many other agents measure at once; 0 is written off.
type Crosscheck int

// MarshalJSON writes a number or off.
func (c Crosscheck) MarshalJSON() ([]byte, error) {
	if c == 0 {
		return []byte(`"off"`), nil
	}
	return json.Marshal(int(c))
}

// UnmarshalJSON reads a number or off. YAML's off is its false.
func (c *Crosscheck) UnmarshalJSON(b []byte) error {
	var n int
	switch {
	case string(b) == "null":
		return nil
	case string(b) == `"off"`, string(b) == "false":
		*c = 0
		return nil
	case json.Unmarshal(b, &n) == nil && n >= 1 && n <= MaxCrosscheck:
		*c = Crosscheck(n)
		return nil
	}
	return fmt.Errorf("want off or 1 to %d agents, got %s", MaxCrosscheck, short(b))
}
