package wire

import (
	"encoding/json"
	"fmt"
)

// Group is a set of monitors with a verdict of its own.
type Group struct {
	Name string    `json:"name"`           // a token; no monitor has it
	Of   []string  `json:"of"`             // monitors
	Rule GroupRule `json:"rule,omitempty"` // how many of them have to be down for it to be down: any (default), all or a number
	Saving
}

// GroupRule is any, all or a number.
type GroupRule string

// UnmarshalJSON reads a number, too.
func (r *GroupRule) UnmarshalJSON(data []byte) error {
	var n int
	if json.Unmarshal(data, &n) == nil {
		*r = GroupRule(utoa(uint64(max(n, 0))))
		return nil
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("want any, all or a number, got %s", short(data))
	}
	*r = GroupRule(s)
	return nil
}

// Need is how many of so many monitors have to be down.
func (r GroupRule) Need(of int) (int, error) {
	switch r {
	case "", "any":
		return 1, nil
	case "all":
		return max(1, of), nil
	}
	var n int
	if _, err := fmt.Sscanf(string(r), "%d", &n); err != nil || n < 1 || utoa(uint64(n)) != string(r) {
		return 0, fmt.Errorf("want any, all or a number such as 2, got %q", Clip(string(r), MaxToken))
	}
	return n, nil
}

func (g *Group) Sort() Sort          { return SortGroup }
func (g *Group) SettingName() string { return g.Name }

// Validate reports every mistake. Whether the monitors exist is for who knows them.
func (g *Group) Validate() error {
	var p Problems
	p.Add("name", CheckToken(g.Name))
	if len(g.Of) == 0 || len(g.Of) > MaxGroup {
		p.Addf("of", "want 1 to %d monitors, got %d", MaxGroup, len(g.Of))
	} else {
		p.Add("", checkNames("of", g.Of))
	}
	switch n, err := g.Rule.Need(len(g.Of)); {
	case err != nil:
		p.Add("rule", err)
	case n > len(g.Of):
		p.Addf("rule", "%d can never be down: the group has %d", n, len(g.Of))
	}
	p.Add("", g.check())
	return p.Err()
}
