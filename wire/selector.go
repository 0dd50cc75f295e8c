package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Selectors choose agents. Each is "all", an agent's id, or labels that must
// all match, such as "region=eu" or "region=eu,tier=edge". An agent is chosen
// when any one of them chooses it.
//
// In JSON and YAML they are written all, [paris, tokyo], [region=eu], or
// {match: {region: eu}} for one set of labels.
//
// Where a monitor is placed there may be, in place of all that, "3 of region=eu": so many
// of the agents that match. It stands alone, and of is followed by what [ParseSelectors]
// reads. See [Selectors.Some] and [Placement].
type Selectors []string

// Everywhere chooses every agent.
const Everywhere = "all"

// ParseSelectors reads what a person gives to --on: paris,tokyo or all or region=eu.
// Neighbouring label=value pairs form one selector, whose labels must all
// match; a ";" parts two of them, either of which may: region=eu;region=us.
//
// "3 of region=eu" is refused: see [ParsePlacement].
func ParseSelectors(s string) (Selectors, error) {
	if isSome(s) {
		return nil, notSome(s)
	}
	var out Selectors
	for group := range strings.SplitSeq(s, ";") {
		var labels []string
		flush := func() {
			if len(labels) > 0 {
				out, labels = append(out, strings.Join(labels, ",")), nil
			}
		}
		for part := range strings.SplitSeq(group, ",") {
			part = strings.TrimSpace(part)
			if strings.Contains(part, "=") {
				labels = append(labels, part)
				continue
			}
			flush()
			out = append(out, part)
		}
		flush()
	}
	return out, out.validate(func(i int) string {
		if out[i] == "" {
			return fmt.Sprintf("agent %d", i+1)
		}
		return "" // the mistake quotes it
	})
}

// Match says whether any selector chooses the agent; of "3 of region=eu", whether it is
// one of those of which three are taken.
func (s Selectors) Match(agent string, labels map[string]string) bool {
	if s.IsSome() {
		_, s = s.Some()
	}
	return slices.ContainsFunc(s, func(sel string) bool {
		if !strings.Contains(sel, "=") {
			return sel == Everywhere || sel == agent
		}
		for pair := range strings.SplitSeq(sel, ",") {
			k, v, _ := strings.Cut(pair, "=")
			if got, ok := labels[k]; !ok || got != v {
				return false
			}
		}
		return true
	})
}

// IDs returns the agents that are named one by one; of "2 of paris,tokyo,rome" none, since
// it does not say which of them.
func (s Selectors) IDs() []string {
	return slices.DeleteFunc(slices.Clone(s), func(sel string) bool {
		return sel == Everywhere || strings.ContainsAny(sel, "= ")
	})
}

// Validate reports every selector that is none.
func (s Selectors) Validate() error {
	return s.validate(func(i int) string { return fmt.Sprintf("[%d]", i) })
}

// validate names selector i as place says.
func (s Selectors) validate(place func(i int) string) error {
	var p Problems
	if len(s) > MaxSelector {
		p.Addf("", "has %d selectors: want at most %d; a label on the agents chooses many at once", len(s), MaxSelector)
		return p.Err()
	}
	for i, sel := range s {
		at := place(i)
		if isSome(sel) {
			if _, _, err := splitSome(sel); err != nil {
				p.Add(at, err)
			} else if len(s) > 1 {
				p.Addf(at, "%q stands alone: write all that it may choose from behind of, such as 3 of paris,region=eu", Clip(sel, 2*MaxToken))
			}
			continue
		}
		if !strings.Contains(sel, "=") {
			p.Add(at, CheckToken(sel))
			continue
		}
		if n := strings.Count(sel, ",") + 1; n > MaxLabels {
			p.Addf(at, "has %d labels: want at most %d", n, MaxLabels)
			continue
		}
		seen := map[string]bool{}
		for pair := range strings.SplitSeq(sel, ",") {
			k, v, ok := strings.Cut(pair, "=")
			if !ok {
				p.Addf(at, "want label=value, got %q", Clip(pair, 2*MaxToken))
				continue
			}
			p.Add(at, CheckLabel(k, v))
			if seen[k] {
				p.Addf(at, "%q has the label %s twice, and no agent has two values of one label; part alternatives with a ;", sel, k)
			}
			seen[k] = true
		}
	}
	return p.Err()
}

// String is what ParseSelectors reads.
func (s Selectors) String() string {
	var b strings.Builder
	for i, sel := range s {
		switch {
		case i == 0:
		case strings.Contains(sel, "=") && strings.Contains(s[i-1], "="):
			b.WriteByte(';')
		default:
			b.WriteByte(',')
		}
		b.WriteString(sel)
	}
	return b.String()
}

// MarshalJSON writes the shortest of the forms.
func (s Selectors) MarshalJSON() ([]byte, error) {
	if len(s) == 1 && (s[0] == Everywhere || isSome(s[0])) {
		return json.Marshal(s[0])
	}
	return json.Marshal([]string(s))
}

// UnmarshalJSON reads any of the forms. It is strict where other messages are
// lenient: a part that it does not know could be the one that says where not to run.
func (s *Selectors) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var one string
	if json.Unmarshal(b, &one) == nil {
		*s = Selectors{one}.asPlacement()
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*s = Selectors(many).asPlacement()
		return nil
	}
	var match struct {
		Match map[string]string `json:"match"`
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&match); err != nil || len(match.Match) == 0 {
		return fmt.Errorf("want all, a list of agents and label=value, {match: {label: value}}, or N of AGENTS such as 3 of region=eu, got %s", short(b))
	}
	pairs := make([]string, 0, len(match.Match))
	for k, v := range match.Match {
		pairs = append(pairs, k+"="+v)
	}
	slices.Sort(pairs)
	*s = Selectors{strings.Join(pairs, ",")}
	return nil
}

// CheckLabel reports why k=v cannot be a label of an agent. The key is a
// token; the value is at most 64 bytes without spaces, ",", ";", "=" or control characters.
func CheckLabel(k, v string) error {
	if err := CheckToken(k); err != nil {
		return fmt.Errorf("label %w", err)
	}
	if v == "" || len(v) > MaxToken || invisible(v) || strings.ContainsAny(v, " ,;=\ufffd") {
		return fmt.Errorf("label %s: want 1 to %d bytes without spaces, commas, semicolons or =, got %+q", k, MaxToken, Clip(v, 2*MaxToken))
	}
	return nil
}

// CheckLabels reports why these cannot be the labels of an agent.
func CheckLabels(labels map[string]string) error {
	if len(labels) > MaxLabels {
		return fmt.Errorf("an agent has at most %d labels, got %d", MaxLabels, len(labels))
	}
	var p Problems
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		p.Add("", CheckLabel(k, labels[k]))
	}
	return p.Err()
}
